"""Failures of the world, as exceptions with fields.

    EngineError                     exit code
      UsageMistake                   2   a wrong option, a file that is not there
      DocumentsRejected              3   diagnostics were found
        OptionsRejected              2   the documents stand, an option does not fit them
      ConnectionProblem              4   host, operation, cause
        ConnectFailed                    no connection could be opened
        AuthenticationFailed             the host refused the credential or could not be trusted
        ConnectionLost                   it broke after it was open; what was sent may have run
        CommandTimedOut                  no answer in time; what was sent may still run
      PlanOutdated                   6   a saved plan no longer matches its sources
      HostLocked                    10   another run holds the host
      SecretUnavailable              2   a secret reference cannot be opened
      StorageFailed                  1   journal or evidence cannot be written or read (disk full, read-only)
      JournalDamaged                 1   the hash chain or a row is broken

Every one carries a sentence (``str``) and, where one exists, a remedy. User mistakes in documents are diagnostics, not
exceptions; bugs stay tracebacks.
"""

from engine.model.diagnostic import Diagnostic
from engine.model.exit_code import ExitCode


class EngineError(Exception):
    """Root of all expected failures."""

    exit_code = ExitCode.STEP_FAILED

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageMistake(EngineError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = ExitCode.USAGE


class DocumentsRejected(EngineError):
    """At least one diagnostic of severity error was found."""

    exit_code = ExitCode.DOCUMENTS_REJECTED

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        errors = sum(one.severity == "error" for one in diagnostics)
        super().__init__(f"{errors} error{'' if errors == 1 else 's'} in the documents")
        self.diagnostics = diagnostics


class OptionsRejected(DocumentsRejected):
    """The documents stand; what the command line says of them does not fit."""

    exit_code = ExitCode.USAGE


class ConnectionProblem(EngineError):
    """Something between the jump host and a host: which host, during what, and why."""

    exit_code = ExitCode.UNREACHABLE
    verb = "could not be used"

    def __init__(self, host: str, operation: str, cause: str, *, remedy: str | None = None) -> None:
        super().__init__(f"{host}: {operation} {self.verb}: {cause}", remedy=remedy)
        self.host = host
        self.operation = operation
        self.cause = cause


class ConnectFailed(ConnectionProblem):
    """No connection could be opened; nothing was sent."""

    verb = "could not connect"


class AuthenticationFailed(ConnectionProblem):
    """The host refused the credential, or the host's own identity could not be verified; nothing was sent."""

    verb = "was refused"


class ConnectionLost(ConnectionProblem):
    """The connection broke after a command was sent; the command may have run."""

    verb = "lost its connection"


class CommandTimedOut(ConnectionProblem):
    """No answer within the time allowed; the command may still be running."""

    verb = "timed out"


class PlanOutdated(EngineError):
    """A saved plan no longer matches the runbook, inventory, inputs or engine it was made from."""

    exit_code = ExitCode.PLAN_OUTDATED


class HostLocked(EngineError):
    """Another run holds the host."""

    exit_code = ExitCode.HOST_LOCKED


class SecretUnavailable(EngineError):
    """A secret reference cannot be opened; the message names the reference, never a value."""

    exit_code = ExitCode.USAGE


class StorageFailed(EngineError):
    """The run's directory, journal or evidence cannot be written or read."""


class JournalDamaged(EngineError):
    """The journal's chain of hashes is broken; the message names the first broken place."""
