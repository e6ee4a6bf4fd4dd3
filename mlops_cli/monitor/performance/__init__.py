"""How well a model does on live data: by labels where they are known, else by its own answers."""
