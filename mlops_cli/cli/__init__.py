"""What a user types and sees: one thin file per command, the only layer that knows a terminal."""
