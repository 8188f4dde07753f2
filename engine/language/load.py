"""The door for documents: text in, typed values and findings out. Reads no file; the caller brings the text.

Every function returns the value and all findings in the order of the text. The value is None where the document is too
broken to be built; where it is not None, ``has_errors`` of the findings still decides whether it may be used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from engine.language.located import Located
from engine.language.schema import check_document
from engine.language.yamltext import read_yaml
from engine.model.diagnostic import Diagnostic, has_errors, sort_key
from engine.model.inventory import Inventory
from engine.model.origin import Origin
from engine.model.runbook import RunbookSpec

Text = str | bytes

KINDS = ("runbook", "triage", "inventory", "scenario", "baseline", "plan", "event", "approval")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A schema-valid document as plain data. ``located`` gives the places: ``located.at(path)`` of a value,
    ``located.key_at(path)`` of its key, with a path such as ``("steps", 0, "id")``.
    """

    kind: str
    file: str
    value: Any
    located: Located = field(repr=False)

    def origin(self, *path: str | int) -> Origin:
        """The place of the value at that path, or of the nearest part around it."""
        return self.located.at(path)


def load_document(kind: str, text: Text, file: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """A document of any kind that has a schema in ``schemas/``."""
    located, findings = read_yaml(text, file)
    if located is None:
        return None, findings
    findings = _wrong_kind(kind, located) or (*findings, *check_document(kind, located))
    if has_errors(findings):
        return None, _in_order(findings)
    return Document(kind=kind, file=file, value=located.value, located=located), _in_order(findings)


@lru_cache(maxsize=64)
def load_runbook(text: Text, file: str) -> tuple[RunbookSpec | None, tuple[Diagnostic, ...]]:
    """A runbook as written, with its expressions read; nothing is resolved. The same text is read once: a plan needs
    what it runs several times.
    """
    from engine.language.build import build_runbook  # noqa: PLC0415 - brings Jinja2, which other documents do without

    document, findings = load_document("runbook", text, file)
    if document is None:
        return None, findings
    spec, more = build_runbook(document.located)
    return spec, _in_order((*findings, *more))


def load_inventory(
    text: Text, file: str, extra: Mapping[str, Text] | None = None
) -> tuple[Inventory | None, tuple[Diagnostic, ...]]:
    """An inventory. ``extra`` holds the texts of ``group_vars/...`` and ``host_vars/...`` by path from its folder."""
    from engine.language.inventory import read_inventory  # noqa: PLC0415 - a runbook alone does without it

    found, findings = read_inventory(text, file, extra or {})
    return found, _in_order(findings)


def load_triage(text: Text, file: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """A triage document as valid plain data; ``triage`` builds its types."""
    return load_document("triage", text, file)


def load_baseline(text: Text, file: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """A baseline as valid plain data."""
    return load_document("baseline", text, file)


def load_scenario(text: Text, file: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """A scenario as valid plain data."""
    return load_document("scenario", text, file)


def _wrong_kind(kind: str, located: Located) -> tuple[Diagnostic, ...]:
    """One finding instead of many where the document is simply of another kind."""
    value = located.value
    if not isinstance(value, dict):
        message = f"a {kind} is a mapping of keys to values"
        return (located.error("S203", message, located.at(()), hint=f"see `runbook schema {kind}`"),)
    written = value.get("schema")
    if (
        isinstance(written, str)
        and kind != "inventory"
        and written.partition("/")[0] in KINDS
        and written != f"{kind}/v1"
    ):
        message = f'this document says it is "{written}", not "{kind}/v1"'
        other = written.partition("/")[0]
        hint = "this engine reads version 1" if other == kind else f"a {other} was given where a {kind} is expected"
        return (located.error("S208", message, located.text_at(("schema",)), hint=hint, mark=len(written)),)
    return ()


def _in_order(findings: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(findings, key=sort_key))
