"""Names in expressions against what is readable at their place: namespaces, parameters, steps, facts, fields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.language.expression import place_in
from engine.language.kinds import ANY, kinds_of, name_of
from engine.language.nearest import did_you_mean
from engine.model.data import JsonMap
from engine.model.diagnostic import Diagnostic, Severity
from engine.model.origin import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What may be read at one place of a runbook. ``namespaces``: name to JSON Schema of an object; its ``properties``
    are all there is unless ``additionalProperties`` says otherwise. ``later``: steps that come later, with their
    places. ``places``: where each readable step is written, for hints.
    """

    namespaces: Mapping[str, JsonMap]
    later: Mapping[str, Origin] = field(default_factory=dict)
    places: Mapping[str, Origin] = field(default_factory=dict)


class NameChecker:
    """The names of one expression being checked; collects findings."""

    def __init__(self, text: str, origin: Origin, scope: Scope) -> None:
        self.text = text
        self.origin = origin
        self.scope = scope
        self.findings: list[Diagnostic] = []

    def named(self, path: tuple[str, ...]) -> JsonMap:
        space = path[0]
        if space not in self.scope.namespaces:
            hint = (
                "result is read in wait.until only" if space == "result" else did_you_mean(space, self.scope.namespaces)
            )
            self.add("R401", f'"{space}" cannot be read here', hint, space)
            return ANY
        known: JsonMap = self.scope.namespaces[space]
        for index, name in enumerate(path[1:], 1):
            code = {"steps": "R402", "params": "R401"}.get(space, "R405") if index == 1 else "R405"
            known = self.member(known, name, path[:index], code=code)
            if not known:
                return ANY
        return known

    def member(self, known: JsonMap, name: str, path: tuple[str, ...], *, code: str) -> JsonMap:
        """The schema of one field; a finding and ANY if there is no such field."""
        kinds = kinds_of(known)
        where = ".".join(path)
        if kinds and "object" not in kinds:
            self.add("R405", f'{where} is {name_of(known)} and has no "{name}"', None, f"{where}.{name}")
            return ANY
        properties: Any = known.get("properties", {})
        if name in properties:
            return properties[name] if isinstance(properties[name], Mapping) else ANY
        other = known.get("additionalProperties", None if properties else True)
        if isinstance(other, Mapping):
            return other
        if other is True or not kinds:
            return ANY
        self.unknown(name, list(properties), path, code)
        return ANY

    def unknown(self, name: str, known: Iterable[str], path: tuple[str, ...], code: str) -> None:
        part = f"{'.'.join(path)}.{name}"
        if path == ("steps",):
            self.unknown_step(name, part)
            return
        hint = did_you_mean(name, known, show=30)
        if path == ("params",):
            self.add(code, f'the parameter "{name}" is not declared', hint or "declare it in params", part)
        elif path == ("facts",):
            hint = hint or "facts come from earlier steps whose action gathers facts, such as windows.host"
            self.add(code, f'no earlier step gathers the fact "{name}"', hint, part)
        else:
            self.add(code, f'{".".join(path)} has no "{name}"', hint, part)

    def unknown_step(self, name: str, part: str) -> None:
        if name in self.scope.later:
            line = self.scope.later[name].line
            hint = f"move it before this step; it is on line {line}" if line else "move it before this step"
            self.add("R403", f'the step "{name}" has not run yet at this place', hint, part)
            return
        near = did_you_mean(name, [*self.scope.places, *self._steps()])
        for known in (*self.scope.places, *self.scope.later):
            place = self.scope.places.get(known) or self.scope.later.get(known)
            if near == f'did you mean "{known}"?' and place is not None:
                near = f'did you mean "{known}" (line {place.line})?'
        self.add("R402", f'the step "{name}" does not exist', near, part)

    def _steps(self) -> Iterable[str]:
        properties: Any = self.scope.namespaces.get("steps", {}).get("properties", {})
        return (*properties, *self.scope.later)

    def add(self, code: str, message: str, hint: str | None, part: str | None) -> None:
        offset = max(0, self.text.find(part)) if part else 0
        mark = len(part) if part and part in self.text else len(self.text)
        place = place_in(self.origin, self.text, offset)
        finding = Diagnostic(
            code=code,
            severity=Severity.ERROR,
            message=message,
            origin=place,
            hint=hint,
            mark=len(self.text[offset : offset + mark].split("\n", 1)[0]),
        )
        if finding not in self.findings:
            self.findings.append(finding)
