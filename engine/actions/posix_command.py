"""``posix.command``: a program with arguments, or a shell script of the user's own, on a POSIX host.

It counts as permanent unless the step declares a weaker ``effect``. Arguments reach the program exactly as given.
"""

from collections.abc import Mapping

from engine.actions.base import BuiltIn, as_list, describe
from engine.actions.windows_script import changes
from engine.model.command import Argument, Dialect, Script
from engine.model.inventory import HostView
from engine.model.packaged import payload
from engine.model.result import Change, CommandResult, Decision, Refuse, Unchanged, value_map
from engine.model.secret import Secret
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen


class PosixCommand(BuiltIn):
    """A look or a change, as the step declares it."""

    info = describe(
        "posix.command",
        summary="A program or a shell script of one's own on a POSIX host",
        effect=Effect.PERMANENT,
        rerun=Rerun.NEVER,
        platforms=("posix",),
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Only a command that is declared to change nothing is a look."""
        del host
        return None if seen or changes(args) or _mistake(args) else _script(args)

    def tolerates(self, args: Arguments, host: HostView, failed: CommandResult) -> bool:
        """An exit code that the step expects is an answer."""
        del host
        code = value_map(failed).get("exit_code")
        return code in _expected(args)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The output of a look; for anything else the change itself."""
        mistake = _mistake(args)
        if mistake:
            return Refuse(why=mistake, remedy="Correct the step's arguments.")
        if not changes(args):
            return _outcome(args, host, seen[0])
        return Change(
            why="A command of one's own runs whenever its step does",
            before=None,
            after=f"runs {_title(args)}",
            commands=(_script(args),),
        )

    def verify(self, args: Arguments, host: HostView, before: Seen, applied: Seen, after: Seen) -> Decision:
        """What the command itself said is all that is known."""
        del before, after
        if not applied:
            return Refuse(why="The command gave no answer", remedy="Look on the host whether it ran.")
        return _outcome(args, host, applied[-1])


def _expected(args: Arguments) -> tuple[object, ...]:
    codes = args.get("exit_codes", (0,))
    return tuple(codes) if isinstance(codes, (list, tuple)) else (0,)


def _mistake(args: Arguments) -> str | None:
    if ("argv" in args) == ("script" in args):
        return "A command needs either argv or script, and not both"
    if changes(args) and _expected(args) != (0,):
        return "Only a command with the effect observe may expect exit codes other than 0"
    return None


def _title(args: Arguments) -> str:
    return as_list(args["argv"])[0] if "argv" in args else "a script"


def _outcome(args: Arguments, host: HostView, answer: CommandResult) -> Decision:
    value = value_map(answer)
    result = {name: value.get(name) for name in ("stdout", "stderr", "exit_code")}
    code = value.get("exit_code")
    why = f"{_title(args)} on {host.name} ended with exit code {code}"
    if code not in _expected(args):
        return Refuse(why=why, result=result)
    if answer.truncated and not changes(args):
        # a condition on the part that is there could be false for what is in the part that is not
        why = f"{_title(args)} on {host.name} printed more than can be kept, so only the beginning is known"
        return Refuse(why=why, remedy="Let it print less, such as by head or grep.", result={"exit_code": code})
    cut = "; it printed more than can be kept, so stdout and stderr are cut" if answer.truncated else ""
    return Unchanged(why=f"{why}{cut}", result=result)


def _word(value: Argument) -> str | Secret:
    """A secret stays one until the connection opens it; anything else goes as text."""
    return value if isinstance(value, Secret) else str(value)


def _script(args: Arguments) -> Script:
    if "script" in args:
        arguments: dict[str, Argument] = {}
        given = args.get("arguments")
        if isinstance(given, Mapping):
            arguments = {name: _word(value) for name, value in given.items()}
        text = str(args["script"])
        return Script(name="script", text=text, arguments=arguments, dialect=Dialect.POSIX, changing=changes(args))
    argv = args["argv"]
    words = [_word(one) for one in argv] if isinstance(argv, (list, tuple)) else []
    arguments = {f"arg{number}": word for number, word in enumerate(words, 1)}
    arguments |= {"count": str(len(words)), "directory": str(args.get("directory", ""))}
    name = "posix_command.sh"
    return Script(name=name, text=payload(name), arguments=arguments, dialect=Dialect.POSIX, changing=changes(args))
