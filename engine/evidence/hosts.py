"""What several sources say of one host, as one value; where they disagree, nothing is known and it is told."""

from collections.abc import Callable, Iterable, Mapping

from engine.model.triage import UNKNOWN, Concern, EvidenceHost, Missing, Versions


def short(name: str) -> str:
    """The name without domain, in lower case: two names of one host are equal in it."""
    return name.partition(".")[0].lower() if not name.replace(".", "").isdigit() else name


def merged(hosts: Iterable[EvidenceHost], note: Callable[[Missing], None]) -> tuple[EvidenceHost, ...]:
    """One value for each host, in the order they were met."""
    found: dict[str, EvidenceHost] = {}
    for host in hosts:
        key = short(host.name)
        found[key] = _both(found[key], host, note) if key in found else host
    return tuple(found.values())


def _both(first: EvidenceHost, second: EvidenceHost, note: Callable[[Missing], None]) -> EvidenceHost:
    def one(what: str, left: str, right: str) -> str:
        if UNKNOWN in (left, right) or same(left, right):
            return right if left == UNKNOWN else left
        file = second.versions.files.get(what.partition(" ")[0])
        why = f"two sources disagree: {left} and {right}"
        note(Missing(what=what, host=first.name, file=file, why=why, concerns=Concern.VERSIONS))
        return UNKNOWN

    left, right = first.versions, second.versions
    names: Mapping[str, str] = {key.lower(): key for key in (*right.databases, *left.databases)}
    return EvidenceHost(
        name=first.name,
        role=one("role", first.role, second.role),
        versions=Versions(
            binaries=one("binaries version", left.binaries, right.binaries),
            management_packs=one("management_packs version", left.management_packs, right.management_packs),
            databases={
                name: one(f"databases version of {name}", _of(left.databases, name), _of(right.databases, name))
                for name in names.values()
            },
            files={**right.files, **left.files},
        ),
    )


def _of(databases: Mapping[str, str], name: str) -> str:
    return next((value for key, value in databases.items() if key.lower() == name.lower()), UNKNOWN)


def same(left: str, right: str) -> bool:
    """Equal as versions: 7.5.1561.0 is 7.5.1561.0.0."""
    return _numbers(left) == _numbers(right)


def _numbers(text: str) -> str:
    parts = [one.lstrip("0") or "0" for one in text.split(".")]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)
