"""The original model, asked without detours: the same bits, in less time."""
