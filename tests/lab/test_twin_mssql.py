"""Twins of what the SQL Server actions send: the payload run for real against the answers of the lab's model."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.actions import load_actions
from engine.actions.mssql_verify_backup import file_list_text, header_text, verify_text
from engine.lab.behaviours import PayloadError
from engine.lab.behaviours.sql_answers import answer as sql_answer
from engine.lab.behaviours.sql_answers import plain
from engine.lab.clock import LabClock
from engine.lab.estate import build_estate
from engine.lab.machine import Machine, Volume
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_backups import Wish, back_up
from engine.lab.machine_sql_media import spoil_pages
from engine.lab.pwsh_sql import rules
from engine.model.command import Command, Script
from engine.model.data import canonical_json
from engine.model.frame import decode_arguments, encode_arguments
from engine.model.inventory import HostView
from engine.model.packaged import payload
from engine.model.result import CommandResult, Decision, ScriptError, Unchanged
from tests.support import payload_genuine as genuine
from tests.support.payload_session import PayloadSession, find_pwsh
from tests.support.sql_drive import carry_out as carry_out_modelled
from tests.support.sql_drive import look, send
from tests.support.sql_histories import NAME, live, new_world

pytestmark = [
    pytest.mark.pwsh,
    pytest.mark.skipif(find_pwsh() is None, reason="no PowerShell: set RUNBOOK_PWSH or put pwsh on the PATH"),
]
HOST = HostView(name="SQL01", platform="windows")
QUERY = "mssql_query.observe.ps1"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PayloadSession]:
    one = PayloadSession(tmp_path_factory.mktemp("twin"))
    yield one
    one.close()


def one_rule(machine: Machine, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The scripted server's answer to exactly this text and these parameters, out of the model."""
    instance, database, query = (str(arguments[name]) for name in ("instance", "database", "query"))
    made: dict[str, Any] = {
        "match": f"^{re.escape(plain(query))};?\\s*$",
        "database": database,
        "server": f".\\{instance}" if instance else ".",
        "params": dict(arguments["params"]),
    }
    try:
        found = sql_answer(machine, instance, database, query, arguments["params"])
    except PayloadError as problem:
        return {**made, "error": {"number": 3201, "class": 16, "state": 1, "line": 1, "message": problem.message}}
    columns = [{"name": name, "type": kind} for name, kind in found.columns]
    if not columns:
        return {**made, "messages": ["The backup set on file 1 is valid."]}
    return {**made, "results": [{"columns": columns, "rows": [list(row) for row in found.rows]}]}


def both(session: PayloadSession, machine: Machine, command: Command) -> CommandResult:
    """The answer of the real PowerShell, which must be that of the model; jobs have twins of their own."""
    if not isinstance(command, Script):
        return send(machine, command)
    arguments = decode_arguments(encode_arguments(command.arguments))
    if command.name != QUERY:
        return look(machine, command)
    session.sql_file.write_text(json.dumps({"rules": [one_rule(machine, arguments)]}))
    real = session.run(payload(command.name), command.arguments)
    expected = look(machine, command)
    assert real["ok"] is expected.ok, (real, expected)
    if not expected.ok:
        assert expected.errors[0].message in real["errors"][0]["message"]
    else:
        assert canonical_json(real["value"]) == canonical_json(expected.value), arguments["query"]
    return expected


def carry_out(session: PayloadSession, machine: Machine, name: str, args: dict[str, Any]) -> Decision:
    return decide(name, args, lambda command: both(session, machine, command))


def decide(name: str, args: dict[str, Any], answer: Callable[[Command], CommandResult]) -> Decision:
    action = load_actions()[name]
    properties = action.info.arguments["properties"]
    assert isinstance(properties, dict)
    given = {**{key: one["default"] for key, one in properties.items() if "default" in one}, **args}
    seen: list[CommandResult] = []
    while (command := action.observe(given, HOST, seen)) is not None:
        seen.append(answer(command))
    return action.decide(given, HOST, seen)


