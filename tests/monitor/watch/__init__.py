"""`mlo monitor`."""
