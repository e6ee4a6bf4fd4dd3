"""How good a version is on some data: pure functions on arrays, and the record of what they say."""
