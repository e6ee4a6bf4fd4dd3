"""Model versions, stages, gates, lineage: what may predict, and where it came from."""
