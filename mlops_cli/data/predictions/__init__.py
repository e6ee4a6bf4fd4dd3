"""The prediction log: its files, what is in them, and what came of the predictions later."""
