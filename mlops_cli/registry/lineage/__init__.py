"""Where anything came from, and what came of it: walks over what was recorded anyway."""
