"""Pipelines: how fast each tool finds that nothing has changed, and does what has.

The same pipelines of trivial commands for `mlo` and for every other tool, so that what is measured
is the tool and not the work.
"""
