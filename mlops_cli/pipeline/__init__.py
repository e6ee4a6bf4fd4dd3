"""The pipeline: steps in order, which of them are stale, and running those."""
