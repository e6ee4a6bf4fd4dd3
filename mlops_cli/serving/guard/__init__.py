"""What stands between strangers and the model: tokens, TLS, and limits of size and time."""
