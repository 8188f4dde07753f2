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
    """All packaged scripts: file name to text."""
    folder = Path(str(files("engine"))) / "actions"
    return {one.name: payload(one.name) for one in sorted(folder.iterdir()) if one.suffix in (".ps1", ".sh", ".sql")}
