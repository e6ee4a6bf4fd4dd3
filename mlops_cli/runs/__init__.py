"""Runs: what was executed, from what, and what came of it."""
