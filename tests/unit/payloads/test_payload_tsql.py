"""The own T-SQL rules, and their agreement with Microsoft's parser over cases and generated mutations."""

import random
import re
from pathlib import Path

import pytest

from engine.actions.tsql_select import NotASelect, check_select
from tests.support import payload_genuine as genuine
from tests.support.payload_session import find_pwsh
from tests.support.payload_tsql import NotAdministrative, parse

needs_pwsh = [
    pytest.mark.pwsh,
    pytest.mark.skipif(find_pwsh() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"),
]

ADMINISTRATIVE = [
    "BACKUP DATABASE [ServiceManager] TO DISK = N'D:\\b\\sm.bak' WITH COPY_ONLY, CHECKSUM, INIT, STATS = 10",
    "BACKUP DATABASE ServiceManager TO DISK = @file, DISK = 'E:\\2.bak' WITH DIFFERENTIAL, NAME = N'it''s', FORMAT",
    "BACKUP LOG @name TO DISK = 'x' WITH NORECOVERY, NO_TRUNCATE, COMPRESSION",
    "RESTORE VERIFYONLY FROM DISK = N'x' WITH CHECKSUM, FILE = 2",
    "RESTORE VERIFYONLY FROM DISK = N'x' WITH MOVE 'a' TO 'b', LOADHISTORY",
    "RESTORE HEADERONLY FROM DISK = @file",
    "RESTORE FILELISTONLY FROM DISK = 'x' WITH FILE = 1;",
    "RESTORE DATABASE [Staged] FROM DISK = N'x' WITH FILE=1, MOVE N'a' TO N'b', MOVE 'c' TO @d, NORECOVERY, REPLACE",
    "RESTORE DATABASE sm FROM DISK = 'x', DISK = 'y' WITH RECOVERY, STATS, RESTRICTED_USER, ENABLE_BROKER",
    "RESTORE DATABASE sm WITH RECOVERY",
    "RESTORE LOG sm FROM DISK = 'x' WITH STOPAT = '2013-03-02T09:00:00', NORECOVERY",
    "ALTER DATABASE [ServiceManager] SET SINGLE_USER WITH ROLLBACK IMMEDIATE",
    "ALTER DATABASE sm SET ENABLE_BROKER; ALTER DATABASE sm SET MULTI_USER;",
    "ALTER DATABASE sm SET RECOVERY FULL, TRUSTWORTHY ON WITH NO_WAIT",
    "ALTER DATABASE sm SET COMPATIBILITY_LEVEL = 100",
    "ALTER DATABASE sm SET OFFLINE WITH ROLLBACK AFTER 30 SECONDS",
    "EXEC sp_configure 'clr enabled', 1; RECONFIGURE",
    "EXECUTE sp_configure 'show advanced options', 1 RECONFIGURE WITH OVERRIDE",
    "DBCC CHECKDB ('ServiceManager') WITH NO_INFOMSGS, PHYSICAL_ONLY",
    "-- a comment\nDBCC CHECKDB WITH NO_INFOMSGS /* and another */",
]
NOT_ADMINISTRATIVE = [
    "",
    "BACKUP DATABSE sm TO DISK = 'x'",
    "BACKUP DATABASE sm TO DISK 'x'",
    "BACKUP DATABASE sm TO DISK = 'x' WITH CHECKSUMS",
    "BACKUP DATABASE sm TO DISK = 'x' WITH",
    "BACKUP DATABASE sm TO DISK = 'x",
    "RESTORE DATABASE sm FROM DISK = 'x' WITH NORECOVRY",
    "RESTORE DATABASE sm FROM DISK = 'x' WITH MOVE 'a' 'b'",
    "RESTORE DATABASE sm FROM DISK = 'x' NORECOVERY",
    "RESTORE VERIFYONLY sm FROM DISK = 'x'",
    "RESTORE HEADERONLY FROM DISK = 'x' WITH REPLACEMENT",
    "ALTER DATABASE sm SET ENABLE_BROKR",
    "ALTER DATABASE sm SET RECOVERY FUL",
    "ALTER DATABASE sm ENABLE_BROKER",
    "EXEC sp_configure 'clr enabled' 1",
    "RECONFIGURE WITH OVERIDE",
    "DBCC CHECKDB (sm WITH NO_INFOMSGS",
    "SELECT 1",
]
READING = [
    "SELECT 1",
    "SELECT name FROM sys.databases;",
    "select [update], \"delete\" from dbo.[drop] where x = 'exec; --' -- insert\n",
    "SELECT a.name FROM sys.databases AS a JOIN sys.master_files AS b ON a.database_id = b.database_id WHERE size > @s",
    "WITH x AS (SELECT 1 AS n), y (m) AS (SELECT n FROM x) SELECT m FROM y",
    "SELECT 1 UNION ALL SELECT 2 EXCEPT (SELECT 3)",
    "(SELECT 1) UNION (SELECT 2)",
    "SELECT * FROM t WHERE id IN (SELECT id FROM u) AND EXISTS (SELECT 1 FROM v) OR n = (SELECT MAX(n) FROM w)",
    "SELECT CASE WHEN (SELECT 1) = 1 THEN (SELECT 2) ELSE (SELECT 3) END AS c, (SELECT 4) AS d",
    "SELECT COUNT(*) FROM (SELECT 1 AS n) AS t GROUP BY n HAVING COUNT(*) > (SELECT 0) ORDER BY n DESC",
    "SELECT TOP (10) * FROM dbo.__MOMManagementGroupInfo__ WITH (NOLOCK) /* nested /* comments */ end */",
    "SELECT SERVERPROPERTY('ProductVersion'), 0x1F, 1.5e3, N'caf\u00e9', @@VERSION",
    "SELECT x.query('.') FROM t CROSS APPLY (SELECT 1 AS x) AS u",
    "SELECT MT_Microsoft$Id FROM MT_Microsoft$Table OPTION (MAXDOP 1)",
]
NOT_READING = [
    "",
    "  -- nothing",
    "DELETE FROM t",
    "SELECT 1; DELETE FROM t",
    "SELECT 1 DELETE FROM t",
    "SELECT 1 SELECT 2",
    "SELECT 1; SELECT 2",
    "(SELECT 1) SELECT 2",
    "(SELECT 1) (SELECT 2)",
    "SELECT 1 AS a (SELECT 2)",
    "SELECT * INTO t2 FROM t",
    "WITH x AS (SELECT 1 AS n) DELETE FROM x",
    "WITH x AS (SELECT 1 AS n) UPDATE x SET n = 2",
    "EXEC sp_who",
    "sp_who",
    "SELECT 1 EXEC sp_who",
    "SELECT * FROM OPENROWSET('a', 'b', 'c')",
    "SELECT 1 WAITFOR DELAY '1:00'",
    "SELECT * FROM t WITH (TABLOCKX)",
    "SELECT 'open",
    "SELECT [open",
    "SELECT 1 /* open",
    "SELECT 1 /* /* */",
    "SELECT (1",
    "SELECT 1)",
    "IF 1 = 1 SELECT 1",
    "DECLARE @a int SELECT @a",
    "SELECT 1\nGO\nSELECT 2",
    "BACKUP DATABASE sm TO DISK = 'x'",
    "SELECT 1.EXEC sp_who",
    "SELECT 1--\rDELETE FROM t\n;DELETE FROM t",
]


@pytest.mark.parametrize("text", ADMINISTRATIVE)
def test_statements_that_are_right(text: str) -> None:
    assert parse(text)


@pytest.mark.parametrize("text", NOT_ADMINISTRATIVE)
def test_statements_that_are_wrong(text: str) -> None:
    with pytest.raises(NotAdministrative):
        parse(text)


def reads_only(text: str) -> bool:
    try:
        check_select(text)
    except NotASelect:
        return False
    return True


@pytest.mark.parametrize("text", READING)
def test_queries_that_only_read(text: str) -> None:
    check_select(text)


@pytest.mark.parametrize("text", NOT_READING)
def test_queries_that_are_refused(text: str) -> None:
    with pytest.raises(NotASelect):
        check_select(text)


def test_a_refusal_names_the_line() -> None:
    with pytest.raises(NotASelect, match="Line 3 of the query: DELETE does not belong"):
        check_select("SELECT 1 -- one\n/* two\n*/ DELETE FROM t")


def accepted(text: str) -> list[str] | None:
    try:
        return parse(text)
    except NotAdministrative:
        return None


PLANTED = [";", "(", ")", ",", " WITH ", " AS ", "'", " SELECT ", "--", "[", "."]


def mutations(texts: list[str], dice: random.Random, count: int) -> list[str]:
    """Each a right text with one piece left out, doubled, swapped, misspelt, or joined to another text."""
    made = []
    while len(made) < count:
        pieces = re.findall(r"\w+|\s+|'[^']*'|.", dice.choice(texts), re.DOTALL)
        place = dice.randrange(len(pieces))
        match dice.randrange(6):
            case 0:
                del pieces[place]
            case 1:
                pieces.insert(place, pieces[place])
            case 2:
                other = dice.randrange(len(pieces))
                pieces[place], pieces[other] = pieces[other], pieces[place]
            case 3:
                pieces[place] = pieces[place][:-1] + dice.choice("xQ_1")
            case 4:
                pieces.insert(
                    place, dice.choice([";", "(", ")", ",", " WITH ", " AS ", "'", " SELECT ", "--", "[", "."])
                )
            case _:
                pieces += [dice.choice([" ", ";", "\n", ")", " AS a ", " x "]), dice.choice(texts)]
        made.append("".join(pieces))
    return made


KINDS = {
    "BACKUP DATABASE": "BackupDatabaseStatement",
    "BACKUP LOG": "BackupTransactionLogStatement",
    "ALTER DATABASE": "AlterDatabaseSetStatement",
    "EXEC SP_CONFIGURE": "ExecuteStatement",
    "RECONFIGURE": "ReconfigureStatement",
    "DBCC CHECKDB": "DbccStatement",
}


class TestGenuine:
    pytestmark = needs_pwsh

    def test_statements(self, tmp_path: Path) -> None:
        for text, parsed in zip(ADMINISTRATIVE, genuine.parse_tsql(ADMINISTRATIVE, tmp_path / "right"), strict=True):
            assert parsed["errors"] == [], text
            kinds = [KINDS.get(kind, "RestoreStatement") for kind in parse(text)]
            assert [one["kind"] for one in genuine.statements(parsed)] == kinds, text
        wrong = NOT_ADMINISTRATIVE[1:-1]
        for text, parsed in zip(wrong, genuine.parse_tsql(wrong, tmp_path / "wrong"), strict=True):
            assert parsed["errors"] or any(one["implicit_exec"] for one in genuine.statements(parsed)), text

    def test_mutated_statements(self, tmp_path: Path) -> None:
        """Whatever the own grammar accepts, the server's parser reads as the same statements."""
        texts = mutations(ADMINISTRATIVE, random.Random(1), 1200)
        right = 0
        for text, parsed in zip(texts, genuine.parse_tsql(texts, tmp_path), strict=True):
            kinds = accepted(text)
            if kinds is None:
                continue
            right += 1
            assert parsed["errors"] == [], text
            found = genuine.statements(parsed)
            assert [one["kind"] for one in found] == [KINDS.get(kind, "RestoreStatement") for kind in kinds], text
            assert not any(one["implicit_exec"] for one in found), text
        assert 100 < right < 1100

    def test_queries(self, tmp_path: Path) -> None:
        for text, parsed in zip(READING, genuine.parse_tsql(READING, tmp_path), strict=True):
            assert parsed["errors"] == [], text
            assert [one["kind"] for one in genuine.statements(parsed)] == ["SelectStatement"], text

    def test_mutated_queries(self, tmp_path: Path) -> None:
        """Whatever is sent, the server either refuses, or reads as one SELECT without INTO."""
        texts = mutations([*READING, *NOT_READING[2:]], random.Random(2), 2500)
        sent = 0
        for text, parsed in zip(texts, genuine.parse_tsql(texts, tmp_path), strict=True):
            if not reads_only(text) or parsed["errors"]:
                continue
            sent += 1
            found = [one for batch in parsed["batches"] for one in batch["statements"]]
            assert [one["kind"] for one in found] == ["SelectStatement"], text
            assert not any(one["implicit_exec"] for one in found), text
        assert sent > 200
