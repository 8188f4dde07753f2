"""What the script of ``posix.command`` does on a POSIX host of the lab: the few programs that the host has. A program
that it has not fails as on any host without it; one that is called in a way it does not know says that too.
"""

import posixpath
from collections.abc import Callable, Mapping, Sequence

from engine.lab.machine_posix import Entry, PosixMachine, PosixRefusal

Words = Sequence[str]
_NOT_FOUND, _NO_FOLDER, _WRONG_USE = 127, 125, 2


def run(machine: PosixMachine, given: Mapping[str, str]) -> str:
    """One program with its arguments, in a folder."""
    words = [given[f"RB_ARG{number}"] for number in range(1, int(given["RB_COUNT"]) + 1)]
    folder = given.get("RB_DIRECTORY") or "/"
    entry = machine.at(folder)
    if entry is None or entry.is_file:
        raise PosixRefusal(f"cd: can't cd to {folder}", _NO_FOLDER)
    program = posixpath.basename(words[0]) if words[0].startswith("/bin/") else words[0]
    if program not in _PROGRAMS:
        known = ", ".join(sorted(_PROGRAMS))
        raise PosixRefusal(f"exec: {words[0]}: not found (this host of the lab has: {known})", _NOT_FOUND)
    return _PROGRAMS[program](machine, folder, words[1:])


def _cat(machine: PosixMachine, folder: str, words: Words) -> str:
    _only_paths("cat", words)
    pieces, said = [], []
    for word in words:
        try:
            pieces.append(machine.read(_place(folder, word)).decode("utf-8", "surrogateescape"))
        except PosixRefusal as refusal:
            said.append(str(refusal))
    if said:
        raise PosixRefusal("\n".join(said), 1, "".join(pieces))
    return "".join(pieces)


def _mkdir(machine: PosixMachine, folder: str, words: Words) -> str:
    parents, paths = "-p" in words, [word for word in words if word != "-p"]
    _only_paths("mkdir", paths)
    for path in (_place(folder, one) for one in paths):
        there, above = machine.at(path), machine.at(posixpath.dirname(path))
        if there is not None and (there.is_file or not parents):
            raise PosixRefusal(f"cannot create directory '{path}': File exists")
        if any(one is not None and one.is_file for one in _above(machine, path)):
            raise PosixRefusal(f"cannot create directory '{path}': Not a directory")
        if above is None and not parents:
            raise PosixRefusal(f"cannot create directory '{path}': No such file or directory")
        machine.add_folder(path)
    return ""


def _rm(machine: PosixMachine, folder: str, words: Words) -> str:
    quiet, paths = "-f" in words, [word for word in words if word != "-f"]
    _only_paths("rm", paths)
    for path in (_place(folder, one) for one in paths):
        if machine.at(path) is None and not quiet:
            raise PosixRefusal(f"cannot remove '{path}': No such file or directory")
        machine.remove(path)
    return ""


def _test(machine: PosixMachine, folder: str, words: Words) -> str:
    match list(words):
        case [("-e" | "-f" | "-d" | "-s") as sign, path]:
            entry = machine.at(_place(folder, path)) if path else None
            holds = entry is not None and _is(sign, entry)
        case [left, ("=" | "!=") as sign, right]:
            holds = (left == right) is (sign == "=")
        case _:
            raise _unknown("test", words)
    if not holds:
        raise PosixRefusal("", 1)
    return ""


def _is(sign: str, entry: Entry) -> bool:
    return {
        "-e": True,
        "-f": entry.is_file,
        "-d": not entry.is_file,
        "-s": entry.content != b"",
    }[sign]


def _pwd(machine: PosixMachine, folder: str, words: Words) -> str:
    del machine
    if words:
        raise _unknown("pwd", words)
    return f"{posixpath.normpath(folder)}\n"


def _true(machine: PosixMachine, folder: str, words: Words) -> str:
    del machine, folder, words
    return ""


def _false(machine: PosixMachine, folder: str, words: Words) -> str:
    del machine, folder, words
    raise PosixRefusal("", 1)


_PROGRAMS: Mapping[str, Callable[[PosixMachine, str, Words], str]] = {
    "cat": _cat,
    "false": _false,
    "mkdir": _mkdir,
    "pwd": _pwd,
    "rm": _rm,
    "test": _test,
    "true": _true,
}


def _place(folder: str, word: str) -> str:
    joined = posixpath.join(folder, word)
    return posixpath.normpath(joined) + ("/" if joined.endswith("/") and posixpath.normpath(joined) != "/" else "")


def _above(machine: PosixMachine, path: str) -> list[Entry | None]:
    found, place = [], posixpath.dirname(path)
    while place != "/":
        found.append(machine.at(place))
        place = posixpath.dirname(place)
    return found


def _only_paths(program: str, words: Words) -> None:
    if not words or any(word.startswith("-") or not word for word in words):
        raise _unknown(program, words)


def _unknown(program: str, words: Words) -> PosixRefusal:
    return PosixRefusal(f"The lab knows no {program} {' '.join(words)}", _WRONG_USE)


ANSWERS: Mapping[str, Callable[[PosixMachine, Mapping[str, str]], str]] = {"posix_command.sh": run}
