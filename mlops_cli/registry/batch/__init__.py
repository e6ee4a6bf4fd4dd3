"""Predicting files: reading, asking, and writing them, in parts that are done once."""
