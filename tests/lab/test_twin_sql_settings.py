"""Twins of what sets a SQL Server: the payload in the genuine PowerShell sends the very statements that the lab carries
out, in the same order, with the same answer; and the whole change ends in the same state.
"""

import copy
import json
import os
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.actions import load_actions
from engine.actions.mssql_apply import bracketed
from engine.lab.behaviours import BEHAVIOURS, PayloadError
from engine.lab.behaviours.mssql_statements import execute
from engine.lab.behaviours.sql_answers import answer, plain, session_at
from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_principals import SQL_LOGIN, WINDOWS_LOGIN, Login
from engine.model.command import Command, Script
from engine.model.data import canonical_json
from engine.model.frame import decode_arguments, encode_arguments
from engine.model.inventory import HostView
from engine.model.packaged import payload
from engine.model.result import Change, CommandResult, Decision, Unchanged
from tests.support import payload_genuine as genuine
from tests.support.payload_session import PayloadSession, find_pwsh
from tests.support.sql_drive import look

pytestmark = [
    pytest.mark.pwsh,
    pytest.mark.skipif(find_pwsh() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"),
]
HOST = HostView(name="SQL01", platform="windows")
APPLY, QUERY = "mssql_apply.ps1", "mssql_query.observe.ps1"
NAMES = ("ServiceManager", "DW]Staging", "it's")
ROLES = ("sdk_users", "reportuser", "db_owner")
SEEDS = 180


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PayloadSession]:
    folder = tmp_path_factory.mktemp("twin")
    before = os.environ.get("PWSH_SQL_LOG")
    os.environ["PWSH_SQL_LOG"] = str(folder / "sql.log")  # read by the process that is started here
    try:
        one = PayloadSession(folder)
    finally:
        if before is None:
            del os.environ["PWSH_SQL_LOG"]
        else:
            os.environ["PWSH_SQL_LOG"] = before
    yield one
    one.close()


