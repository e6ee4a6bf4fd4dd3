"""Where tables come from, and how their columns are summed."""
