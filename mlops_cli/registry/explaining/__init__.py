"""Why a model answers as it does: which columns it goes by, over all or for one row."""
