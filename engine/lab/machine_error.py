"""The one exception by which a model of a payload fails as the script would."""


class PayloadError(Exception):
    """Becomes the answer ``ok: false`` with one error record; ``category`` as PowerShell names it."""

    def __init__(self, message: str, category: str = "OperationStopped") -> None:
        super().__init__(message)
        self.message = message
        self.category = category
