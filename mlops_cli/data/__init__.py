"""Versions of data: pointers, snapshots of the work tree, checkout, comparison."""
