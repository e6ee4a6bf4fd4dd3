"""mlo: version control for the whole machine-learning loop."""

__version__ = "0.1.0"
