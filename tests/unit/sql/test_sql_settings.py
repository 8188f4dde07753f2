"""Queries about options, messages, principals, workflows, versions: on tables made from an instance's state they give
what the lab answers. And whatever a host sends, the actions that ask them decide.
"""

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.actions import load_actions
from engine.actions.mssql_apply import bracketed
from engine.actions.mssql_server_option import ALLOWED
from engine.lab.behaviours import PayloadError
from engine.lab.behaviours import mssql_settings as modelled
from engine.lab.behaviours.sql_answers import answer
from engine.lab.clock import LabClock
from engine.lab.machine import Machine
from engine.lab.machine_sql import Database, SqlInstance
from engine.lab.machine_sql_principals import SQL_LOGIN, WINDOWS_GROUP, WINDOWS_LOGIN, Login
from engine.model.data import canonical_json
from engine.model.inventory import HostView
from engine.model.packaged import payload
from engine.model.result import Change, CommandResult, Unchanged
from tests.support.sql_server import WORKFLOW_TARGET, Embedded

SEEDS = 120
NAMES = ("ServiceManager", "Staged]x", "DWDataMart", "SECRET")
SERVERS = ("SM01.contoso.lab", "SM02.contoso.lab", "sm03.contoso.lab")
TYPES = {
    "SQL_LOGIN": "S", "WINDOWS_LOGIN": "U", "WINDOWS_GROUP": "G", "SQL_USER": "S", "WINDOWS_USER": "U",
    "DATABASE_ROLE": "R",
}  # fmt: skip


def any_database(dice: random.Random, name: str, logins: list[Login]) -> Database:
    one = Database(name=name, owner=dice.choice(["sa", *(each.name for each in logins)]))
    one.state = dice.choice(["ONLINE", "ONLINE", "RESTORING"])
    one.product_version = dice.choice([None, "7.5.1561.0"])
    one.management_packs = {"System.WorkItem.Library": "7.5.1561.0"} if dice.random() < 0.7 else {"Other": "1.0"}
    one.principals.add_roles(["sdk_users", "Reportuser"])
    for login in dice.sample(logins, dice.randrange(len(logins) + 1)):
        one.principals.add_user(login.name, login)
        for role in dice.sample(["sdk_users", "reportuser", "db_owner"], dice.randrange(4)):
            one.principals.members.add((role, login.name.lower()))
    one.management_servers = list(SERVERS) if dice.random() < 0.7 else []
    one.workflow_server = dice.choice([*SERVERS, ""])
    return one


def any_machine(seed: int) -> Machine:
    dice = random.Random(seed)
    machine = Machine("SQL01", LabClock(1362218400.0, speed=None))
    sql = machine.sql = SqlInstance()
    kinds = (WINDOWS_LOGIN, WINDOWS_GROUP, SQL_LOGIN)
    logins = [Login(name=f"CONTOSO\\a{n}", kind=dice.choice(kinds), disabled=dice.random() < 0.2) for n in range(5)]
    sql.logins = {one.name.lower(): one for one in dice.sample(logins, 4)}
    sql.messages = {(dice.choice([7, 50000, 50001, 60000, 60001]), dice.choice([1031, 1033])) for _ in range(6)}
    sql.options = {name: dice.randrange(2) for name in ("clr enabled", "allow updates", "xp_cmdshell", "locks")}
    sql.configured = {name: dice.randrange(2) for name in dice.sample(sorted(sql.options), 2)}
    for name in dice.sample(NAMES, dice.randrange(1, 5)):
        sql.add(any_database(dice, name, logins))
        sql.databases[name].snapshot_of = dice.choice(["", "", "", next(iter(sql.databases))])
    return machine


def tables(sql: SqlInstance, database: Database) -> dict[str, list[dict[str, Any]]]:
    """The documented views of one database and its instance, made from the state alone."""
    owner = sql.logins.get(database.owner.lower())
    kind = "WINDOWS_USER" if owner and owner.kind != SQL_LOGIN else "SQL_USER"
    principals = [
        {"name": "dbo", "sid": owner.sid if owner else "0x01", "type_desc": kind},
        *({"name": one.name, "sid": one.sid, "type_desc": one.kind} for one in database.principals.users.values()),
        *(
            {"name": name, "sid": "0x0109" + name.lower().encode().hex().upper(), "type_desc": "DATABASE_ROLE"}
            for name in database.principals.roles.values()
        ),
    ]
    numbers = {str(one["name"]).lower(): place for place, one in enumerate(principals, 1)}
    members = {*database.principals.members, ("db_owner", "dbo")}
    return {
        "configurations": [
            {"name": name, "value": sql.configured.get(name, used), "value_in_use": used, "is_dynamic": name != "locks"}
            for name, used in sql.options.items()
        ],
        "messages": [{"message_id": number, "language_id": language} for number, language in sql.messages],
        "server_principals": [
            {
                "name": one.name,
                "sid": one.sid,
                "type": TYPES[one.kind],
                "type_desc": one.kind,
                "is_disabled": one.disabled,
            }
            for one in sql.logins.values()
        ]
        + [{"name": "sysadmin", "type": "R", "type_desc": "SERVER_ROLE", "is_disabled": False}],
        "database_principals": [
            {**one, "principal_id": numbers[str(one["name"]).lower()], "type": TYPES[str(one["type_desc"])]}
            for one in principals
        ],
        "database_role_members": [
            {"role_principal_id": numbers[role], "member_principal_id": numbers[user]} for role, user in members
        ],
        "ManagedType": [{"ManagedTypeId": one} for one in (WORKFLOW_TARGET, "another")],
        "BaseManagedEntity": [
            {"BaseManagedEntityId": place, "DisplayName": name, "IsDeleted": int(name == "gone")}
            for place, name in enumerate(("gone", *SERVERS))
        ],
        "ScopedInstanceTargetClass": [
            {"ManagedTypeId": WORKFLOW_TARGET, "ScopedInstanceId": place}
            for place, name in enumerate(("gone", *SERVERS))
            if name in ("gone", database.workflow_server)
        ]
        + [{"ManagedTypeId": "another", "ScopedInstanceId": 2}],
        "databases": [
            {
                "database_id": place,
                "name": one.name,
                "state_desc": one.state,
                "source_database_id": 5 if one.snapshot_of else None,
            }
            for place, one in enumerate([*(Database(name=name) for name in ("a", "b", "c", "d")), *_user(sql)], 1)
        ],
        "__MOMManagementGroupInfo__": [{"DBVersion": database.product_version}],
        "ManagementPack": [{"MPName": name, "MPVersion": text} for name, text in database.management_packs.items()],
    }


