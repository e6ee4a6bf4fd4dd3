"""Tests, distances and their tails: pure mathematics of samples, each with its source."""
