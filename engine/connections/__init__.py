"""Wires: WinRM, SSH and local; quoting, shell lifetime, limits, error translation."""
