"""Whole changes on the lab's estate: look, decide, apply, look again; and back with the undo."""

from typing import Any

import pytest

from engine.actions import load_actions
from engine.lab.behaviours import BEHAVIOURS, PayloadError
from engine.lab.estate import build_estate
from engine.lab.estate_accounts import ANALYSIS, ROLES, SERVICE
from engine.lab.machine import Machine
from engine.lab.machine_sql import SqlInstance
from engine.lab.machine_sql_principals import Login
from engine.model.command import Command, Script
from engine.model.inventory import HostView
from engine.model.result import Change, CommandResult, Decision, Refuse, ScriptError, Unchanged


class Lab:
    """A machine, and the engine's loop around one action."""

    def __init__(self, name: str = "SQL01") -> None:
        self.machine: Machine = build_estate("healthy").machines[name]
        self.host = HostView(name=name, platform="windows")

    @property
    def sql(self) -> SqlInstance:
        assert self.machine.sql is not None
        return self.machine.sql

    def send(self, command: Command | None) -> CommandResult:
        assert isinstance(command, Script)
        try:
            return CommandResult(ok=True, value=BEHAVIOURS[command.name](self.machine, command.arguments))  # type: ignore[arg-type]
        except PayloadError as problem:
            return CommandResult(ok=False, errors=(ScriptError(message=problem.message),))

    def look(self, name: str, args: dict[str, Any]) -> Decision:
        action = load_actions()[name]
        given = self.given(name, args)
        seen: list[CommandResult] = []
        while (command := action.observe(given, self.host, seen)) is not None:
            seen.append(self.send(command))
            assert seen[-1].ok, seen[-1].errors
        return action.decide(given, self.host, seen)

    def given(self, name: str, args: dict[str, Any]) -> dict[str, Any]:
        properties: Any = load_actions()[name].info.arguments["properties"]
        return {**{key: one["default"] for key, one in properties.items() if "default" in one}, **args}

    def change(self, name: str, args: dict[str, Any]) -> tuple[Change, list[CommandResult]]:
        decision = self.look(name, args)
        assert isinstance(decision, Change), decision
        return decision, [self.send(one) for one in decision.commands]

    def ensure(self, name: str, args: dict[str, Any]) -> Change:
        """The change is made, takes, and its result is what was told before."""
        decision, answers = self.change(name, args)
        assert all(one.ok for one in answers), answers
        after = self.look(name, args)
        assert isinstance(after, Unchanged), after
        return decision


def members(database: str, roles: dict[str, tuple[str, ...]] | None = None, **more: Any) -> dict[str, Any]:
    wanted = roles or ROLES[database]
    told = [{"login": login, "roles": list(names)} for login, names in wanted.items()]
    return {"database": database, "members": told, **more}


def test_the_estate_is_as_setup_left_it() -> None:
    for name, databases in (
        ("SQL01", ["ServiceManager"]),
        ("SQL02", [one for one in ROLES if one != "ServiceManager"]),
    ):
        lab = Lab(name)
        for database in databases:
            assert isinstance(lab.look("mssql.role_members", members(database)), Unchanged)
        assert lab.look("mssql.user_messages", {"minimum": 40}).result["count"] == 48


def test_the_broker_comes_back_and_the_undo_takes_it_away() -> None:
    lab, args = Lab(), {"databases": ["ServiceManager"], "broker": True}
    database = lab.sql.databases["ServiceManager"]
    database.broker_enabled = False
    decision = lab.ensure("mssql.database_option", args)
    assert (database.broker_enabled, database.user_access) == (True, "MULTI_USER")
    for one in decision.undo:
        assert lab.send(one).ok
    assert (database.broker_enabled, database.user_access) == (False, "MULTI_USER")


def test_what_is_owed_is_paid_when_the_database_is_open() -> None:
    lab, args = Lab(), {"databases": ["ServiceManager"], "broker": True}
    lab.sql.databases["ServiceManager"].broker_enabled = False
    decision = lab.ensure("mssql.database_option", args)
    [owed] = decision.owes
    assert "MULTI_USER" in owed.how
    after = lab.look("mssql.database_option", args)
    assert isinstance(after, Unchanged)
    assert after.pays == (owed.key,)


