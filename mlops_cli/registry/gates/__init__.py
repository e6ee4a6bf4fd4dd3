"""What a stage asks of a version before it accepts it: one module for each kind of gate."""
