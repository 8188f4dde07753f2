"""The failure of an expression while a run uses it."""

from engine.model.errors import EngineError


class ExpressionFailed(EngineError):
    """The expression has no value here; the message says which part and why, never what a secret holds."""
