"""Which scenarios are meant: those that are named, those in folders that are named, and those of a runbook that is."""

from pathlib import Path

from engine.app import documents
from engine.language.scenario import ScenarioSpec, read_scenario
from engine.model.diagnostic import has_errors
from engine.model.errors import DocumentsRejected, UsageMistake
from engine.model.packaged import root

FOLDER = "scenarios"
_HEAD = 2000


def find(paths: tuple[str, ...]) -> tuple[Path, ...]:
    """The scenarios that are named, in order; those of all shipped runbooks by default."""
    found: list[Path] = []
    for one in [documents.find_runbook(name) for name in paths] or [root("runbooks")]:
        if _is_folder(one):
            found += sorted(
                path for path in one.rglob("*.yaml") if path.parent.name == FOLDER or _says(path, "scenario")
            )
        elif _says(one, "runbook"):
            found += scenarios_of(one)
        else:
            found.append(one)
    if not found:
        raise UsageMistake("there is no scenario in what was named", remedy="name a scenario, or a folder with some")
    return tuple(dict.fromkeys(found))


def scenarios_of(runbook: Path) -> tuple[Path, ...]:
    """Those in ``scenarios/`` beside a runbook that rehearse it; ``UsageMistake`` if there is none."""
    folder = runbook.parent / FOLDER
    near = sorted(folder.glob("*.yaml"))
    found = tuple(path for path in near if (folder / load(path).runbook).resolve() == runbook.resolve())
    if not found:
        why = f"none of the {len(near)} files in {folder} rehearses it" if near else f"there is nothing in {folder}"
        raise UsageMistake(
            f"{runbook} has no scenario: {why}", remedy="write one; `runbook schema scenario` shows its keys"
        )
    return found


def load(path: Path) -> ScenarioSpec:
    """A scenario without errors, or ``DocumentsRejected``."""
    spec, found = read_scenario(documents.read_text(path, "a scenario"), str(path))
    if spec is None or has_errors(found):
        raise DocumentsRejected(found)
    return spec


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as a name too long for any file; told where it is read
        return False


def _says(path: Path, kind: str) -> bool:
    """True for a file that says in its first lines that it is of this kind."""
    try:
        return f"{kind}/v1".encode() in path.read_bytes()[:_HEAD]
    except OSError:  # a folder of that name, a link to nowhere: told where it is read
        return False
