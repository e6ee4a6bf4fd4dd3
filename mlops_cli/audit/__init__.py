"""The record of who did what, chained by hashes; below the domains so that all can write to it."""
