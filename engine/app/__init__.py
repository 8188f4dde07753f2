"""Use cases and the composition root: the only room that knows every other."""
