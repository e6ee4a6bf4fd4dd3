"""Storage shared by every layer: ids, packs, trees, refs, journals, settings, git."""
