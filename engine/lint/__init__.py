"""Rules of good practice over a runbook and its plan, each with a code, a severity, a reason and a fix."""

from engine.lint.registry import RULES, Rule, lint

__all__ = ["RULES", "Rule", "lint"]
