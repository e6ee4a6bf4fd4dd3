"""Whether the closed loop holds what a frozen model, or one retrained by the calendar, does not."""
