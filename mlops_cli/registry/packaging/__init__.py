"""A version as a folder or an image that serves where there is neither mlo's store nor git."""
