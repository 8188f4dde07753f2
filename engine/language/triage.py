"""The triage document as a typed ``TriageSpec``; every mistake in it is a diagnostic with its place.

Also the door through which other rooms have evidence documents parsed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.language.load import Text, load_triage
from engine.language.located import Located
from engine.language.nearest import did_you_mean
from engine.language.yamltext import read_yaml
from engine.model.diagnostic import Diagnostic, has_errors
from engine.model.triage import (
    AllOf,
    AnyOf,
    Condition,
    EventPattern,
    ExitCodeGroup,
    Is,
    LogPattern,
    Not,
    ParsedText,
    Row,
    Signature,
    TriageSpec,
)

_STATES = ("equal", "changed", "unknown")
_FINDINGS: Mapping[str, tuple[str, ...]] = {
    "setup_running": ("yes", "no", "unknown"),
    "retry_button": ("yes", "no", "unknown"),
    "binaries": _STATES,
    "management_server": _STATES,
    "warehouse_server": _STATES,
    "databases": _STATES,
    "service_manager": _STATES,
    "data_warehouse": _STATES,
    "prerequisite_page": ("failed", "clear", "none"),
}
_SIGHTED = ("found", "undated", "absent", "unknown")


def parse_text(text: str, file: str) -> ParsedText:
    """A document that somebody wrote, as plain data with lines; mistakes are problems, never exceptions."""
    located, found = read_yaml(text, file)
    problems = tuple((one.origin.line if one.origin else 1, one.message) for one in found)
    if located is None:
        return ParsedText(value=None, problems=problems or ((1, "the document is empty"),))
    lines = {path: origin.line for path, origin in {**located.origins, **located.keys}.items()}
    return ParsedText(value=located.value, lines=lines, problems=problems)


def load_triage_spec(text: Text, file: str) -> tuple[TriageSpec | None, tuple[Diagnostic, ...]]:
    """The typed triage, or None and what is wrong with it."""
    document, found = load_triage(text, file)
    if document is None or has_errors(found):
        return None, found
    builder = _Builder(document.value, document.located)
    spec = builder.spec(file)
    return (None if builder.wrong else spec), (*found, *builder.wrong)


class _Builder:
    """One document being built."""

    def __init__(self, value: Mapping[str, Any], located: Located) -> None:
        self.value = value
        self.located = located
        self.wrong: list[Diagnostic] = []
        self.names: dict[str, tuple[str, ...]] = dict(_FINDINGS)

    def spec(self, file: str) -> TriageSpec:
        signatures = tuple(self._signature(one) for one in self.value.get("signatures", ()))
        groups = tuple(_group(one) for one in self.value.get("exit_codes", ()))
        self.names |= {one.id: _SIGHTED for one in signatures}
        self.names["exit_code"] = (*(one.name for one in groups), "other", "none")
        phases = self.value["phases"]
        for index, one in enumerate(self.value.get("signatures", ())):
            for phase in one.get("speaks_for", ()):
                self._phase(phase, ("signatures", index, "speaks_for"))
        rows = tuple(self._rows())
        suspicions = tuple(
            (
                self._condition(one["when"], ("suspicions", index, "when")),
                self._phase(one["phase"], ("suspicions", index, "phase")),
            )
            for index, one in enumerate(self.value.get("suspicions", ()))
        )
        if rows and rows[-1].when != AllOf(parts=()):
            self._add(
                "the last row has a condition, so there may be no answer", ("rows",), "end with a row of when: {}"
            )
        return TriageSpec(
            name=self.value["name"], file=file, signatures=signatures, exit_codes=groups, rows=rows,
            phases=phases, suspicions=suspicions,
        )  # fmt: skip

    def _signature(self, one: Mapping[str, Any]) -> Signature:
        return Signature(
            id=one["id"],
            title=one["title"],
            speaks_for=tuple(one.get("speaks_for", ())),
            logs=tuple(
                LogPattern(
                    tokens=tuple(log["tokens"]), within=log.get("within", 0), service=log.get("service"),
                    other_service=log.get("other_service"),
                )
                for log in one.get("logs", ())
            ),
            events=tuple(
                EventPattern(
                    event=event["event"], source=event.get("source", ""), log=event.get("log", ""),
                    names=tuple(event.get("names", ())),
                )
                for event in one.get("events", ())
            ),
            registry=tuple(one.get("registry", ())),
            remedy=one.get("remedy"),
            elsewhere=one.get("elsewhere"),
        )  # fmt: skip

    def _rows(self) -> Iterator[Row]:
        for index, one in enumerate(self.value["rows"]):
            path = ("rows", index)
            when = self._condition(one["when"], (*path, "when"))
            for number, case in enumerate(one.get("cases", ())):
                inner = (*path, "cases", number)
                more = self._condition(case["when"], (*inner, "when"))
                both = when if more == AllOf(parts=()) else AllOf(parts=(when, more))
                yield self._row(one, case, both, inner)
            if "cases" not in one:
                yield self._row(one, one, when, path)

    def _row(self, row: Mapping[str, Any], case: Mapping[str, Any], when: Condition, path: tuple[Any, ...]) -> Row:
        suspected = case.get("suspected")
        return Row(
            id=row["id"],
            title=row["title"],
            when=when,
            verdict=self._phase(case["verdict"], (*path, "verdict")),
            suspected=self._phase(suspected, (*path, "suspected")) if suspected else None,
            runbook=case.get("runbook"),
            gone=tuple(case.get("gone", ())),
            meaning=case.get("meaning", ""),
            next=case.get("next", ""),
        )

    def _condition(self, value: Mapping[str, Any], path: tuple[Any, ...]) -> Condition:
        parts = tuple(self._part(key, inner, (*path, key)) for key, inner in value.items())
        return parts[0] if len(parts) == 1 else AllOf(parts=parts)

    def _part(self, key: str, value: Any, path: tuple[Any, ...]) -> Condition:
        if key in ("all", "any"):
            parts = tuple(self._condition(one, (*path, index)) for index, one in enumerate(value))
            return AllOf(parts=parts) if key == "all" else AnyOf(parts=parts)
        if key == "not":
            return Not(part=self._condition(value, path))
        wanted = (value,) if isinstance(value, str) else tuple(value)
        if key not in self.names:
            self._add(f'there is no finding "{key}"', path, did_you_mean(key, self.names), of_key=True)
        else:
            for one in wanted:
                if one not in self.names[key]:
                    self._add(f'"{one}" is no value of {key}', path, f"it is one of {', '.join(self.names[key])}")
        return Is(finding=key, values=wanted)

    def _phase(self, name: str, path: tuple[Any, ...]) -> str:
        if name not in self.value["phases"]:
            self._add(f'there is no phase "{name}"', path, did_you_mean(name, self.value["phases"]))
        return name

    def _add(self, message: str, path: tuple[Any, ...], hint: str | None, *, of_key: bool = False) -> None:
        origin = self.located.key_at(path) if of_key else self.located.at(path)
        self.wrong.append(self.located.error("R420", message, origin, hint=hint))


def _group(one: Mapping[str, Any]) -> ExitCodeGroup:
    codes = {int(code): name for code, name in one["codes"].items()}
    return ExitCodeGroup(name=one["name"], codes=codes, speaks_for=tuple(one.get("speaks_for", ())))
