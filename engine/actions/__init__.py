"""The built-in actions, one pure file each, with the scripts they send beside them."""
