"""Decides whether a text is one single SELECT of T-SQL that changes nothing, before it is sent anywhere.

Strict: what it does not know it refuses. Comments, strings, quoted and bracketed names are read as the server reads
them, so a forbidden word inside one of them is only text. It knows words, not grammar: a wrong query is the server's to
refuse.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FORBIDDEN = frozenset(
    {
        "ADD", "ALTER", "BACKUP", "BEGIN", "BREAK", "BULK", "CHECKPOINT", "CLOSE", "COMMIT", "CONVERSATION", "CREATE",
        "DBCC", "DEALLOCATE", "DECLARE", "DELETE", "DENY", "DIALOG", "DISK", "DROP", "DUMP", "EXEC", "EXECUTE", "FETCH",
        "GO", "GOTO", "GRANT", "IF", "INSERT", "INTO", "KILL", "LINENO", "LOAD", "MERGE", "NEXT", "OPEN",
        "OPENDATASOURCE", "OPENQUERY", "OPENROWSET", "PRINT", "PROC", "PROCEDURE", "RAISERROR", "READTEXT", "RECEIVE",
        "RECONFIGURE", "RESTORE", "RETURN", "REVERT", "REVOKE", "ROLLBACK", "SAVE", "SEND", "SET", "SETUSER",
        "SHUTDOWN", "TABLOCKX", "THROW", "TRAN", "TRANSACTION", "TRIGGER", "TRUNCATE", "UPDATE", "UPDATETEXT",
        "UPDLOCK", "USE", "WAITFOR", "WHILE", "WRITETEXT", "XLOCK"
    }
)  # fmt: skip
_SET_OPERATORS = frozenset({"UNION", "ALL", "EXCEPT", "INTERSECT"})
# What may stand before a subquery outside of other parentheses; after anything else it would be a second statement.
_BEFORE_SUBQUERY = frozenset(
    {
        "ALL", "AND", "ANY", "APPLY", "AS", "BETWEEN", "BY", "CASE", "DISTINCT", "ELSE", "EXCEPT", "EXISTS", "FROM",
        "HAVING", "IN", "INTERSECT", "JOIN", "LIKE", "NOT", "ON", "OR", "SELECT", "SOME", "THEN", "UNION", "WHEN",
        "WHERE"
    }
)  # fmt: skip
_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--[^\n]*)
  | (?P<text>[Nn]?'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\])
  | (?P<number>0[xX][0-9A-Fa-f]*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<word>[@\#A-Za-z_\u0080-\uffff][@\#$\w]*)
  | (?P<mark>[-+*/%=<>!&|^~.,;():$])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int

    @property
    def word(self) -> str:
        """The word in capitals; empty for anything that is no bare word."""
        return self.text.upper() if self.kind == "word" else ""


class NotASelect(ValueError):
    """Says why, and in which line of the text."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"Line {line} of the query: {why}")
        self.line = line


def check_select(text: str) -> None:
    """Raise ``NotASelect`` unless the text is exactly one SELECT that only reads."""
    tokens = list(_tokens(text))
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    if not tokens:
        raise NotASelect(1, "there is no statement")
    for before, token in zip([None, *tokens], tokens, strict=False):
        qualified = before is not None and before.text == "."
        if token.text == ";":
            raise NotASelect(token.line, "only one statement may be sent")
        if token.word in _FORBIDDEN and not qualified:
            raise NotASelect(token.line, f"{token.word} does not belong in a query that only reads")
    _check_selects(tokens)


def _check_selects(tokens: list[_Token]) -> None:
    """One SELECT outside of parentheses, further ones only joined to it by UNION, EXCEPT or INTERSECT."""
    if tokens[0].word not in {"SELECT", "WITH"} and tokens[0].text != "(":
        raise NotASelect(tokens[0].line, f"a query starts with SELECT or WITH and not with {tokens[0].text}")
    depth, selects = 0, int(tokens[0].text == "(")
    previous: _Token | None = None
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.text == "(" and depth == 0 and previous is not None and following is not None:
            _check_subquery(previous, following)
        depth += {"(": 1, ")": -1}.get(token.text if token.kind == "mark" else "", 0)
        if depth < 0:
            raise NotASelect(token.line, "a parenthesis closes that was not opened")
        if token.word == "SELECT" and depth == 0:
            joined = previous is not None and previous.word in _SET_OPERATORS
            if selects and not joined:
                raise NotASelect(token.line, "only one statement may be sent")
            selects += 1
        previous = token
    if depth:
        raise NotASelect(tokens[-1].line, "a parenthesis is not closed")
    if not selects:
        raise NotASelect(tokens[0].line, "there is no SELECT")


def _check_subquery(previous: _Token, following: _Token) -> None:
    """A parenthesis that opens a subquery continues an expression or a clause."""
    continues = previous.word in _BEFORE_SUBQUERY or (previous.kind == "mark" and previous.text not in ").")
    if (following.word == "SELECT" or following.text == "(") and not continues and previous.kind != "word":
        raise NotASelect(following.line, "only one statement may be sent")
    if following.word == "SELECT" and not continues:
        raise NotASelect(following.line, "only one statement may be sent")


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        line = text.count("\n", 0, place) + 1
        if text.startswith("/*", place):
            place = _end_of_comment(text, place, line)
            continue
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise NotASelect(line, f"{text[place : place + 10]!r} is not closed or not understood")
        if found.lastgroup != "blank":
            yield _Token(found.lastgroup, found.group(), line)
        place = found.end()


def _end_of_comment(text: str, place: int, line: int) -> int:
    """Where a block comment ends; such comments nest."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, place):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    raise NotASelect(line, "a comment is not closed")