def test_a_failed_switch_leaves_the_database_open() -> None:
    lab = Lab()
    lab.sql.databases["ServiceManager"].broker_enabled = False
    command = lab.change("mssql.database_option", {"databases": ["ServiceManager"], "broker": True})[0].commands[0]
    assert isinstance(command, Script)
    lab.sql.databases["ServiceManager"].broker_enabled = False
    statements: Any = command.arguments["statements"]
    broken = {**statements[1], "text": "ALTER DATABASE [Nothing] SET ENABLE_BROKER;"}
    arguments = {**command.arguments, "statements": [statements[0], broken]}
    with pytest.raises(PayloadError, match="'Nothing'"):
        BEHAVIOURS[command.name](lab.machine, arguments)  # type: ignore[arg-type]
    database = lab.sql.databases["ServiceManager"]
    assert (database.user_access, database.broker_enabled) == ("MULTI_USER", False)


def test_a_session_lost_in_the_middle_is_repaired_by_the_next_look() -> None:
    lab, args = Lab(), {"databases": ["ServiceManager"], "broker": True}
    database = lab.sql.databases["ServiceManager"]
    database.broker_enabled, database.user_access = True, "SINGLE_USER"
    lab.sql.sessions = lambda name: ()
    look = lab.look("mssql.database_option", {"databases": ["ServiceManager"]})
    assert isinstance(look, Unchanged)
    assert look.pays == ()  # the access is still owed
    decision = lab.ensure("mssql.database_option", args)
    assert decision.owes == ()
    assert database.user_access == "MULTI_USER"


def test_a_service_that_took_the_only_place_keeps_everybody_out() -> None:
    lab = Lab()
    database = lab.sql.databases["ServiceManager"]
    database.user_access = "SINGLE_USER"
    lab.sql.sessions = lambda name: ("OMSDK on SM01",)
    _, [answer] = lab.change("mssql.database_option", {"databases": ["ServiceManager"], "access": "multi_user"})
    assert "only have one user at a time" in answer.errors[0].message
    lab.sql.sessions = lambda name: ()
    lab.ensure("mssql.database_option", {"databases": ["ServiceManager"], "access": "multi_user"})


def test_an_option_is_put_in_use_unless_allow_updates_is_on() -> None:
    lab, args = Lab(), {"option": "clr enabled", "value": 1}
    lab.sql.options.update({"clr enabled": 0, "allow updates": 1})
    refused = lab.look("mssql.server_option", args)
    assert isinstance(refused, Refuse)
    first = lab.ensure("mssql.server_option", {"option": "allow updates", "value": 0})
    second = lab.ensure("mssql.server_option", args)
    assert lab.sql.options["clr enabled"] == 1
    assert all(lab.send(one).ok for one in (*second.undo, *first.undo))
    assert (lab.sql.options["clr enabled"], lab.sql.options["allow updates"]) == (0, 1)


def test_a_rebuilt_server_gets_its_roles_again_and_the_undo_takes_them() -> None:
    lab = Lab("SQL02")
    principals = lab.sql.databases["DWDataMart"].principals
    lab.sql.logins[SERVICE.lower()] = Login(name=SERVICE, sid="0x0105FF")  # the domain's account was made anew
    principals.drop_user(ANALYSIS)
    del lab.sql.logins[ANALYSIS.lower()]
    before = principals.plain()
    args = members("DWDataMart", state="present", create_logins=True)
    decision = lab.ensure("mssql.role_members", args)
    assert f"{SERVICE} has lost its login" in decision.why
    assert f"{ANALYSIS} has no login and has no user" in decision.why
    assert ("reportuser", ANALYSIS.lower()) in principals.members
    assert all(lab.send(one).ok for one in decision.undo)
    assert {**principals.plain(), "users": []} == {**before, "users": []}


def test_an_account_that_the_domain_does_not_know() -> None:
    lab = Lab()
    lab.sql.unknown_accounts.add("contoso\\nobody")
    args = members("ServiceManager", {"CONTOSO\\nobody": ("db_datareader",)}, state="present", create_logins=True)
    _, [answer] = lab.change("mssql.role_members", args)
    assert "not found" in answer.errors[0].message


def test_the_second_server_takes_the_workflows() -> None:
    lab = Lab()
    lab.ensure("service_manager.promote", {"databases": ["ServiceManager"], "server": "sm02.contoso.lab"})
    assert lab.sql.databases["ServiceManager"].workflow_server == "SM02.contoso.lab"


def test_a_server_that_the_database_does_not_know_gets_nothing() -> None:
    lab, args = Lab(), {"databases": ["ServiceManager"], "server": "sm09.contoso.lab"}
    _, [answer] = lab.change("service_manager.promote", args)
    assert answer.ok
    assert isinstance(lab.look("service_manager.promote", args), Change)  # so the verification refuses
    assert lab.sql.databases["ServiceManager"].workflow_server == "SM01.contoso.lab"
