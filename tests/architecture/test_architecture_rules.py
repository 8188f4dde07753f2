"""What keeps the tree as ARCHITECTURE.md says: imports, sizes, words, docstrings, codes, schemas, paths."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.planning.fit import keywords

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "engine"
MODULES = sorted(ENGINE.rglob("*.py"))
SCHEMAS = sorted((ROOT / "schemas").rglob("*.schema.json"))
RATCHET = Path(__file__).with_name("sizes.json")

BANNED = re.compile(
    r"(?:^|_)(playbook|node|checksum|utils?|helpers?|common|manager)s?(?:_|$)|^task_|^tasks?$", re.IGNORECASE
)
FOREIGN = {"node", "nodes", "_node"}  # other libraries' own things: the nodes of a YAML or expression tree
PRODUCT = "service_manager"


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (one for one in ast.walk(tree(path)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def test_imports_keep_the_contracts():
    script = Path(sys.executable).with_name("lint-imports")
    if not script.exists():
        script = script.with_suffix(".exe")
    done = subprocess.run(
        [str(script), "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def sizes() -> dict[str, int]:
    longest = max(
        ((one.end_lineno or one.lineno) - one.lineno + 1, f"{named(path)}:{one.name}")
        for path in MODULES
        for one in functions(path)
    )
    widest = max((len(path.read_text(encoding="utf-8").splitlines()), named(path)) for path in MODULES)
    return {"module_lines": widest[0], "function_lines": longest[0]}


def test_nothing_grows_past_today_s_worst():
    recorded = json.loads(RATCHET.read_text(encoding="utf-8"))
    now = sizes()
    grown = {name: (now[name], recorded[name]) for name in recorded if now[name] > recorded[name]}
    assert not grown, f"larger than {RATCHET.name} allows (now, allowed): {grown}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_says_what_it_promises(path):
    assert ast.get_docstring(tree(path)), "the module has no docstring"
    public = [one for one in tree(path).body if isinstance(one, ast.ClassDef) and not one.name.startswith("_")]
    bare = [one.name for one in public if not ast.get_docstring(one)]
    assert not bare, f"classes without a docstring: {bare}"


def words(name: str) -> str:
    """A name as snake_case, without the name of the product that is recovered."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace(PRODUCT, "")


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_names_are_of_the_glossary(path):
    names = [path.stem if path.stem != "__init__" else path.parent.name]
    for one in ast.walk(tree(path)):
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(one.name)
        elif isinstance(one, ast.arg) and one.annotation is not None and "nodes." not in ast.unparse(one.annotation):
            names.append(one.arg)
    banned = sorted({name for name in names if name not in FOREIGN and BANNED.search(words(name))})
    assert not banned, f"not words of this project: {banned}"


CODE = re.compile(r"^[YSERPLT][0-9]{3}$")


def emitted(room: Path) -> dict[str, str]:
    """Diagnostic codes written as whole texts, and where; pages themselves do not count."""
    found = {}
    for path in sorted(room.rglob("*.py")):
        if path.name != "codes.py":
            for one in ast.walk(tree(path)):
                if isinstance(one, ast.Constant) and isinstance(one.value, str) and CODE.match(one.value):
                    found[one.value] = f"{named(path)}:{one.lineno}"
    return found


ROOMS_WITH_PAGES = ("language", "planning", "lint")


@pytest.mark.parametrize("room", ROOMS_WITH_PAGES)
def test_every_code_has_a_page(room):
    pages = import_module(f"engine.{room}.codes").EXPLANATIONS
    codes = emitted(ENGINE / room)
    assert codes
    missing = {code: place for code, place in codes.items() if code not in pages}
    assert not missing, f"codes without a page: {missing}"
    dead = set(pages) - set(codes)
    assert not dead, f"pages of codes that nothing emits: {sorted(dead)}"
    assert all(len(page) > 60 and page.endswith((".", '"')) for page in pages.values())


def test_a_code_means_one_thing():
    pages = [set(import_module(f"engine.{room}.codes").EXPLANATIONS) for room in ROOMS_WITH_PAGES]
    assert sum(len(one) for one in pages) == len(set.union(*pages))


@pytest.mark.parametrize("path", SCHEMAS, ids=named)
def test_a_schema_is_valid_and_tells_what_it_is(path):
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema.get("title")
    assert schema.get("description")


def keywords_of(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        for keyword, value in schema.items():
            yield keyword
            if keyword in ("properties", "patternProperties", "$defs"):
                for inner in value.values():
                    yield from keywords_of(inner)
            elif keyword in ("items", "additionalProperties", "propertyNames", "not", "if", "then", "else"):
                yield from keywords_of(value)
            elif keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
                for inner in value:
                    yield from keywords_of(inner)


@pytest.mark.parametrize("path", [one for one in SCHEMAS if one.parent.name == "actions"], ids=named)
def test_the_planner_understands_every_keyword_of_an_action(path):
    arguments = json.loads(path.read_text(encoding="utf-8"))["$defs"]["arguments"]
    assert set(keywords_of(arguments)) <= keywords()


MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root)/[A-Za-z0-9_.]")


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return []
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_file_names_a_place_of_one_machine():
    found = []
    for path in tracked():
        if path == Path(__file__).resolve() or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE_PATH.search(line):
                found.append(f"{named(path)}:{number}: {line.strip()[:80]}")
    assert not found, "\n".join(found)
