"""Text to meaning: the only room that parses what a user wrote.

``load`` is the door for documents, ``expression`` and ``typecheck`` for what is written in them, ``hosts`` for host
patterns. Nothing here contacts a host, reads a file or knows the time.
"""
