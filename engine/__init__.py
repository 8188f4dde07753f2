"""The recovery runbook engine: diagnose a failed upgrade, then run a versioned runbook against an inventory."""

__version__ = "0.1.0"
