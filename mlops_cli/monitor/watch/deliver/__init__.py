"""Actions that tell people: one module for each way to reach them."""
