"""``windows.script``: a PowerShell script of the user's own, with its arguments as one hashtable.

It counts as permanent unless the step declares a weaker ``effect``. Only one declared ``observe`` is sent as a look,
and so in check mode; any other is a change, sent once, whose value is the step's result.
"""

import re
from collections.abc import Mapping

from engine.actions.base import BuiltIn, describe
from engine.model.command import Argument, Script
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Decision, Refuse, Unchanged
from engine.model.secret import Secret
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen

# What may stand before a script's own param block: blank lines and comments.
_PARAMETERS = re.compile(r"(?:\s+|#[^\n]*\n|<#.*?#>)*param\s*\(", re.IGNORECASE | re.DOTALL)


class WindowsScript(BuiltIn):
    """A look or a change, as the step declares it."""

    info = describe(
        "windows.script",
        summary="A PowerShell script of one's own; it gets one hashtable and gives one back",
        effect=Effect.PERMANENT,
        rerun=Rerun.NEVER,
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Only a script that is declared to change nothing is a look."""
        del host
        return None if seen or changes(args) or _mistake(args) else _script(args)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The value of a look; for anything else the change itself."""
        mistake = _mistake(args)
        if mistake:
            return mistake
        if not changes(args):
            return outcome(seen[0], f"The script ran on {host.name}")
        return Change(
            why="A script of one's own runs whenever its step does",
            before=None,
            after=f"runs {args.get('name', 'script')}",
            commands=(_script(args),),
        )

    def verify(self, args: Arguments, host: HostView, before: Seen, applied: Seen, after: Seen) -> Decision:
        """What the script itself said is all that is known."""
        del args, before, after
        if not applied:
            return Refuse(why="The script gave no answer", remedy="Look on the host whether it ran.")
        return outcome(applied[-1], f"The script ran on {host.name}")


def changes(args: Arguments) -> bool:
    """True unless the step declares that the script only looks."""
    return args.get("effect", Effect.PERMANENT) != Effect.OBSERVE


def outcome(answer: CommandResult, why: str) -> Decision:
    """The script's value as the step's result; a value that is no hashtable stands under ``value``."""
    value = answer.value
    result = dict(value) if isinstance(value, Mapping) else {"value": value}
    return Unchanged(why=why, result=result)


def _mistake(args: Arguments) -> Refuse | None:
    if not isinstance(args["script"], Secret):
        return None
    return Refuse(
        why="A secret cannot be the script, whose text is kept in the plan",
        remedy="Write the script into the step, and hand it the secret in arguments.",
    )


def _script(args: Arguments) -> Script:
    given = args.get("arguments")
    arguments: dict[str, Argument] = dict(given) if isinstance(given, Mapping) else {}
    text = str(args["script"])
    if not _PARAMETERS.match(text):
        text = "param($Arguments)\n" + text
    return Script(name=str(args.get("name", "script")), text=text, arguments=arguments, changing=changes(args))
