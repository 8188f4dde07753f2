"""Spec, inventory and parameters become a plan; pure."""
