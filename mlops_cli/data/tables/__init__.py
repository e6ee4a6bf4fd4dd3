"""Comparing versions of tables of any size, a piece at a time."""
