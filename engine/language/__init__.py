"""Text to meaning: the only room that parses what a user wrote."""
