"""What is told: console, text, JSON and HTML, all read from events and values."""
