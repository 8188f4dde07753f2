"""Schema-valid runbook data to ``RunbookSpec``; what a schema cannot say is found here."""

from collections.abc import Mapping
from typing import Any

from engine.language.durations import parse_duration
from engine.language.expression import has_template, parse_expression, parse_template
from engine.language.located import Located, Path, with_excerpt
from engine.language.schema import mistakes
from engine.model.data import digest
from engine.model.diagnostic import Diagnostic
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.runbook import (
    ArgValue,
    ParamSpec,
    Requirement,
    RetrySpec,
    RunbookSpec,
    StepSpec,
    TargetSpec,
    WaitSpec,
)
from engine.model.status import Effect

_OURS = frozenset({"default", "secret", "description", "examples"})


def build_runbook(located: Located) -> tuple[RunbookSpec, tuple[Diagnostic, ...]]:
    """The spec and the findings; the spec is whole even where an expression had to be left out for its finding."""
    builder = _Builder(located)
    spec = builder.runbook()
    return spec, tuple(builder.findings)


def _seconds(value: Any, default: float) -> float:
    if value is None:
        return default
    seconds = parse_duration(value)
    assert seconds is not None, "the schema holds durations"
    return seconds


class _Builder:
    """One document being built; collects findings on the way."""

    def __init__(self, located: Located) -> None:
        self.located = located
        self.data: Mapping[str, Any] = located.value
        self.findings: list[Diagnostic] = []
        self._of_part: dict[Path, list[Path]] = {}
        for path in located.origins:
            self._of_part.setdefault(path[:2], []).append(path)

    def runbook(self) -> RunbookSpec:
        data = self.data
        applies_to = data.get("applies_to", {})
        return RunbookSpec(
            name=data["name"],
            version=data["version"],
            title=data["title"],
            purpose=data["purpose"].strip(),
            file=self.located.file,
            digest=digest(data),
            origin=self.located.key_at(("name",)),
            phase=data.get("phase"),
            product=applies_to.get("product"),
            builds=applies_to.get("builds"),
            sources=tuple(data.get("sources", ())),
            params={name: self.param(name, body) for name, body in data.get("params", {}).items()},
            targets={name: self.target(name, body) for name, body in data.get("hosts", {}).items()},
            steps=tuple(self.step(index, body) for index, body in enumerate(data["steps"])),
        )

    def param(self, name: str, body: Mapping[str, Any]) -> ParamSpec:
        schema = {key: value for key, value in body.items() if key not in _OURS}
        if "enum" not in schema and "const" not in schema:
            schema.setdefault("type", "string")
        spec = ParamSpec(
            name=name,
            schema=schema,
            description=body["description"],
            origin=self.located.key_at(("params", name)),
            default=body.get("default"),
            has_default="default" in body,
            secret=body.get("secret", False),
        )
        self.check_default(spec)
        return spec

    def check_default(self, spec: ParamSpec) -> None:
        if not spec.has_default:
            return
        path: Path = ("params", spec.name, "default")
        if spec.secret:
            hint = "leave the default out and give a reference such as -e NAME=env:VARIABLE"
            blank = Located(file=self.located.file, value=None)  # the line holds the secret, so it is not shown
            message = f'the secret "{spec.name}" has a default in plain text'
            self.findings.append(blank.error("S211", message, self.located.key_at(path), hint=hint))
            return
        for inner, words in mistakes(spec.schema, spec.default):
            told = words.message.replace("the document", "it", 1)
            message = f'the default of "{spec.name}" does not fit its own declaration: {told}'
            self.add("S210", message, self.located.text_at((*path, *inner)), words.hint, len(str(spec.default)))

    def target(self, name: str, body: Mapping[str, Any]) -> TargetSpec:
        return TargetSpec(
            name=name,
            pattern=body["pattern"],
            origin=self.located.text_at(("hosts", name, "pattern")),
            exactly=body.get("exactly"),
            at_least=body.get("at_least", 1),
        )

    def step(self, index: int, body: Mapping[str, Any]) -> StepSpec:
        path: Path = ("steps", index)
        hosts = body.get("hosts", ())
        arguments = body.get("with", {})
        return StepSpec(
            id=body["id"],
            name=body["name"],
            action=body["action"],
            origin=self.located.text_at((*path, "id")),
            why=body.get("why"),
            args={key: self.argument(value, (*path, "with", key)) for key, value in arguments.items()},
            arg_origins=self.argument_origins((*path, "with")),
            hosts=(hosts,) if isinstance(hosts, str) else tuple(hosts),
            when=self.expression((*path, "when"), body.get("when")),
            effect=Effect(body["effect"]) if "effect" in body else None,
            disruptive=body.get("disruptive"),
            requires=tuple(
                self.requirement(one, (*path, "requires", n)) for n, one in enumerate(body.get("requires", ()))
            ),
            retry=_retry(body.get("retry")),
            wait=self.wait(body.get("wait"), (*path, "wait")),
            timeout_s=_seconds(body["timeout"], 0.0) if "timeout" in body else None,
            serial=body.get("serial"),
            max_failures=body.get("max_failures", 0),
            on_failure=body.get("on_failure", "abort"),
            tags=tuple(body.get("tags", ())),
            always=body.get("always", False),
            places=self.places(path, body),
        )

    def places(self, path: Path, body: Mapping[str, Any]) -> Mapping[str, Origin]:
        hosts = body.get("hosts", ())
        names = enumerate(hosts) if isinstance(hosts, list) else ()
        return {
            **{key: self.located.text_at((*path, key)) for key in body},
            **{f"hosts.{name}": self.located.text_at((*path, "hosts", index)) for index, name in names},
        }

    def argument(self, value: Any, path: Path) -> ArgValue:
        if isinstance(value, Mapping):
            return {key: self.argument(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return tuple(self.argument(item, (*path, index)) for index, item in enumerate(value))
        if not isinstance(value, str) or not has_template(value):
            argument: ArgValue = value
            return argument
        template = parse_template(value, self.located.text_at(path))
        if isinstance(template, Diagnostic):
            self.findings.append(with_excerpt(template, self.located.lines))
            return value
        return template

    def argument_origins(self, base: Path) -> Mapping[str, Origin]:
        """Dotted path to the value's place; the same path with a colon behind it to the place of the key."""
        depth = len(base)
        below = (path for path in self._of_part.get(base[:2], ()) if len(path) > depth and path[:depth] == base)
        inner = {path[depth:]: self.located.origins[path] for path in below}
        values = {".".join(map(str, path)): self.located.texts.get((*base, *path), at) for path, at in inner.items()}
        keys = {
            ".".join(map(str, path)) + ":": self.located.keys[(*base, *path)]
            for path in inner
            if (*base, *path) in self.located.keys
        }
        return {**values, **keys}

    def expression(self, path: Path, text: str | None) -> Expression | None:
        if text is None:
            return None
        found = parse_expression(text, self.located.text_at(path))
        if isinstance(found, Diagnostic):
            self.findings.append(with_excerpt(found, self.located.lines))
            return None
        return found

    def requirement(self, body: Any, path: Path) -> Requirement:
        text = body if isinstance(body, str) else body["proof"]
        kind, _, inner = text.rstrip(")").partition("(")
        subject, at, host = inner.rpartition("@") if "@" in inner else (inner, "", "")
        age = None if isinstance(body, str) else body.get("max_age")
        origin = self.located.text_at(path if isinstance(body, str) else (*path, "proof"))
        return Requirement(
            kind=kind,
            subject=subject.strip(),
            origin=origin,
            max_age_s=_seconds(age, 3600.0),
            host=host.strip() if at else None,
        )

    def wait(self, body: Any, path: Path) -> WaitSpec | None:
        until = self.expression((*path, "until"), body["until"]) if body else None
        if until is None:
            return None
        return WaitSpec(
            until=until, every_s=_seconds(body.get("every"), 5.0), timeout_s=_seconds(body.get("timeout"), 300.0)
        )

    def add(self, code: str, message: str, origin: Origin, hint: str | None, mark: int) -> None:
        self.findings.append(self.located.error(code, message, origin, hint=hint, mark=mark))


def _retry(body: Any) -> RetrySpec | None:
    if body is None:
        return None
    if isinstance(body, int):
        return RetrySpec(attempts=body)
    return RetrySpec(
        attempts=body["attempts"],
        delay_s=_seconds(body.get("delay"), 5.0),
        backoff=float(body.get("backoff", 2.0)),
        max_delay_s=_seconds(body.get("max_delay"), 120.0),
    )
