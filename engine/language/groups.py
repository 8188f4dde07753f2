"""The nesting of an inventory: which group holds what, and which variables reach a host, from the outside in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.language.host_ranges import expand
from engine.language.located import Located, Path
from engine.language.nearest import did_you_mean
from engine.model.diagnostic import Diagnostic, Severity
from engine.model.origin import Origin

Layer = tuple[Located, Path]
Variables = dict[str, tuple[Any, Located, Path]]


@dataclass(slots=True)
class Groups:
    """The inventory's tree, while it is read. ``hosts`` keeps the file's order."""

    located: Located
    hosts: dict[str, Path] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)
    own_hosts: dict[str, list[str]] = field(default_factory=dict)
    variables: dict[str, None] = field(default_factory=dict)
    group_layers: dict[str, list[Layer]] = field(default_factory=dict)
    host_layers: dict[str, list[Layer]] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)

    def origin(self, host: str) -> Origin:
        """Where the host is first written."""
        return self.located.key_at(self.hosts[host])

    def layers(self) -> Iterator[Layer]:
        """Every place where variables are written."""
        for layers in (*self.group_layers.values(), *self.host_layers.values()):
            yield from layers

    def members(self) -> Mapping[str, tuple[str, ...]]:
        """The hosts of each group, children included, in the order of the file."""
        found = {name: self._below(name, frozenset()) for name in self.variables}
        found["all"] = set(self.hosts)
        return {name: tuple(host for host in self.hosts if host in held) for name, held in found.items()}

    def _below(self, name: str, seen: frozenset[str]) -> set[str]:
        if name in seen:
            return set()
        held = set(self.own_hosts.get(name, ()))
        for child in self.children.get(name, ()):
            held |= self._below(child, seen | {name})
        return held

    def groups_of(self, host: str) -> tuple[str, ...]:
        """The groups of a host without ``all``, outer before inner."""
        holding = [name for name, hosts in self.members().items() if host in hosts and name != "all"]
        return tuple(sorted(holding, key=lambda name: (self._depth(name, frozenset()), name)))

    def _depth(self, name: str, seen: frozenset[str]) -> int:
        parents = [one for one, inner in self.children.items() if name in inner and one not in seen and one != "all"]
        return 1 + max((self._depth(one, seen | {name}) for one in parents), default=0)

    def variables_of(self, host: str) -> Variables:
        """The variables that reach a host, each with the place it came from."""
        merged: Variables = {}
        chain = ["all", *self.groups_of(host)]
        for layers in (*(self.group_layers.get(name, []) for name in chain), self.host_layers.get(host, [])):
            for located, path in layers:
                for key, value in _mapping_at(located, path).items():
                    merged[key] = (value, located, (*path, key))
        return merged

    def unknown_file(self, folder: str, name: str, located: Located) -> Diagnostic:
        """A file of variables that belongs to nothing: most likely a misspelt name."""
        what, known = ("host", self.hosts) if folder == "host_vars" else ("group", self.variables)
        return Diagnostic(
            code="R408",
            severity=Severity.WARNING,
            message=f'this file is for the {what} "{name}", which the inventory does not have',
            origin=Origin(located.file, 1, 1),
            hint=did_you_mean(name, known),
        )


def _mapping_at(located: Located, path: Path) -> Mapping[str, Any]:
    value = located.value
    for part in path:
        value = value[part]
    return value or {}


def read_groups(located: Located) -> Groups:
    """The tree of a schema-valid inventory. A group may be written in several places; its parts are joined."""
    groups = Groups(located)
    groups.variables["all"] = None
    for name, body in located.value.items():
        _read_group(groups, name, body, (name,), ())
    _refuse_cycles(groups)
    for name in groups.variables:
        if name in groups.hosts:
            message = f'"{name}" is the name of a group and of a host'
            hint = "rename one of them, so that a host pattern means one thing"
            groups.findings.append(located.error("R407", message, groups.origin(name), hint=hint, mark=len(name)))
    return groups


def _read_group(groups: Groups, name: str, body: Mapping[str, Any] | None, path: Path, outer: tuple[str, ...]) -> None:
    groups.variables.setdefault(name)
    if not body:
        return
    if body.get("vars"):
        groups.group_layers.setdefault(name, []).append((groups.located, (*path, "vars")))
    for written, own in (body.get("hosts") or {}).items():
        _read_host(groups, name, written, own, (*path, "hosts", written))
    for child, inner in (body.get("children") or {}).items():
        known = groups.children.setdefault(name, [])
        if child not in known:
            known.append(child)
        _read_group(groups, child, inner, (*path, "children", child), (*outer, name))


def _read_host(groups: Groups, group: str, written: str, own: Any, path: Path) -> None:
    names = expand(written)
    if isinstance(names, str):
        origin = groups.located.key_at(path)
        hint = "a range is written web[01:03] or db[a:c]"
        groups.findings.append(groups.located.error("S214", names, origin, hint=hint, mark=len(written)))
        return
    for name in names:
        groups.hosts.setdefault(name, path)
        groups.own_hosts.setdefault(group, []).append(name)
        if own:
            groups.host_layers.setdefault(name, []).append((groups.located, path))


def _refuse_cycles(groups: Groups) -> None:
    for name in groups.children:
        cycle = _cycle(groups.children, name, (name,))
        if cycle:
            shown = " > ".join((*cycle, name))
            located = groups.located
            place = next((path for path in located.keys if path[-1] == name), ())
            message = f'the group "{name}" contains itself: {shown}'
            found = located.error("R406", message, located.key_at(place), hint="break the ring", mark=len(name))
            groups.findings.append(found)
            return


def _cycle(children: Mapping[str, list[str]], start: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
    for child in children.get(path[-1], ()):
        if child == start:
            return path
        if child not in path and (found := _cycle(children, start, (*path, child))):
            return found
    return None
