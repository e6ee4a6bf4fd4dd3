"""Drift of columns together: what no column shows by itself."""
