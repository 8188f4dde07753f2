"""Logins of a lab's SQL Server, and the users and roles of its databases.

A user knows its login by number alone, as on a real server: a database restored on an instance where the login was made
anew holds a user that no login leads to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from engine.model.data import JsonMap

WINDOWS_LOGIN, WINDOWS_GROUP, SQL_LOGIN = "WINDOWS_LOGIN", "WINDOWS_GROUP", "SQL_LOGIN"
_USER_KINDS = {WINDOWS_LOGIN: "WINDOWS_USER", WINDOWS_GROUP: "WINDOWS_GROUP", SQL_LOGIN: "SQL_USER"}
FIXED_ROLES = (
    "db_accessadmin",
    "db_backupoperator",
    "db_datareader",
    "db_datawriter",
    "db_ddladmin",
    "db_denydatareader",
    "db_denydatawriter",
    "db_owner",
    "db_securityadmin",
    "public",
)


def sid_of(name: str) -> str:
    """The number of a Windows account: the same on every server, as the domain gives it."""
    return "0x0105" + sha256(name.lower().encode("utf-16-le")).hexdigest()[:52].upper()


@dataclass(slots=True, kw_only=True)
class Login:
    """One login of the instance."""

    name: str
    kind: str = WINDOWS_LOGIN
    sid: str = ""
    disabled: bool = False

    def __post_init__(self) -> None:
        self.sid = self.sid or sid_of(self.name)


@dataclass(slots=True, kw_only=True)
class User:
    """One user of a database."""

    name: str
    sid: str
    kind: str = "WINDOWS_USER"


@dataclass(slots=True, kw_only=True)
class Principals:
    """Users, roles and memberships of one database; ``members`` are pairs of role and user. Keys are small letters."""

    users: dict[str, User] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=lambda: {name: name for name in FIXED_ROLES})
    members: set[tuple[str, str]] = field(default_factory=set)

    def user_of(self, login: Login) -> User | None:
        """The user that this login is here."""
        return next((one for one in self.users.values() if one.sid == login.sid), None)

    def add_user(self, name: str, login: Login) -> User:
        """A user for the login."""
        user = self.users[name.lower()] = User(name=name, sid=login.sid, kind=_USER_KINDS[login.kind])
        return user

    def drop_user(self, name: str) -> None:
        """Without the user its memberships are gone too."""
        del self.users[name.lower()]
        self.members = {(role, user) for role, user in self.members if user != name.lower()}

    def add_roles(self, names: Iterable[str]) -> None:
        """Roles of a product."""
        self.roles.update({name.lower(): name for name in names})

    def plain(self) -> JsonMap:
        """What a backup holds of them."""
        return {
            "users": [asdict(one) for one in self.users.values()],
            "roles": list(self.roles.values()),
            "members": sorted([role, user] for role, user in self.members),
        }


def principals_from(plain: Mapping[str, Any]) -> Principals:
    """They again, out of a backup."""
    return Principals(
        users={str(one["name"]).lower(): User(**one) for one in plain["users"]},
        roles={str(name).lower(): str(name) for name in plain["roles"]},
        members={(str(role), str(user)) for role, user in plain["members"]},
    )


def furnish(principals: Principals, login: Login, roles: Sequence[str]) -> None:
    """What setup does: the login's user, in these roles, which are there from then on."""
    user = principals.user_of(login) or principals.add_user(login.name, login)
    principals.add_roles(roles)
    principals.members |= {(role.lower(), user.name.lower()) for role in roles if role != "public"}