class Twins:
    """A machine, and the genuine PowerShell before a server that complains wherever the machine's own would."""

    def __init__(self, session: PayloadSession, machine: Machine) -> None:
        self.session = session
        self.machine = machine
        self.log = Path(session.folder) / "sql.log"

    @property
    def sql(self) -> SqlInstance:
        assert self.machine.sql is not None
        return self.machine.sql

    def run(self, command: Command) -> CommandResult:
        """Both answers, which must agree, and the change made."""
        assert isinstance(command, Script)
        arguments = decode_arguments(encode_arguments(command.arguments))
        rules = self._query_rules(arguments) if command.name == QUERY else self._apply_rules(arguments)
        self.session.sql_file.write_text(json.dumps({"rules": rules}))
        self.log.write_text("")
        real = self.session.run(payload(command.name), command.arguments)
        sent = [json.loads(line) for line in self.log.read_text().splitlines()]
        if command.name == APPLY:
            self._follows(arguments, sent)
        expected = look(self.machine, command)
        assert real["ok"] is expected.ok, (expected, sent)
        if expected.ok:
            assert canonical_json(real["value"]) == canonical_json(expected.value)
        else:
            assert expected.errors[0].message in real["errors"][0]["message"]
        return expected

    def _rule(self, database: str, text: str, params: Mapping[str, Any]) -> dict[str, Any]:
        match = f"^{re.escape(plain(text))};?\\s*$"
        return {"match": match, "database": database, "params": dict(params)}

    def _query_rules(self, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = answer(self.machine, "", arguments["database"], arguments["query"], arguments["params"])
        columns = [{"name": name, "type": kind} for name, kind in found.columns]
        results = [{"columns": columns, "rows": [list(row) for row in found.rows]}]
        return [{**self._rule(arguments["database"], arguments["query"], {}), "results": results}]

    def _apply_rules(self, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Each statement as the machine, in the state that those before it leave, takes it or complains."""
        database, rules = str(arguments["database"]), []
        state = copy.deepcopy(self.machine.sql)
        assert state is not None
        going_on = True
        for last, one in self._in_order(arguments):
            if not going_on and not last:
                continue
            rule = self._rule(database, one["text"], one["params"])
            try:
                execute(state, database, one["text"], one["params"])
                rules.append({**rule, "affected": -1})
            except PayloadError as problem:
                going_on = going_on and last
                error = {"number": 50000, "class": 16, "state": 1, "line": 1, "message": problem.message}
                rules.append({**rule, "error": error})
        return rules

    @staticmethod
    def _in_order(arguments: Mapping[str, Any]) -> list[tuple[bool, Mapping[str, Any]]]:
        return [(name == "lastly", one) for name in ("statements", "lastly") for one in arguments[name]]

    def _follows(self, arguments: Mapping[str, Any], sent: list[Any]) -> None:
        """What was really sent: the statements in their order up to the first complaint, then those at the end."""
        expected, failed = [], False
        for last, one in self._in_order(arguments):
            if not failed or last:
                expected.append((plain(one["text"]), dict(one["params"])))
            answered = sent[len(expected) - 1] if len(sent) >= len(expected) else {}
            failed = failed or (not last and str(answered.get("outcome")).startswith("error"))
        told = [(plain(one["text"]), {k.lstrip("@"): v for k, v in (one.get("params") or {}).items()}) for one in sent]
        assert told == expected

    def look(self, name: str, args: dict[str, Any]) -> Decision:
        action = load_actions()[name]
        properties: Any = action.info.arguments["properties"]
        given = {**{key: one["default"] for key, one in properties.items() if "default" in one}, **args}
        seen: list[CommandResult] = []
        while (command := action.observe(given, HOST, seen)) is not None:
            seen.append(self.run(command))
        return action.decide(given, HOST, seen)

    def ensure(self, name: str, args: dict[str, Any]) -> str:
        """Look, change, look again; in one word what came of it."""
        decision = self.look(name, args)
        if not isinstance(decision, Change):
            return type(decision).__name__
        answers = [self.run(one) for one in decision.commands]
        if not all(one.ok for one in answers):
            return "failed"
        after = self.look(name, args)
        assert isinstance(after, Unchanged), after
        return "changed"


def any_machine(seed: int) -> Machine:
    dice = random.Random(seed)
    machine = Machine("SQL01", LabClock(1362218400.0, speed=None))
    sql = machine.sql = SqlInstance()
    sql.options = {name: dice.randrange(2) for name in ("clr enabled", "allow updates", "backup compression default")}
    sql.unknown_accounts = {"d\\nobody"}
    logins = [Login(name=f"D\\u{n}", kind=dice.choice([WINDOWS_LOGIN, SQL_LOGIN])) for n in range(3)]
    sql.logins = {one.name.lower(): one for one in dice.sample(logins, 2)}
    for name in NAMES:
        database = Database(name=name, broker_enabled=dice.random() < 0.5)
        database.user_access = dice.choice(["MULTI_USER", "MULTI_USER", "SINGLE_USER", "RESTRICTED_USER"])
        database.principals.add_roles(ROLES)
        database.management_servers, database.workflow_server = ["SM01.x.lab", "SM02.x.lab"], "SM01.x.lab"
        for login in dice.sample(logins, dice.randrange(3)):
            user = database.principals.add_user(login.name, login)
            user.sid = dice.choice([login.sid, login.sid, "0x0105EE"])
            database.principals.members.add((dice.choice(ROLES), user.name.lower()))
        sql.add(database)
    taken = dice.choice([*NAMES, ""])
    sql.sessions = lambda name: ("OMSDK",) if name == taken else ()
    return machine


def any_step(dice: random.Random) -> tuple[str, dict[str, Any]]:
    name = dice.choice(NAMES)
    match dice.randrange(4):
        case 0:
            args: dict[str, Any] = {"databases": [name]}
            if dice.random() < 0.7:
                args["broker"] = dice.random() < 0.6
            if dice.random() < 0.6:
                args["access"] = dice.choice(["multi_user", "single_user", "restricted_user"])
            return "mssql.database_option", args
        case 1:
            option = dice.choice(["clr enabled", "backup compression default", "allow updates"])
            return "mssql.server_option", {"option": option, "value": 0 if option[0] == "a" else dice.randrange(2)}
        case 2:
            names = dice.sample(["D\\u0", "D\\u1", "D\\u2", "D\\new", "D\\nobody"], 2)
            members = [{"login": one, "roles": dice.sample(ROLES, dice.randrange(1, 4))} for one in names]
            return "mssql.role_members", {
                "database": name,
                "members": members,
                "state": "present",
                "create_logins": dice.random() < 0.9,
            }
        case _:
            return "service_manager.promote", {"databases": [name], "server": f"sm0{dice.choice('12')}.x.lab"}


def test_generated_steps(session: PayloadSession) -> None:
    came_of_it: dict[str, int] = {}
    for seed in range(SEEDS):
        machine, dice = any_machine(seed), random.Random(-seed)
        name, args = any_step(dice)
        twins = Twins(session, machine)
        try:
            for database in [*args.get("databases", ()), args.get("database", "master")]:
                session_at(machine, "", database)
        except PayloadError:
            continue  # nobody gets in; the other tests have that
        word = twins.ensure(name, args)
        came_of_it[word] = came_of_it.get(word, 0) + 1
    assert sum(came_of_it.values()) >= 120, came_of_it
    assert came_of_it["changed"] > 25, came_of_it
    assert {"changed", "failed", "Unchanged", "Refuse"} <= set(came_of_it), came_of_it


def test_a_failure_in_the_middle_is_followed_by_the_end(session: PayloadSession) -> None:
    for seed in range(20):
        machine = any_machine(seed)
        twins = Twins(session, machine)
        database = twins.sql.databases["ServiceManager"]
        database.broker_enabled, database.user_access = False, "MULTI_USER"
        twins.sql.sessions = lambda name: ()
        decision = twins.look("mssql.database_option", {"databases": ["ServiceManager"], "broker": True})
        assert isinstance(decision, Change)
        [command] = decision.commands
        assert isinstance(command, Script)
        statements: Any = command.arguments["statements"]
        broken = {"text": f"ALTER DATABASE {bracketed(f'no {seed}')} SET ENABLE_BROKER;", "params": {}}
        arguments = {**command.arguments, "statements": [statements[0], broken, statements[1]]}
        answered = twins.run(Script(name=command.name, text=command.text, arguments=arguments, changing=True))
        assert not answered.ok
        assert (database.user_access, database.broker_enabled) == ("MULTI_USER", False)


def test_no_server(session: PayloadSession) -> None:
    session.sql_file.write_text(json.dumps({"servers": ["-"], "rules": []}))
    arguments = {"instance": "", "database": "master", "statements": [], "lastly": [], "timeout_s": 5}
    assert session.run(payload(APPLY), arguments)["ok"] is False


def test_the_statements_in_the_grammar_of_2008(tmp_path: Path) -> None:
    """Every statement that the actions made over the generated machines."""
    texts: dict[str, None] = {}
    for seed in range(SEEDS * 3):
        machine = any_machine(seed)
        name, args = any_step(random.Random(-seed))
        for text in _statements(machine, name, args):
            texts[text] = None
    parsed = genuine.parse_tsql(list(texts), tmp_path)
    kinds = set()
    for text, one in zip(texts, parsed, strict=True):
        assert one["errors"] == [], text
        found = genuine.statements(one)
        assert len(found) == 1, text
        assert not found[0]["implicit_exec"], text
        kinds.add(found[0]["kind"])
    assert len(texts) > 20
    assert len(kinds) >= 6, kinds


def _statements(machine: Machine, name: str, args: dict[str, Any]) -> list[str]:
    action = load_actions()[name]
    properties: Any = action.info.arguments["properties"]
    given = {**{key: one["default"] for key, one in properties.items() if "default" in one}, **args}
    seen: list[CommandResult] = []
    while (command := action.observe(given, HOST, seen)) is not None:
        assert isinstance(command, Script)
        try:
            seen.append(CommandResult(ok=True, value=BEHAVIOURS[QUERY](machine, command.arguments)))  # type: ignore[arg-type]
        except PayloadError:
            return []
    decision = action.decide(given, HOST, seen)
    commands = [*decision.commands, *decision.undo] if isinstance(decision, Change) else []
    found: list[str] = []
    for one in commands:
        assert isinstance(one, Script)
        parts: Any = [*one.arguments["statements"], *one.arguments["lastly"]]  # type: ignore[misc]
        found += [part["text"] for part in parts]
    return found
