"""Estimated performance where only the truth changes, and how our values agree with peers."""
