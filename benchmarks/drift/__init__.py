"""Drift: how fast it is looked for, and how often what is said of it is wrong."""
