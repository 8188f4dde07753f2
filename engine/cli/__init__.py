"""What a person types: click commands, exit codes; no logic of its own."""
