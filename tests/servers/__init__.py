"""Real servers on this machine, for tests of remotes."""
