"""The use case "triage": evidence that was brought, to the phase in which the upgrade failed. Contacts no host."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.app.documents import read_text
from engine.conduct.triage import judge
from engine.evidence.reader import read_evidence
from engine.language.triage import load_triage_spec, parse_text
from engine.model.diagnostic import has_errors
from engine.model.errors import DocumentsRejected, UsageMistake
from engine.model.packaged import root
from engine.model.triage import TriageResult, TriageSpec


def triage_spec(path: str | None = None) -> TriageSpec:
    """The decision table: the shipped one, or that of a file."""
    file = Path(path) if path else root("runbooks") / "service-manager" / "triage.yaml"
    spec, diagnostics = load_triage_spec(read_text(file, "a triage"), str(file))
    if spec is None or has_errors(diagnostics):
        raise DocumentsRejected(diagnostics)
    return spec


def triage_evidence(paths: Sequence[str | Path], spec: TriageSpec | None = None) -> TriageResult:
    """The answer from folders or zips; ``UsageMistake`` if one of them cannot be opened at all."""
    if not paths:
        raise UsageMistake("there is no evidence to read", remedy="name a folder with --evidence DIR")
    table = spec or triage_spec()
    roots = [_usable(Path(one)) for one in paths]
    return judge(read_evidence(roots, table.signatures, parse_text, _altered), table)


def _altered(document: object) -> str | None:
    """A baseline that was changed after it was signed is no measure; nobody knows what was changed in it."""
    from engine.app.baseline_signing import check

    found = check(document) if isinstance(document, Mapping) else None
    if found is None or found.fits:
        return None
    return "it was changed after it was signed, as its signature does not fit its content"


def _usable(path: Path) -> Path:
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        elif path.exists() and not path.is_file():
            raise UsageMistake(f"the evidence {path} is neither a folder nor a file", remedy="name a folder or a zip")
        else:
            with path.open("rb"):
                pass
    except OSError as error:
        raise UsageMistake(
            f"the evidence {path} cannot be read: {error.strerror or error}",
            remedy="name a folder or a zip that exists and may be read",
        ) from error
    return path
