"""``mssql.role_members``: logins have their users in a database, and these are members of the named roles.

Nothing is taken away from anybody. A user left behind by a login of the same name, as a restore on another instance
leaves it, is joined to that login again. The undo takes back memberships and users of this step; logins stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.actions.base import BuiltIn, as_list, describe, maps
from engine.actions.mssql_apply import Statement, apply, bracketed
from engine.actions.mssql_ask import ask_shipped, rows_of, text_of
from engine.model.command import Script
from engine.model.data import JsonMap, JsonValue
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, Seen

LOGINS = "mssql_role_members.logins.sql"
PRINCIPALS = "mssql_role_members.principals.sql"
MEMBERS = "mssql_role_members.members.sql"
_LOOKS = (LOGINS, PRINCIPALS, MEMBERS)
_MANY = 10000
_ROLE = "DATABASE_ROLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Catalogue:
    """What the instance and the database know; keys are names without case."""

    logins: Mapping[str, JsonMap]
    users: Mapping[str, JsonMap]
    roles: Mapping[str, JsonMap]
    held: frozenset[tuple[str, str]]

    def user_of(self, login: JsonMap) -> JsonMap | None:
        """The user that the login is in this database."""
        sid = login.get("sid")
        return next((one for one in self.users.values() if sid is not None and one.get("sid") == sid), None)

    def login_of(self, user: JsonMap) -> JsonMap | None:
        """The login of the instance that is this user, whatever either is called."""
        sid = user.get("sid")
        return next((one for one in self.logins.values() if sid is not None and one.get("sid") == sid), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What one member lacks. ``user`` is its name in the database once all is done."""

    login: str
    user: str
    holds: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    new_login: bool = False
    new_user: bool = False
    orphan: bool = False

    @property
    def is_met(self) -> bool:
        """Nothing is to be done."""
        return not (self.lacks or self.new_login or self.new_user or self.orphan)


