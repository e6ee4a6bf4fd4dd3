"""How rules are checked: one module for each kind, or for kinds that look at the same."""
