"""Versions of data read in place, as `mlo://` to pandas, pyarrow and Dask."""