def _user(sql: SqlInstance) -> list[Database]:
    return list(sql.databases.values())


QUERIES = (
    "mssql_role_members.logins.sql",
    "mssql_role_members.members.sql",
    "mssql_role_members.principals.sql",
    "mssql_server_option.rows.sql",
    "mssql_user_messages.count.sql",
    "service_manager_promote.workflow.sql",
    "service_manager_versions.names.sql",
    "service_manager_versions.packs.sql",
    "service_manager_versions.version.sql",
)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_means_what_the_lab_answers(name: str) -> None:
    compared = found = 0
    for seed in range(SEEDS):
        machine = any_machine(seed)
        sql = machine.sql
        assert sql is not None
        for database in _user(sql):
            try:
                expected = answer(machine, "", database.name, payload(name), {})
            except PayloadError:
                continue  # a database that is not online, or that lacks such a table
            ids = {
                f"{bracketed(one.name)}.dbo.__MOMManagementGroupInfo__": 1 for one in _user(sql) if one.product_version
            }
            embedded = Embedded(tables(sql, database), objects=ids)
            real = embedded.rows(payload(name), {})
            embedded.close()
            columns = [column for column, _ in expected.columns]
            assert [tuple(row[column] for column in columns) for row in real] == list(expected.rows), (
                seed,
                database.name,
            )
            assert all(list(row) == columns for row in real)
            compared, found = compared + 1, found + len(real)
    assert compared > 50
    assert found > 30


def test_a_database_of_another_product_has_no_workflows() -> None:
    with pytest.raises(PayloadError, match="Invalid object name"):
        modelled.workflow(SqlInstance(), Database(name="x"), {})


# -- names


@given(st.text(min_size=1, max_size=128).filter(lambda text: "\0" not in text))
def test_a_name_in_brackets_is_that_name(name: str) -> None:
    quoted = bracketed(name)
    assert (quoted[0], quoted[-1]) == ("[", "]")
    inner = quoted[1:-1]
    assert inner.replace("]]", "").count("]") == 0
    assert inner.replace("]]", "]") == name


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 129])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        bracketed(name)


def test_the_schema_names_the_allowed_options() -> None:
    arguments = load_actions()["mssql.server_option"].info.arguments
    properties: Any = arguments["properties"]
    assert properties["option"]["enum"] == sorted(ALLOWED)
    assert {one for values in ALLOWED.values() for one in values} == set(properties["value"]["enum"])


# -- hostile answers

HOST = HostView(name="SQL01", platform="windows")
MEMBERS = [{"login": "A", "roles": ["r", "public"]}, {"login": "D\\B", "roles": ["r"]}]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "mssql.database_option": {"databases": ["A"], "broker": True},
    "mssql.server_option": {"option": "clr enabled", "value": 1},
    "mssql.role_members": {"database": "A", "members": MEMBERS, "state": "present", "create_logins": True},
    "mssql.user_messages": {"minimum": 1},
    "service_manager.promote": {"databases": ["A"], "server": "sm02.contoso.lab"},
}
COLUMNS = """name state_desc user_access_desc is_broker_enabled value value_in_use is_dynamic sid type_desc is_disabled
role_name member_name entries messages DisplayName"""
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        ["A", "r", "dbo", "D\\B", "ONLINE", "SINGLE_USER", "clr enabled", "DATABASE_ROLE", "SQL_LOGIN", "1"]
    )
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=2)
)
ROWS = st.dictionaries(st.sampled_from(COLUMNS.split()), SCALARS, max_size=14)
ANSWERS = SCALARS | st.fixed_dictionaries({"rows": st.lists(ROWS | SCALARS, max_size=6) | SCALARS})


@pytest.mark.parametrize("name", ARGUMENTS)
@given(answers=st.lists(ANSWERS, min_size=3, max_size=3))
@settings(max_examples=300, deadline=None)
def test_any_answer_is_decided(name: str, answers: list[Any]) -> None:
    action = load_actions()[name]
    seen: list[CommandResult] = []
    while action.observe(ARGUMENTS[name], HOST, seen) is not None:
        seen.append(CommandResult(ok=True, value=answers[len(seen)]))
    decision = action.decide(ARGUMENTS[name], HOST, seen)
    assert decision.why
    json.loads(canonical_json(decision.result))
    if isinstance(decision, (Change, Unchanged)):
        jsonschema.validate(decision.result, action.info.result)
    if isinstance(decision, Unchanged):
        assert decision.examined
