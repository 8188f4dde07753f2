"""``service_manager.installation``: role, build, folder and databases as Setup left them. Joins the host's facts."""

import re
from collections.abc import Sequence

from engine.actions.base import BuiltIn, as_list, describe, maps, script
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

PAYLOAD = "service_manager_installation.observe.ps1"
_ROLES = {1: "management-server", 2: "data-warehouse-server"}
_BESIDE_THE_SERVER = re.compile(r"console|portal|authoring|language|update|hotfix", re.IGNORECASE)


class ServiceManagerInstallation(BuiltIn):
    """One look, no change."""

    info = describe(
        "service_manager.installation",
        summary="Role, build, installation folder and databases of a Service Manager host",
        effect=Effect.OBSERVE,
        facts=True,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Look once."""
        del args, host
        return None if seen else script(PAYLOAD)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The facts; a host without any role is a failure unless the step allows it."""
        result = installation(value_map(seen[0]))
        role, expected = result["role"], as_list(args.get("expect_role"))
        if expected and role not in expected:
            return Refuse(
                why=f"{host.name} has the role {role} and not {' or '.join(expected)}",
                remedy="Check the inventory's groups.",
                result=result,
            )
        if role == "none" and not expected and args.get("allow_none") is not True:
            return Refuse(
                why=f"Neither Service Manager nor SQL Server was found on {host.name}",
                remedy="Check the host, or set allow_none if that is an answer.",
                result=result,
            )
        return Unchanged(
            why=f"{host.name} is a {role}, build {result['build'] or 'unknown'}", result=result, examined=1
        )


def installation(value: JsonMap) -> JsonMap:
    """The facts out of the payload's answer."""
    programs = maps(value.get("programs"))
    folder = value.get("install_directory")
    return {
        "role": _role(value),
        "build": build_of(programs),
        "install_directory": str(folder).rstrip("\\") if folder else None,
        "branch": value.get("branch"),
        "databases": list(maps(value.get("databases"))),
        "sdk_service_type": value.get("sdk_service_type"),
        "management_group": value.get("management_group") is True,
        "agent": value.get("agent") is True,
        "portal": value.get("portal") is True,
        "sql_instances": list(as_list(value.get("sql_instances"))),
        "programs": list(programs),
    }


def _role(value: JsonMap) -> str:
    """Setup's key and a management group make a management server; the type of its data access service says which."""
    kind = value.get("sdk_service_type")
    if value.get("branch") is not None and value.get("management_group") is True and isinstance(kind, int):
        return _ROLES.get(kind, "none")
    return "sql-server" if as_list(value.get("sql_instances")) else "none"


def build_of(programs: Sequence[JsonMap]) -> str | None:
    """The highest version of the installed server programs; a console, portal or update says nothing of the server."""
    versions = [
        str(one["version"])
        for one in programs
        if one.get("version") and not beside_the_server(str(one.get("name", "")))
    ]
    return max(versions, key=version_key, default=None)


def beside_the_server(program: str) -> bool:
    """True for the name of a console, a portal, an update: what is installed beside the server."""
    return _BESIDE_THE_SERVER.search(program) is not None


def version_key(text: str) -> tuple[int, ...]:
    """A version as numbers, without zeros at its end after the fourth; a text that is no version comes first."""
    if not re.fullmatch(r"\d+(\.\d+)*", text):
        return ()
    numbers = [int(part) for part in text.split(".")]
    while len(numbers) > 4 and numbers[-1] == 0:  # noqa: PLR2004 - a Windows version has four parts
        numbers.pop()
    return tuple(numbers)