def new_machine() -> Machine:
    one = Machine("SQL01", LabClock(1362218400.0, speed=None))
    for volume in ("D:\\", "L:\\"):
        one.volumes[volume] = Volume(name=volume, size=2**40, free=2**39)
    one.sql = SqlInstance(zone=22)
    one.sql.add(Database(name="ServiceManager", product_version="7.5.1561.0"), Database(name="DWRepository"))
    for number, kind in enumerate("DIL"):
        one.clock.advance(1234.567)
        back_up(one, "ServiceManager", ["D:\\B\\1.bak", "D:\\B\\2.bak"], Wish(kind=kind, self_checking=number != 1))
    return one


def test_what_the_actions_ask(session: PayloadSession) -> None:
    machine = new_machine()
    databases = {"databases": ["ServiceManager", "DWRepository"]}
    assert carry_out(session, machine, "mssql.instance", {"minimum": "10.50.2500.0"}).result
    assert carry_out(session, machine, "mssql.database", databases).result
    args = {"databases": ["ServiceManager"], "before": "2013-03-03T00:00:00+00:00"}
    chain = carry_out(session, machine, "mssql.backup_chain", args)
    assert len(chain.result["sets"]) > 1, chain
    args = {"sets": chain.result["sets"], "data_folder": "D:\\", "log_folder": "L:\\"}
    assert carry_out(session, machine, "mssql.verify_backup", args).result["count"] == len(chain.result["sets"])
    spoil_pages(machine, "D:\\B\\2.bak")
    assert "Damage to the backup set" in carry_out(session, machine, "mssql.verify_backup", args).why
    machine.files.delete("D:\\B\\1.bak")
    assert "Cannot open backup device" in carry_out(session, machine, "mssql.verify_backup", args).why


def test_histories(session: PayloadSession) -> None:
    for seed in range(40):
        world = new_world(seed)
        live(world, 25)
        args = {"databases": [NAME, "Other"], "before": "2013-03-04T00:00:00+00:00"}
        carry_out(session, world.machine, "mssql.backup_chain", args)


def test_the_statements_in_the_grammar_of_2008(tmp_path: Path) -> None:
    texts = [
        header_text(),
        header_text(2),
        file_list_text(2),
        *(verify_text(n, 3, with_sums=n > 1) for n in (1, 2, 64)),
    ]
    for text, parsed in zip(texts, genuine.parse_tsql(texts, tmp_path), strict=True):
        assert parsed["errors"] == [], text
        assert [one["kind"] for one in genuine.statements(parsed)] == ["RestoreStatement"], text
        assert not any(one["implicit_exec"] for one in genuine.statements(parsed)), text


class Behind:
    """The way of the lab's shells: every answer comes from the rules that were written when the shell began."""

    def __init__(self, session: PayloadSession, machine: Machine) -> None:
        self.session = session
        self.machine = machine
        session.sql_file.write_text(json.dumps(rules(machine)))

    def carry_out(self, name: str, args: dict[str, Any]) -> Decision:
        return decide(name, args, self.answer)

    def answer(self, command: Command) -> CommandResult:
        if not isinstance(command, Script):
            return send(self.machine, command)
        if command.name != QUERY:
            return look(self.machine, command)
        real = self.session.run(payload(command.name), command.arguments)
        errors = tuple(ScriptError(message=one["message"]) for one in real["errors"]) if not real["ok"] else ()
        return CommandResult(ok=real["ok"], value=real.get("value"), errors=errors)


def test_a_real_powershell_behind_the_lab_s_shells(session: PayloadSession) -> None:
    machine = build_estate("healthy").machines["SQL01"]
    shell = Behind(session, machine)
    before = datetime.fromtimestamp(machine.clock.now(), UTC).isoformat()
    for name, args in (
        ("mssql.instance", {"clr_enabled": True}),
        ("mssql.database", {"databases": ["ServiceManager"], "broker_enabled": True, "version": "7.5.1561.0"}),
        ("mssql.backup_chain", {"databases": ["ServiceManager"], "before": before}),
    ):
        real, modelled = shell.carry_out(name, args), carry_out_modelled(machine, name, args)
        assert isinstance(real, Unchanged), real
        assert real == modelled
    chain = shell.carry_out("mssql.backup_chain", {"databases": ["ServiceManager"], "before": before})
    args = {"sets": chain.result["sets"], "data_folder": "D:\\"}
    assert isinstance(shell.carry_out("mssql.verify_backup", args), Unchanged)
