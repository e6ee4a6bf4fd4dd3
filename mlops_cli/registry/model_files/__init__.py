"""One module for each format of model files: how it is written, looked into and loaded."""
