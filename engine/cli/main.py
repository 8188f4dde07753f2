"""The door of the command line: finds the command, and turns whatever went wrong into one sentence and an exit code."""

import errno
import gc
import io
import os
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

import click

from engine import __version__
from engine.model.errors import DocumentsRejected, EngineError
from engine.model.exit_code import ExitCode

YOUNG_OBJECTS = 50_000
"""After how many new ones Python looks for cycles; its own 700 make every start a tenth slower."""

# Verb: module of this package, and its one-line help (so that help needs no import).
COMMANDS = {
    "validate": "Check documents without touching a host",
    "plan": "Show what a run would do, in which order, with which proofs",
    "run": "Run a runbook against an inventory",
    "resume": "Take a run up where it stopped",
    "answer": "Answer a question or an approval of a parked run, and go on",
    "triage": "Name the phase in which an upgrade failed, from evidence or from the estate",
    "report": "Tell what a run did",
    "runs": "List the runs of this state folder",
    "test": "Rehearse runbooks on the simulated estate, and compare how it ends",
    "baseline": "Judge a baseline that was recorded before an upgrade, or amend it",
    "doctor": "Check this machine, and the way to every host",
    "lab": "The built-in estate: bring it up, or watch a recovery on it",
    "inventory": "Show the hosts, groups and variables that an inventory gives",
    "actions": "List the actions, or describe one",
    "schema": "Print the schema of a kind of document",
    "completion": "Print the shell completion script",
    "version": "Print the version",
}


class Verbs(click.Group):
    """Imports a command when it is used, so that each pays only for itself."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order people need them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one verb."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"engine.cli.{cmd_name}_cmd").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """With a did-you-mean for a verb that does not exist."""
        from difflib import get_close_matches

        name = args[0]
        if name not in COMMANDS:
            near = get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "`runbook --help` lists the commands"
            raise click.UsageError(f"there is no command `{name}`; {hint}", ctx)
        found = super().resolve_command(ctx, args)
        if found[1] is not None:
            _refuse_twice(found[1], found[2], ctx)
        return found


CHOICES = frozenset({"inventory", "limit", "tags", "start_at", "baseline", "plan_file"})
"""Parameters of commands that choose what is done, and where."""


def _refuse_twice(command: click.Command, args: list[str], ctx: click.Context) -> None:
    """Other tools add up two limits or two inventories; the last alone would leave out what somebody asked for."""
    inner = click.Context(command, info_name=command.name, parent=ctx)
    try:
        given = command.make_parser(inner).parse_args(list(args))[2]
    except click.UsageError:
        return  # told when the command itself reads its arguments
    for one in given:
        if one.name in CHOICES and given.count(one) > 1:
            hint = "join patterns or tags with a comma" if one.name in ("limit", "tags") else "give it once"
            raise click.UsageError(f"{'/'.join(one.opts)} was given more than once; {hint}", inner)


EPILOG = "\b\nExit codes\n" + "\n".join(f"  {code.value:<4} {code.name.lower().replace('_', ' ')}" for code in ExitCode)


@click.group(
    cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EPILOG
)
@click.version_option(__version__, prog_name="runbook", message="%(prog)s %(version)s")
def cli() -> None:
    """Diagnose a failed upgrade, and run the runbook that recovers it."""


def main() -> NoReturn:
    """Run the command line and exit with a code of the table."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # set while this module was loaded: see engine/__main__.py
        signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.set_threshold(YOUNG_OBJECTS)
    if os.environ.get("_RUNBOOK_COMPLETE", "").startswith("powershell"):
        from engine.cli.powershell import register

        register()
    _open_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):  # a locale that lacks a letter of a name must not end a run
        sys.stdout.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:  # whoever read it is gone; without this Python would tell that, and change the exit code
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    if any(not one.daemon for one in threading.enumerate() if one is not threading.main_thread()):
        os._exit(code)  # workers may hang in a call to a host; what they do is on record, so nobody waits for them
    gc.freeze()  # else Python searches all that was loaded for cycles once more, only to end
    sys.exit(code)


