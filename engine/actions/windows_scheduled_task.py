"""``windows.scheduled_task``: run a command line through a scheduled task, for what a network logon cannot do.

The task is begun once, outlives the session, is asked for its end, and is removed. An account that would need its
password on the command line of ``schtasks.exe`` is refused, as others on the host can read that line.
"""

from collections.abc import Sequence

from engine.actions.base import BuiltIn, describe, script, whole
from engine.model.command import Argument, Command, Detached
from engine.model.data import JsonMap, JsonValue, digest
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Owed, Refuse, Unchanged, value_map
from engine.model.secret import Secret
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen

START, POLL, REMOVE = (f"windows_scheduled_task.{one}.ps1" for one in ("start", "poll", "remove"))
# Each account that needs no password, and what schtasks.exe is told of it. INTERACTIVE is the session's own account, as
# far as it is logged on at the host.
ACCOUNTS = {
    "SYSTEM": ("/RU", "SYSTEM", "/RL", "HIGHEST"),
    "LOCAL SERVICE": ("/RU", "NT AUTHORITY\\LOCALSERVICE"),
    "NETWORK SERVICE": ("/RU", "NT AUTHORITY\\NETWORKSERVICE"),
    "INTERACTIVE": ("/IT", "/RL", "HIGHEST"),
}
# Who may write in the task's folder besides administrators, so that the account can leave its signs there.
WRITERS = {"LOCAL SERVICE": "*S-1-5-19", "NETWORK SERVICE": "*S-1-5-20"}
PATIENCE_S = 60
# A second start does nothing. The redirection stands first: behind a number it would belong to that handle.
RUN = """\
@echo off
if exist "%~dp0begun.txt" exit /b 1
> "%~dp0begun.txt" echo begun
cmd.exe /d /c ""%~dp0work.cmd" > "%~dp0output.txt" 2>&1"
> "%~dp0exit.new" echo %ERRORLEVEL%
ren "%~dp0exit.new" exit.txt
""".replace("\n", "\r\n")


class WindowsScheduledTask(BuiltIn):
    """One look at what an earlier attempt left; then begin it, follow it, remove it."""

    info = describe(
        "windows.scheduled_task",
        summary="Run a command line through a scheduled task and wait for its end",
        effect=Effect.PERMANENT,
        rerun=Rerun.NEVER,
        timeout_s=900.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Command | None:
        """Whether such a task is on the host, and how far it is."""
        del host
        return None if seen or _mistake(args) else script(POLL, {"key": _key(args), "patience_s": PATIENCE_S})

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """A command line runs whenever its step does; one that is still at work is joined."""
        mistake = _mistake(args)
        if mistake:
            return mistake
        found = value_map(seen[0])
        if args.get("absent") is True:
            return _absent(args, host, found)
        state = found.get("state")
        if found.get("there") is True and state != "running":
            ended = f"it ended with exit code {_result(found)['exit_code']}" if state == "done" else None
            return Refuse(
                why=f"An earlier task {_key(args)} is on {host.name}: {ended or found.get('message') or state}",
                remedy="Look what it did; then remove it with the same step and absent: true, and run this one again.",
                result=_result(found),
            )
        return _change(args, found)

    def verify(self, args: Arguments, host: HostView, before: Seen, applied: Seen, after: Seen) -> Decision:
        """It ended with an exit code that is accepted, and it is gone."""
        if args.get("absent") is True:
            return super().verify(args, host, before, applied, after)
        found = value_map(applied[0]) if applied else {}
        result, accepted = _result(found), args.get("accept")
        if found.get("state") != "done":
            return Refuse(why=f"The task {_key(args)} gave no end", remedy="Look on the host.", result=result)
        if result["exit_code"] not in (accepted if isinstance(accepted, Sequence) else (0,)):
            return Refuse(
                why=f"The command line ended with exit code {result['exit_code']} on {host.name}",
                remedy="Its output is in the result; the command line itself has to be remedied.",
                result=result,
            )
        gone = _is_gone(after)
        told = f"The command line ended with exit code {result['exit_code']}"
        return Unchanged(why=told, result=result, examined=1, pays=(_debt(args).key,) if gone else ())


def _mistake(args: Arguments) -> Refuse | None:
    if isinstance(args["command"], Secret):
        return Refuse(
            why="A secret cannot be the command line, which lies in a file on the host and is shown in the record",
            remedy="Let what it runs read the secret from a place of its own.",
        )
    account, line = str(args["account"]).upper(), str(args["command"])
    if account not in ACCOUNTS:
        return Refuse(
            why=f"{args['account']} would need its password on the command line of schtasks.exe, which others can read",
            remedy=f"Name one of {', '.join(ACCOUNTS)}, or let the account log on at the host and run it there.",
        )
    if not line.isascii() or not line.isprintable():
        return Refuse(
            why="The command line has a character beyond plain ASCII, or more than one line",
            remedy="Put what it is to do into a file on the host, and name that file.",
        )
    return None


def _digest(args: Arguments) -> str:
    return digest({"command": str(args["command"]), "account": str(args["account"]).upper()})


def _key(args: Arguments) -> str:
    """The step's own name for it, and what it runs: another command line is another task."""
    return f"{args['name']}-{_digest(args)[-12:]}"


def _debt(args: Arguments) -> Owed:
    key = _key(args)
    how = "the same step with absent: true, once the command line has ended"
    return Owed(key=f"scheduled-task({key})", what=f"remove the scheduled task RecoveryRunbooks-{key}", how=how)


def _is_gone(seen: Seen) -> bool:
    return bool(seen) and value_map(seen[0]).get("there") is False


def _result(found: JsonMap) -> JsonMap:
    code: JsonValue = found.get("exit_code")
    known = whole(code) if isinstance(code, int) and not isinstance(code, bool) else None
    return {"there": found.get("there") is True, "exit_code": known, "output": str(found.get("output") or "")}


def _absent(args: Arguments, host: HostView, found: JsonMap) -> Decision:
    key = _key(args)
    if found.get("there") is not True:
        told = f"There is no task {key} on {host.name}"
        return Unchanged(why=told, result=_result(found), examined=1, pays=(_debt(args).key,))
    if found.get("state") == "running":
        return Refuse(
            why=f"The task {key} is still at work on {host.name}",
            remedy="Wait until it has ended, or end it on the host.",
            result=_result(found),
        )
    return Change(
        why=f"The task {key} is on {host.name}",
        before="there",
        after="removed",
        commands=(script(REMOVE, {"key": key}, changing=True),),
        result={**_result(found), "there": False},
    )


def _change(args: Arguments, found: JsonMap) -> Change:
    key, line = _key(args), str(args["command"])
    begin: dict[str, Argument] = {
        "key": key,
        "digest": _digest(args),
        "run": RUN,
        "work": f"@echo off\r\n{line}\r\n",
        "account": list(ACCOUNTS[str(args["account"]).upper()]),
        "writer": WRITERS.get(str(args["account"]).upper(), ""),
    }
    poll = script(POLL, {"key": key, "patience_s": PATIENCE_S})
    return Change(
        why=f"The task {key} of an earlier attempt is joined" if found.get("there") is True else f"{line} is to be run",
        before=None,
        after=f"ran {line} as {args['account']}",
        commands=(
            Detached(start=script(START, begin, changing=True), poll=poll),
            script(REMOVE, {"key": key}, changing=True),
        ),
        result={"there": False, "exit_code": 0, "output": ""},
        owes=(_debt(args),),
    )
