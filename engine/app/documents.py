"""From paths to documents: reads the text that a user named and hands it to ``language``; rejects what has errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.language.load import load_baseline, load_inventory, load_runbook
from engine.model.data import JsonValue
from engine.model.diagnostic import Diagnostic, has_errors
from engine.model.errors import DocumentsRejected, UsageMistake
from engine.model.inventory import Inventory
from engine.model.packaged import root
from engine.model.runbook import RunbookSpec

MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A runbook that may be planned, with its text (for excerpts) and the warnings it carries."""

    spec: RunbookSpec
    text: str
    diagnostics: tuple[Diagnostic, ...]


def read_text(path: Path, what: str) -> bytes:
    """The file's bytes, or a ``UsageMistake`` with place and remedy."""
    try:
        if path.is_dir():
            raise UsageMistake(f"{path} is a folder, not {what}", remedy="name the file itself")
        if path.stat().st_size > MAX_BYTES:
            raise UsageMistake(f"{path} has {path.stat().st_size} bytes; {what} has at most {MAX_BYTES}")
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageMistake(f"there is no file {path}", remedy=_near(path, what)) from None
    except OSError as error:
        raise UsageMistake(f"{path} cannot be read: {error.strerror}", remedy="check the file's permissions") from error


def _near(path: Path, what: str) -> str:
    meant = _shipped_near(path) if what in ("a runbook", "a document") else None
    if meant is not None:
        return f"did you mean {meant}?"
    folder = path.parent
    names = sorted(one.name for one in folder.glob("*.y*ml"))[:5] if folder.is_dir() else []
    if what == "a runbook" and not names:
        return "name the path of a runbook, or the name of one that ships: the README lists them"
    return f"files in {folder}: {', '.join(names)}" if names else f"name the path of {what}"


def _shipped_near(path: Path) -> str | None:
    """The shipped runbook that was meant by a name, or by a path below ``runbooks``, that is off by a letter."""
    from engine.language.nearest import nearest

    if len(path.parts) > 1 and path.parts[0] != "runbooks":
        return None
    return nearest(path.stem, [one.stem for one in root("runbooks").glob("*/*.yaml")])


def find_runbook(name: str) -> Path:
    """A path as given; or the name of a shipped runbook, as ``configuration-service-timeout``."""
    path = Path(name)
    if path.exists() or path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        return _packaged(path) or path
    shipped = sorted(root("runbooks").glob(f"*/{name}.yaml"))
    return shipped[0] if shipped else path


def _packaged(path: Path) -> Path | None:
    """``runbooks/...`` also names a shipped runbook where the current folder has none of that name."""
    if path.exists() or not path.parts or path.parts[0] != "runbooks":
        return None
    candidate = root("runbooks").joinpath(*path.parts[1:])
    return candidate if candidate.exists() else None


def runbook(name: str) -> Loaded:
    """A runbook without errors, or ``DocumentsRejected``."""
    path = find_runbook(name)
    text = read_text(path, "a runbook")
    spec, diagnostics = load_runbook(text, str(path))
    if spec is None or has_errors(diagnostics):
        raise DocumentsRejected(diagnostics)
    return Loaded(spec=spec, text=text.decode("utf-8-sig", "replace"), diagnostics=diagnostics)


def inventory(name: str) -> Inventory:
    """An inventory with its ``group_vars`` and ``host_vars``, without errors, or ``DocumentsRejected``."""
    path = Path(name)
    text = read_text(path, "an inventory")
    found, diagnostics = load_inventory(text, str(path), _variable_files(path.parent))
    if found is None or has_errors(diagnostics):
        raise DocumentsRejected(diagnostics)
    return found


def _variable_files(folder: Path) -> Mapping[str, bytes]:
    """Relative path to bytes of everything under ``group_vars`` and ``host_vars`` beside the inventory."""
    found: dict[str, bytes] = {}
    for kind in ("group_vars", "host_vars"):
        for path in sorted((folder / kind).glob("**/*")):
            if path.is_file() and path.suffix in (".yaml", ".yml", ""):
                found[path.relative_to(folder).as_posix()] = read_text(path, "a file of variables")
    return found


def baseline(name: str | None, beside: str, *, altered: bool = False) -> JsonValue:
    """The baseline recorded before the upgrade: the file, else ``baseline.yaml`` beside the inventory, if any.

    One that was changed after it was signed is refused, unless ``altered`` says that the caller will tell.
    """
    path = Path(name) if name else Path(beside).parent / "baseline.yaml"
    if not name and not path.exists():
        return None
    document, diagnostics = load_baseline(read_text(path, "a baseline"), str(path))
    if document is None or has_errors(diagnostics):
        raise DocumentsRejected(diagnostics)
    value: JsonValue = document.value
    if isinstance(value, Mapping) and "signature" in value and not altered:
        from engine.app.baseline_signing import refuse_altered

        refuse_altered(value, str(path))
    return value
