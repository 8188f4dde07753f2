"""What happened: append-only, hash-chained events in SQLite, evidence as files by content hash."""
