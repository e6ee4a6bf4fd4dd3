"""Detectors of concept drift: they watch a stream of errors for a change of its mean."""
