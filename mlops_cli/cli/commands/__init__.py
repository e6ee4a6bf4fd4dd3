"""One file per command, named after it; loaded only when the command is typed."""
