"""How well a model does while nobody knows the truth yet: estimates from its own answers."""
