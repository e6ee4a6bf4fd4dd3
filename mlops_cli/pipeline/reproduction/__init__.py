"""Making a past run again, and proving it equal."""
