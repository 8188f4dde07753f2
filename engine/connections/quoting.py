"""The only place where a value becomes part of a command line or of a script's text."""

import re
from collections.abc import Sequence

_POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")


def posix(text: str) -> str:
    """One word for a POSIX shell: in single quotes, which nothing but a single quote ends. NUL has no spelling."""
    if "\0" in text:
        raise ValueError("a NUL character cannot be given to a shell")
    return "'" + text.replace("'", "'\\''") + "'"


def powershell(text: str) -> str:
    """A PowerShell literal in single quotes; the typographic quotes end it too, so they are doubled as well."""
    return "'" + _POWERSHELL_QUOTES.sub(r"\1\1", text) + "'"


def windows_argument(text: str) -> str:
    """One argument for a program that splits its command line as CommandLineToArgvW does.

    Backslashes count only before a quotation mark: there, and before the closing one, they are doubled.
    """
    if "\0" in text:
        raise ValueError("a NUL character cannot be part of a command line")
    if text and not re.search(r'[\s"]', text):
        return text
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', text)
    return '"' + re.sub(r"(\\+)\Z", r"\1\1", escaped) + '"'


def windows_command_line(arguments: Sequence[str]) -> str:
    """A whole command line; not for cmd.exe, whose own signs this does not quote."""
    return " ".join(windows_argument(one) for one in arguments)