class MssqlRoleMembers(BuiltIn):
    """Logins, then users and roles, then who is in which role."""

    info = describe(
        "mssql.role_members",
        summary="Give logins their users and roles in a database",
        effect=Effect.REVERSIBLE,
        rerun=Rerun.PROBE,
        changes_with=("state",),
        about="database",
        within="instance",
        timeout_s=120.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Three looks; the last two in the database itself."""
        del host
        if len(seen) == len(_LOOKS):
            return None
        database = str(args["database"]) if seen else "master"
        return ask_shipped(args, _LOOKS[len(seen)], database=database, max_rows=_MANY)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Refuse what cannot be given; give what is lacking."""
        catalogue = _catalogue(seen)
        wanted = _once(maps(args["members"]))  # type: ignore[arg-type] # no secret fits the schema
        problem = next(filter(None, (_problem(one, catalogue, args) for one in wanted)), None)
        if problem:
            return Refuse(why=f"{problem[0]} on {host.name}", remedy=problem[1])
        needs = [_need(one, catalogue) for one in wanted]
        open_needs = [one for one in needs if not one.is_met]
        if not open_needs:
            told = f"{len(needs)} logins have their roles in {args['database']}"
            return Unchanged(why=told, result=_result(needs), examined=len(needs))
        if args.get("state") is None:
            return Refuse(
                why=f"In {args['database']}, {'; '.join(map(_told, open_needs))}",
                remedy="Give them with a step of this action that says state: present.",
                result=_result(needs),
            )
        return _change(args, needs)


def _once(members: Sequence[JsonMap]) -> list[JsonMap]:
    """A login that is named more than once has the roles of all its entries, each once."""
    found: dict[str, JsonMap] = {}
    for one in members:
        login = str(one["login"])
        earlier = found.get(login.lower(), {"login": login, "roles": ()})
        roles = {role.lower(): role for role in (*as_list(one["roles"]), *as_list(earlier["roles"]))}
        found[login.lower()] = {**earlier, "roles": list(roles.values())}
    return list(found.values())


def _by_name(rows: Sequence[JsonMap]) -> dict[str, JsonMap]:
    return {text_of(row, "name").lower(): row for row in rows}


def _catalogue(seen: Seen) -> _Catalogue:
    logins, principals, members = (rows_of(one) for one in seen)
    return _Catalogue(
        logins=_by_name(logins),
        users=_by_name([row for row in principals if row.get("type_desc") != _ROLE]),
        roles=_by_name([row for row in principals if row.get("type_desc") == _ROLE]),
        held=frozenset((text_of(row, "role_name").lower(), text_of(row, "member_name").lower()) for row in members),
    )


def _problem(wanted: JsonMap, catalogue: _Catalogue, args: Arguments) -> tuple[str, str] | None:
    """Why a member cannot be given what it is to have, and what helps."""
    name = str(wanted["login"])
    login = catalogue.logins.get(name.lower())
    user = catalogue.users.get(name.lower())
    roles = [role for role in _roles(wanted) if role.lower() not in catalogue.roles]
    if roles:
        told = f"The database {args['database']} has no role {', '.join(roles)}"
        return (
            told,
            "Such a role comes with the database: restore it from a backup of the product's own, or correct the name.",
        )
    if login is None and "\\" not in name:
        told = f"There is no login {name}"
        return told, "Create it with its password on the instance; this step creates only logins of Windows accounts."
    if login is None and args.get("create_logins") is not True:
        return (
            f"There is no login {name}",
            f"Create it: CREATE LOGIN {bracketed(name)} FROM WINDOWS, or create_logins: true.",
        )
    if login is not None and login.get("is_disabled") in (1, True):
        return f"The login {name} is disabled", f"Find out why; then ALTER LOGIN {bracketed(name)} ENABLE."
    if login is None or catalogue.user_of(login) is not None or user is None:
        return None
    owner = catalogue.login_of(user)
    if owner is not None:
        told = f"The user {name} of the database {args['database']} belongs to the login {text_of(owner, 'name')}"
        return told, "Joining it to another login would take it from that one: a person has to decide whose it is."
    if _family(user) != _family(login):
        told = f"The user {name} of the database {args['database']} is not of the kind of its login"
        return told, "Such a user cannot be joined to the login: a person has to decide what becomes of it."
    return None


def _family(row: JsonMap) -> str:
    """SQL or WINDOWS: a user is never joined to a login of the other family."""
    return text_of(row, "type_desc").partition("_")[0]


def _roles(wanted: JsonMap) -> tuple[str, ...]:
    """Everybody is in ``public``, and nobody can be put there."""
    return tuple(role for role in as_list(wanted["roles"]) if role.lower() != "public")


def _need(wanted: JsonMap, catalogue: _Catalogue) -> _Need:
    name, roles = str(wanted["login"]), _roles(wanted)
    login = catalogue.logins.get(name.lower())
    user = catalogue.user_of(login) if login is not None else None
    if user is not None and text_of(user, "name").lower() == "dbo":
        return _Need(login=name, user="dbo", holds=roles)
    orphan = user is None and name.lower() in catalogue.users
    known = text_of(user or catalogue.users.get(name.lower(), {}), "name") or name
    holds = tuple(role for role in roles if (role.lower(), known.lower()) in catalogue.held)
    return _Need(
        login=name,
        user=known,
        holds=holds,
        lacks=tuple(role for role in roles if role not in holds),
        new_login=login is None,
        new_user=user is None and not orphan,
        orphan=orphan,
    )


def _told(need: _Need) -> str:
    parts = (
        ("has no login" if need.new_login else ""),
        ("has no user" if need.new_user else ""),
        ("has lost its login" if need.orphan else ""),
        (f"lacks {', '.join(need.lacks)}" if need.lacks else ""),
    )
    return f"{need.login} {' and '.join(part for part in parts if part)}"


def _result(needs: Sequence[_Need]) -> JsonMap:
    members: list[JsonValue] = [
        {"login": one.login, "user": one.user, "holds": list(one.holds), "lacks": list(one.lacks)} for one in needs
    ]
    return {"members": members, "count": len(needs), "complete": all(one.is_met for one in needs)}


def _statements(need: _Need) -> list[Statement]:
    login, user = bracketed(need.login), bracketed(need.user)
    found = [Statement(text=f"CREATE LOGIN {login} FROM WINDOWS;")] if need.new_login else []
    if need.new_user:
        found.append(Statement(text=f"CREATE USER {user} FOR LOGIN {login};"))
    if need.orphan:
        found.append(Statement(text=f"ALTER USER {user} WITH LOGIN = {login};"))
    return found + [_membership("sp_addrolemember", role, need.user) for role in need.lacks]


def _membership(procedure: str, role: str, user: str) -> Statement:
    return Statement(text=f"EXECUTE {procedure} @role, @member;", params={"role": role, "member": user})


def _undo(need: _Need) -> list[Statement]:
    taken = [_membership("sp_droprolemember", role, need.user) for role in reversed(need.lacks)]
    return taken + ([Statement(text=f"DROP USER {bracketed(need.user)};")] if need.new_user else [])


def _change(args: Arguments, needs: Sequence[_Need]) -> Change:
    lacking, database = [one for one in needs if not one.is_met], str(args["database"])
    done = [_Need(login=one.login, user=one.user, holds=(*one.holds, *one.lacks)) for one in needs]
    undo = [(one, _undo(one)) for one in reversed(lacking)]
    return Change(
        why=f"In {database}, {'; '.join(map(_told, lacking))}",
        before={one.login: _told(one) for one in lacking},
        after={one.login: f"is {one.user} in {database} with its roles" for one in lacking},
        commands=tuple(apply(args, _statements(one), database=database) for one in lacking),
        undo=tuple(apply(args, statements, database=database) for _, statements in undo if statements),
        result=_result(done),
    )
