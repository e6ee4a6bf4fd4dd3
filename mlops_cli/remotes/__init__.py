"""Exchanging objects and refs with stores elsewhere; one file for each kind of remote."""
