"""Searching parameters: many runs of one step, each with what the ones before it taught."""
