"""The one door to text that ships with the package: schemas, payload scripts, runbooks and inventories.

In a wheel these lie in ``engine/packaged``; in a checkout beside ``engine``. Read-only, cached.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def root(kind: str) -> Path:
    """The folder ``schemas``, ``runbooks`` or ``inventory`` as installed."""
    package = Path(str(files("engine")))
    packaged = package / "packaged" / kind
    return packaged if packaged.is_dir() else package.parent / kind


@cache
def schema_text(name: str) -> str:
    """The text of ``schemas/NAME.schema.json``; actions are ``actions/NAME``."""
    return (root("schemas") / f"{name}.schema.json").read_text(encoding="utf-8")


@cache
def payload(name: str) -> str:
    """The text of a script that lies beside the actions, by file name with its ending, line ends as LF."""
    path = Path(str(files("engine"))) / "actions" / name
    return path.read_text(encoding="ascii")


@cache
def payloads() -> Mapping[str, str]:
    """All packaged scripts that a host may be sent, those of the actions and of file transfer: file name to text."""
    engine = Path(str(files("engine")))
    paths = [*sorted((engine / "actions").iterdir()), *sorted((engine / "connections").glob("file_*.ps1"))]
    return {one.name: one.read_text(encoding="ascii") for one in paths if one.suffix in (".ps1", ".sh", ".sql")}
