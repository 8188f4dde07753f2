"""``windows.tcp_port``: whether a computer takes connections on TCP ports, seen from the step's host.

``closed`` needs an answer: a refusal or silence. A name that cannot be found says nothing about a port.
"""

from collections.abc import Sequence

from engine.actions.base import BuiltIn, describe, maps, script, whole
from engine.model.command import Argument, Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_WORDS = {
    "ConnectionRefused": "refused",
    "TimedOut": "silent",
    "HostNotFound": "name-not-found",
    "NoData": "name-not-found",
    "TryAgain": "name-not-found",
    "HostUnreachable": "unreachable",
    "NetworkUnreachable": "unreachable",
}
_CLOSED = ("refused", "silent")


class WindowsTcpPort(BuiltIn):
    """One look, no change."""

    info = describe(
        "windows.tcp_port",
        summary="Whether a computer takes connections on TCP ports, seen from the host",
        effect=Effect.OBSERVE,
        timeout_s=120.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Every port in one look."""
        del host
        if seen:
            return None
        wanted: dict[str, Argument] = {
            "computer": str(args["computer"]),
            "ports": list(_ports(args)),
            "timeout_ms": 1000 * whole(args["timeout_s"]),
        }
        return script("windows_tcp_port.observe.ps1", wanted)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The states; those that differ from what is expected refuse."""
        computer, expected = str(args["computer"]), str(args.get("expect", "any"))
        found = _found(args, value_map(seen[0]))
        result: JsonMap = {
            "computer": computer,
            "examined": len(found),
            "all_open": bool(found) and all(one["state"] == "open" for one in found),
            "ports": found,
        }
        wrong = [one for one in found if not _fits(str(one["state"]), expected)]
        if wrong:
            told = ", ".join(_told(one) for one in wrong)
            return Refuse(
                why=f"Seen from {host.name}, {computer} was expected to be {expected}: {told}",
                remedy=_remedy(str(wrong[0]["state"]), expected),
                result=result,
            )
        return Unchanged(
            why=f"Seen from {host.name}, {computer}: {', '.join(_told(one) for one in found) or 'no answer'}",
            result=result,
            examined=len(found),
        )


def _ports(args: Arguments) -> tuple[int, ...]:
    port = args["port"]
    return tuple(whole(one) for one in port) if isinstance(port, (list, tuple)) else (whole(port),)


def _found(args: Arguments, value: JsonMap) -> list[JsonMap]:
    """The answer for each port asked; an answer for another port is left out."""
    answers = {whole(one.get("port")): one for one in maps(value.get("ports"))}
    return [{"port": port, "state": _state(answers[port])} for port in _ports(args) if port in answers]


def _state(answer: JsonMap) -> str:
    return "open" if answer.get("open") is True else _WORDS.get(str(answer.get("why")), "unknown")


def _fits(state: str, expected: str) -> bool:
    if expected == "any":
        return True
    return state == "open" if expected == "open" else state in _CLOSED


def _told(one: JsonMap) -> str:
    return f"port {one['port']} is {str(one['state']).replace('-', ' ')}"


def _remedy(state: str, expected: str) -> str:
    if state == "name-not-found":
        return "correct the name, or the host's name resolution"
    if expected == "closed":
        return "stop the service that listens there"
    hints: Sequence[tuple[str, str]] = (
        ("refused", "start the service that should listen there"),
        ("silent", "look whether the computer is up and a firewall lets the port through"),
    )
    return next((text for word, text in hints if word == state), "look at the network between the two computers")
