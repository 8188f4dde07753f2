"""The vocabulary as frozen values; standard library only, no behaviour that touches the world."""
