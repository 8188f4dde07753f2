"""Use case: check documents without touching a host; the kind of a document is read from its first keys."""

from dataclasses import dataclass
from pathlib import Path

from engine.app import documents
from engine.app.wiring import catalogue
from engine.model.diagnostic import Diagnostic, Severity, sort_key
from engine.model.errors import UsageMistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What was looked at and what was found; a validation of nothing is a mistake, not a success."""

    files: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]


def validate(paths: tuple[str, ...], inventory: str | None) -> Validation:
    """Check every document named, folders with all documents in them, and how runbooks fit the inventory."""
    files = [file for path in paths for file in _files(path)]
    if inventory is not None:
        documents.inventory(inventory)
    found: list[Diagnostic] = []
    for file in files:
        found.extend(_one(file, inventory))
    return Validation(files=tuple(str(file) for file in files), diagnostics=tuple(sorted(found, key=sort_key)))


def _files(name: str) -> list[Path]:
    path = documents.find_runbook(name)
    if not path.is_dir():
        return [path]
    files = sorted(one for one in path.glob("**/*") if one.suffix in (".yaml", ".yml"))
    if not files:
        raise UsageMistake(f"{path}: no document (*.yaml) is in this folder", remedy="name a file or another folder")
    return files


def _one(path: Path, inventory: str | None) -> tuple[Diagnostic, ...]:
    text = documents.read_text(path, "a document")
    kind = kind_of(text.decode("utf-8", "replace"), path)
    if kind == "runbook":
        return _runbook(path, text, inventory)
    if kind == "inventory":
        from engine.language.load import load_inventory

        return load_inventory(text, str(path), {})[1]
    if kind == "triage":
        from engine.language.triage import load_triage_spec

        return load_triage_spec(text, str(path))[1]
    from engine.language.load import load_document

    return load_document(kind, text, str(path))[1]


def _runbook(path: Path, text: bytes, inventory: str | None) -> tuple[Diagnostic, ...]:
    from engine.language.load import load_runbook
    from engine.language.located import with_excerpts
    from engine.lint import lint
    from engine.planning.validate import check_inventory_fit, check_runbook

    spec, found = load_runbook(text, str(path))
    if spec is None:
        return found
    fit = () if inventory is None else check_inventory_fit(spec, documents.inventory(inventory))
    more = (*check_runbook(spec, catalogue()), *lint(spec, None), *fit)
    if any(one.severity is Severity.ERROR for one in found):  # what could not be read may read what seems to be unused
        more = tuple(one for one in more if one.code not in ("R460", "R461"))
    return found + with_excerpts(more, text.decode("utf-8-sig", "replace"))


def kind_of(text: str, path: Path) -> str:
    """``schema: KIND/v1`` says it; an inventory has no such line but a group called ``all``."""
    import re

    # A document in the form of JSON, as the engine writes them, has its keys in quotes and where it likes.
    is_json = re.match(r"(\ufeff|\s|#.*\n)*\{", text) is not None
    key = r"[{,]\s*[\"']?(?:%s)[\"']?\s*:" if is_json else r"^(?:%s):"
    match = re.search(key % "schema" + r"\s*[\"']?([a-z]+)/v[0-9]+", text, re.MULTILINE)
    if match:
        return match[1] if match[1] in ("runbook", "triage", "scenario", "baseline", "approval") else "runbook"
    if re.search(key % "all|ungrouped", text, re.MULTILINE) or "inventory" in path.parts:
        return "inventory"
    return "runbook"
