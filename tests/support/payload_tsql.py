"""A strict grammar of the T-SQL statements that administer databases: BACKUP, RESTORE, ALTER DATABASE, sp_configure.

It accepts only what is written here, with every option by name, so that a typing error in a runbook's statement is seen
without any server. What it accepts, SQL Server 2008's own parser accepts too; the tests hold it to that.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"\s+|--[^\n]*|/\*.*?\*/|(?P<text>N?'(?:[^']|'')*')|(?P<name>\[(?:[^\]]|\]\])+\]|\"(?:[^\"]|\"\")+\")"
    r"|(?P<variable>@[\w$#@]+)|(?P<number>\d+)|(?P<word>[A-Za-z_][\w$#@]*)|(?P<mark>[=,;.()])",
    re.DOTALL,
)
_RESERVED = frozenset(
    {
        "ADD", "ALL", "ALTER", "AND", "ANY", "AS", "ASC", "AUTHORIZATION", "BACKUP", "BEGIN", "BETWEEN", "BREAK",
        "BROWSE", "BULK", "BY", "CASCADE", "CASE", "CHECK", "CHECKPOINT", "CLOSE", "CLUSTERED", "COALESCE", "COLLATE",
        "COLUMN", "COMMIT", "COMPUTE", "CONSTRAINT", "CONTAINS", "CONTINUE", "CONVERT", "CREATE", "CROSS", "CURRENT",
        "CURSOR", "DATABASE", "DBCC", "DEALLOCATE", "DECLARE", "DEFAULT", "DELETE", "DENY", "DESC", "DISK",
        "DISTINCT", "DISTRIBUTED", "DOUBLE", "DROP", "ELSE", "END", "ERRLVL", "ESCAPE", "EXCEPT", "EXEC", "EXECUTE",
        "EXISTS", "EXIT", "EXTERNAL", "FETCH", "FILE", "FILLFACTOR", "FOR", "FOREIGN", "FREETEXT", "FROM", "FULL",
        "FUNCTION", "GOTO", "GRANT", "GROUP", "HAVING", "HOLDLOCK", "IDENTITY", "IF", "IN", "INDEX", "INNER",
        "INSERT", "INTERSECT", "INTO", "IS", "JOIN", "KEY", "KILL", "LEFT", "LIKE", "LINENO", "LOG", "MERGE",
        "NATIONAL", "NOCHECK", "NONCLUSTERED", "NOT", "NULL", "NULLIF", "OF", "OFF", "OFFSETS", "ON", "OPEN",
        "OPTION", "OR", "ORDER", "OUTER", "OVER", "PERCENT", "PIVOT", "PLAN", "PRIMARY", "PRINT", "PROC", "PROCEDURE",
        "PUBLIC", "RAISERROR", "READ", "RECONFIGURE", "REFERENCES", "REPLICATION", "RESTORE", "RESTRICT", "RETURN",
        "REVERT", "REVOKE", "RIGHT", "ROLLBACK", "RULE", "SAVE", "SCHEMA", "SELECT", "SET", "SHUTDOWN", "SOME",
        "STATISTICS", "TABLE", "THEN", "TO", "TOP", "TRAN", "TRANSACTION", "TRIGGER", "TRUNCATE", "UNION", "UNIQUE",
        "UNPIVOT", "UPDATE", "USE", "USER", "VALUES", "VARYING", "VIEW", "WAITFOR", "WHEN", "WHERE", "WHILE", "WITH"
    }
)  # fmt: skip


class NotAdministrative(ValueError):
    """The text is not a sequence of the statements known here; says where."""


@dataclass(slots=True)
class _Text:
    tokens: list[tuple[str, str]]
    place: int = 0
    kinds: list[str] = field(default_factory=list)

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "")

    def next(self, *kinds: str) -> str:
        kind, text = self.peek()
        if kind not in kinds:
            raise NotAdministrative(f"{text or 'the end'} where {' or '.join(kinds)} is expected")
        self.place += 1
        return text

    def at(self, *words: str) -> bool:
        """True, and past them, if the next tokens are these words or marks."""
        ahead = [
            text.upper() for kind, text in self.tokens[self.place : self.place + len(words)] if kind in ("word", "mark")
        ]
        if ahead != list(words):
            return False
        self.place += len(words)
        return True

    def must(self, *words: str) -> None:
        if not self.at(*words):
            raise NotAdministrative(f"{self.peek()[1] or 'the end'} where {' '.join(words)} is expected")

    def name(self) -> None:
        text = self.next("word", "name", "variable")
        if text.upper() in _RESERVED:
            raise NotAdministrative(f"{text} is not a name")

    def each(self, part: Callable[[], None]) -> None:
        part()
        while self.at(","):
            part()


def parse(text: str) -> list[str]:
    """The kinds of the statements in a text, such as ``RESTORE DATABASE``, or ``NotAdministrative``."""
    source = _Text(_tokens(text))
    while source.peek()[0] != "end":
        _statement(source)
        while source.at(";"):
            continue
    if not source.kinds:
        raise NotAdministrative("there is no statement")
    return source.kinds


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise NotAdministrative(f"{text[place : place + 10]!r} is not understood")
        if match.lastgroup:
            found.append((match.lastgroup, match.group()))
        place = match.end()
    return found


def _statement(source: _Text) -> None:
    for words, read in _STATEMENTS.items():
        if source.at(*words.split()):
            source.kinds.append(words.replace("EXECUTE", "EXEC"))
            read(source)
            return
    raise NotAdministrative(f"{source.peek()[1]} begins no statement known here")


def _device(source: _Text) -> None:
    source.must("DISK", "=")
    source.next("text", "variable")


def _options(
    source: _Text, flags: str, numbers: str, texts: str, *, moves: bool = False, required: bool = False
) -> None:
    """``WITH`` and a list of options, each at most once."""
    if not source.at("WITH"):
        if required:
            raise NotAdministrative("WITH is missing")
        return
    seen: set[str] = set()

    def one() -> None:
        option = source.next("word").upper()
        if moves and option == "MOVE":
            source.next("text", "variable")
            source.must("TO")
            source.next("text", "variable")
            return
        if option in seen:
            raise NotAdministrative(f"{option} is given twice")
        seen.add(option)
        if option in flags.split():
            return
        if option == "STATS" and not source.at("="):
            return
        if option in numbers.split():
            if option != "STATS":
                source.must("=")
            source.next("number", "variable")
        elif option in texts.split():
            source.must("=")
            source.next("text", "variable")
        else:
            raise NotAdministrative(f"{option} is not an option here")

    source.each(one)


_CHECKS = "CHECKSUM NO_CHECKSUM STOP_ON_ERROR CONTINUE_AFTER_ERROR"
_BACKUP = f"COPY_ONLY COMPRESSION NO_COMPRESSION INIT NOINIT FORMAT NOFORMAT SKIP NOSKIP {_CHECKS}"
_RESTORE = f"RECOVERY NORECOVERY REPLACE RESTRICTED_USER ENABLE_BROKER NEW_BROKER ERROR_BROKER_CONVERSATIONS {_CHECKS}"


def _backup(extra: str) -> Callable[[_Text], None]:
    def read(source: _Text) -> None:
        source.name()
        source.must("TO")
        source.each(lambda: _device(source))
        _options(source, f"{_BACKUP} {extra}", "STATS", "NAME DESCRIPTION MEDIANAME")

    return read


def _restore(flags: str, texts: str) -> Callable[[_Text], None]:
    def read(source: _Text) -> None:
        source.name()
        if source.at("FROM"):
            source.each(lambda: _device(source))
            _options(source, flags, "STATS FILE", texts, moves=True)
        else:
            _options(source, "RECOVERY NORECOVERY", "", "", required=True)

    return read


def _look(flags: str, *, moves: bool = False) -> Callable[[_Text], None]:
    def read(source: _Text) -> None:
        source.must("FROM")
        source.each(lambda: _device(source))
        _options(source, flags, "FILE STATS" if moves else "FILE", "", moves=moves)

    return read


def _alter(source: _Text) -> None:
    source.name()
    source.must("SET")
    source.each(lambda: _setting(source))
    if source.at("WITH"):
        if source.at("NO_WAIT") or source.at("ROLLBACK", "IMMEDIATE"):
            return
        source.must("ROLLBACK", "AFTER")
        source.next("number")
        source.must("SECONDS")


def _setting(source: _Text) -> None:
    word = source.next("word").upper()
    values = {"RECOVERY": ("FULL", "SIMPLE", "BULK_LOGGED"), "TRUSTWORTHY": ("ON", "OFF"), "PAGE_VERIFY": ("CHECKSUM",)}
    if word in values:
        value = source.next("word").upper()
        if value not in values[word]:
            raise NotAdministrative(f"{value} is not a value of {word}")
    elif word == "COMPATIBILITY_LEVEL":
        source.must("=")
        if source.next("number") not in ("80", "90", "100"):
            raise NotAdministrative("SQL Server 2008 knows the compatibility levels 80, 90 and 100")
    elif word not in _FLAGS:
        raise NotAdministrative(f"{word} is not a setting")


_FLAGS = frozenset(
    {
        "SINGLE_USER", "MULTI_USER", "RESTRICTED_USER", "ENABLE_BROKER", "NEW_BROKER", "DISABLE_BROKER",
        "ERROR_BROKER_CONVERSATIONS", "ONLINE", "OFFLINE", "READ_ONLY", "READ_WRITE"
    }
)  # fmt: skip


def _configure(source: _Text) -> None:
    source.next("text")
    source.must(",")
    source.next("number", "variable")


def _reconfigure(source: _Text) -> None:
    if source.at("WITH"):
        source.must("OVERRIDE")


def _checkdb(source: _Text) -> None:
    if source.at("("):
        source.next("text", "word", "name")
        source.must(")")
    _options(source, "NO_INFOMSGS ALL_ERRORMSGS PHYSICAL_ONLY ESTIMATEONLY DATA_PURITY TABLOCK", "", "")


_STATEMENTS: dict[str, Callable[[_Text], None]] = {
    "BACKUP DATABASE": _backup("DIFFERENTIAL"),
    "BACKUP LOG": _backup("NORECOVERY NO_TRUNCATE"),
    "RESTORE DATABASE": _restore(_RESTORE, "STANDBY STOPAT MEDIANAME"),
    "RESTORE LOG": _restore(_RESTORE.replace(" REPLACE", ""), "STANDBY STOPAT MEDIANAME"),
    "RESTORE VERIFYONLY": _look(f"LOADHISTORY {_CHECKS}", moves=True),
    "RESTORE HEADERONLY": _look(_CHECKS),
    "RESTORE FILELISTONLY": _look(_CHECKS),
    "ALTER DATABASE": _alter,
    "EXEC sp_configure": _configure,
    "EXECUTE sp_configure": _configure,
    "RECONFIGURE": _reconfigure,
    "DBCC CHECKDB": _checkdb,
}
_STATEMENTS = {words.upper(): read for words, read in _STATEMENTS.items()}
