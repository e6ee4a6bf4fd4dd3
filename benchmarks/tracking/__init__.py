"""Tracking: what it costs training code to log, and people to look."""
