"""The tools that are measured: one class each, with the same few verbs."""