def _open_streams() -> None:
    """Whoever started the engine without a stream gives it nothing to read and nobody to tell; a file that the engine
    opens must not get that number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def run(arguments: list[str]) -> int:
    """The exit code of one command line; errors are told on standard error."""
    if sentence := _given_nothing(arguments):
        return _usage(sentence)
    try:
        result = cli.main(args=arguments, prog_name="runbook", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return int(ExitCode.INTERRUPTED)
    except click.ClickException as mistake:
        mistake.show()
        return int(ExitCode.USAGE)
    except DocumentsRejected as rejected:
        _show_diagnostics(rejected)
        return int(rejected.exit_code)
    except EngineError as failure:
        tell(failure)
        return int(failure.exit_code)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:  # the reader of a listing had enough
        return int(ExitCode.DONE)
    except (OSError, UnicodeEncodeError) as error:
        sentence = _argument_mistake(error, arguments)
        if sentence is not None:
            return _usage(sentence)
        return _unwritten(error) if isinstance(error, OSError) and error.errno in _NO_ROOM else _bug()
    except Exception as error:  # noqa: BLE001 - the outermost door: a bug is told as one, with its own exit code
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python wraps one that comes while a class is made
            click.echo("interrupted", err=True)
            return int(ExitCode.INTERRUPTED)
        return _bug()
    return int(result) if isinstance(result, int) else int(ExitCode.DONE)


def _given_nothing(arguments: list[str]) -> str | None:
    """An unset variable of a shell would else widen what is done: no limit, no tags, no saved plan."""
    for before, one in zip(["", *arguments], arguments, strict=False):
        option, equals, value = one.partition("=")
        if equals and option.startswith("--") and not value.strip():
            return f"`{option}` was given nothing; a variable of the shell may be unset"
        if not one.strip():
            what = f"`{before}`" if before.startswith("-") else "an argument"
            return f"{what} was given nothing; a variable of the shell may be unset"
    return None


_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}


def _unwritten(error: OSError) -> int:
    """What a run writes is told by ``StorageFailed``; what is left is what a command had to show."""
    with suppress(OSError):
        click.echo(f"error: the output cannot be written: {error.strerror}", err=True)
        click.echo("  remedy: free space where it goes, and give the command again", err=True)
    return int(ExitCode.STEP_FAILED)


def _argument_mistake(error: OSError | UnicodeEncodeError, arguments: list[str]) -> str | None:
    """What is wrong with an argument that no file and no record can be called; None if it is not that."""
    if isinstance(error, OSError):
        return "a name is too long for this system" if error.errno == errno.ENAMETOOLONG else None
    bad = [one for one in arguments if any("\ud800" <= char <= "\udfff" for char in one)]
    return f"the argument {bad[0]!a} is not valid UTF-8" if bad else None


def _usage(sentence: str) -> int:
    click.echo(f"error: {sentence}", err=True)
    click.echo("  remedy: check what was typed; `runbook COMMAND --help` lists what is expected", err=True)
    return int(ExitCode.USAGE)


def _bug() -> int:
    import traceback

    traceback.print_exc()
    click.echo("error: a bug in the engine; what a run had put on record is kept", err=True)
    click.echo("  remedy: keep the lines above; `runbook runs` lists the runs", err=True)
    return int(ExitCode.BUG)


def tell(failure: EngineError) -> None:
    """One failure on standard error: the sentence, then the remedy."""
    from engine.reporting.plain import printable

    click.echo(f"error: {printable(failure.message)}", err=True)
    if failure.remedy:
        click.echo(f"  remedy: {printable(failure.remedy)}", err=True)


def _show_diagnostics(rejected: DocumentsRejected) -> None:
    from engine.reporting.diagnostics import render_diagnostics

    click.echo(render_diagnostics(rejected.diagnostics), err=True)


if __name__ == "__main__":
    main()
