"""What is next: the pure state machine, its replay, and the triage verdict."""
