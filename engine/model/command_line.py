"""A command that a person types: quoted so that the shell of this machine hands over exactly these words.

On Windows that is Windows PowerShell, where a comma makes a list and ``@`` a splat; elsewhere a POSIX shell.
"""

import re
import shlex
import sys

_PLAIN = re.compile(r"[A-Za-z0-9_./:\\=+-]+")


def command_line(*words: str, windows: bool = sys.platform == "win32") -> str:
    """The words as one line."""
    return " ".join(quoted(word, windows=windows) for word in words)


def quoted(word: str, *, windows: bool = sys.platform == "win32") -> str:
    """One word."""
    if not windows:
        return shlex.quote(word)
    if _PLAIN.fullmatch(word):
        return word
    word = re.sub(r'(\\*)"', r'\1\1\\"', word)  # Windows PowerShell hands inner quotes on as they are
    if re.search(r"\s", word):  # it then puts the word in double quotes, which a last backslash would escape
        word = re.sub(r"(\\+)$", r"\1\1", word)
    return f"'{word.replace(chr(39), chr(39) * 2)}'"
