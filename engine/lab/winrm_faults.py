"""The refusals of WinRM's shells, with the codes and words of Windows."""

from engine.lab import winrm_envelope as soap
from engine.lab.winrm_envelope import WsmanFault


def no_shell(shell_id: str) -> WsmanFault:
    """The shell's id is unknown, or it belongs to somebody else."""
    return WsmanFault(
        soap.SHELL_NOT_FOUND,
        "InvalidSelectors",
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not "
        "found on the server. Possible causes are: the specified ShellId is incorrect or the shell no longer "
        "exists on the server. Provide the correct ShellId or create a new shell and retry the operation. ",
    )


def no_command(command_id: str | None) -> WsmanFault:
    """The shell has no such command."""
    return WsmanFault(
        soap.SHELL_NOT_FOUND,
        "InvalidSelectors",
        f"The Windows Remote Shell received a request to perform an operation on a command identifier "
        f"{command_id} that does not exist. Either the command has completed execution or the client "
        "specified an invalid command identifier. ",
    )


def too_many_shells(quota: int) -> WsmanFault:
    """The user's quota is used up."""
    return WsmanFault(
        soap.MAX_SHELLS,
        "QuotaLimit",
        "The WS-Management service cannot process the request. This user is allowed a maximum number of "
        f"{quota} concurrent shells, which has been exceeded. Close existing shells or raise the quota for "
        "this user. ",
    )


def aborted() -> WsmanFault:
    """What was asked about ended while it was waited for."""
    return WsmanFault(
        soap.ABORTED,
        "InternalError",
        "The I/O operation has been aborted because of either a thread exit or an application request. ",
    )


def nothing_in_time() -> WsmanFault:
    """There was no output within the operation's time; clients ask again."""
    return WsmanFault(
        soap.OPERATION_TIMEOUT,
        "TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  ",
    )


def no_such_resource(resource_uri: str, *, powershell: bool) -> WsmanFault:
    """What is to be created is neither a shell nor, where there is a PowerShell, a runspace pool."""
    wanted = resource_uri.startswith(f"{soap.POWERSHELL}/")
    why = " A runspace pool needs a PowerShell: name one in RUNBOOK_PWSH." if wanted and not powershell else ""
    served = f"{soap.CMD_SHELL} and {soap.POWERSHELL}/*" if powershell else f"{soap.CMD_SHELL} only"
    return WsmanFault(
        soap.ACCESS_DENIED, "InvalidResourceURI", f"The lab serves the resource {served}, not {resource_uri}.{why}"
    )
