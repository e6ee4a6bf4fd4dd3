"""Doing many tasks at once: in processes of this machine, or on a cluster."""
