"""What a stranger meets first: the two commands, the locks, the environment's script, and the pages' promises."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import engine
from engine.model.exit_code import ExitCode

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOCKS = ("runtime.txt", "dev.txt")
needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="make and sh are not Windows'")


def lock_text(name: str) -> str:
    return (ROOT / "requirements" / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, Requirement]:
    lines = lock_text(name).replace("\\\n", " ").splitlines()
    found = [Requirement(line.split("--hash")[0].strip()) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(one.name): one for one in found}


def version_of(pin: Requirement) -> str:
    (only,) = pin.specifier
    assert only.operator == "=="
    return only.version


# --- locks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry_and_no_place(name):
    options = set(re.findall(r"(?<!\S)-{1,2}[a-z][a-z-]*", lock_text(name)))
    assert options == {"--hash"}
    assert not re.search(r"://|file:|(^|\s)[/.]", lock_text(name))


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_is_exact_and_has_hashes(name):
    for block in re.split(r"\n(?=\S)", lock_text(name).strip()):
        if not block.startswith("#"):
            assert re.match(r"[a-z0-9._-]+==\S+", block), block
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block


def test_the_lock_holds_every_dependency_within_its_bound():
    project = PROJECT["project"]
    wanted = {
        "runtime.txt": [*project["dependencies"], *PROJECT["build-system"]["requires"]],
        "dev.txt": [*project["dependencies"], *project["optional-dependencies"]["dev"]],
    }
    for name, texts in wanted.items():
        locked = pins(name)
        for text in texts:
            bound = Requirement(text)
            pin = locked.get(canonicalize_name(bound.name))
            assert pin is not None, f"{bound.name} is not in {name}; run make lock"
            assert bound.specifier.contains(version_of(pin)), f"{pin} of {name} does not fit {text}; run make lock"


def test_the_two_locks_agree():
    runtime, dev = pins("runtime.txt"), pins("dev.txt")
    assert {name: version_of(one) for name, one in runtime.items()} == {name: version_of(dev[name]) for name in runtime}


def test_the_locks_hold_for_windows_too():
    """Packages that only Windows needs are there, behind a marker that is true there and false elsewhere."""
    for lock, package in (("runtime.txt", "sspilib"), ("dev.txt", "colorama")):
        marker = pins(lock)[package].marker
        assert isinstance(marker, Marker)
        assert marker.evaluate({"sys_platform": "win32"})
        assert not marker.evaluate({"sys_platform": "linux"})


def test_a_core_dependency_has_a_lower_bound():
    for text in PROJECT["project"]["dependencies"]:
        assert any(one.operator == ">=" for one in Requirement(text).specifier), text


# --- the two commands ---------------------------------------------------------------------------------------


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_a_make_command_that_is_written_down_exists(page):
    text = page.read_text(encoding="utf-8")
    named = {*re.findall(r"^    make ([a-z]+)", text, re.MULTILINE), *re.findall(r"`make ([a-z]+)[^`]*`", text)}
    assert named <= targets()


def dry_run(target: str) -> str:
    if shutil.which("make") is None:
        pytest.skip("no make on the PATH")
    # Run by make itself, the test must not look like a part of that make.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory", "-n", "-B", target, "VENV=.venv"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout


@needs_shell
def test_make_demo_makes_the_environment_from_the_lock_and_shows_the_recovery():
    commands = dry_run("demo")
    steps = ("environment.sh", "--require-hashes --only-binary :all: -r requirements/runtime.txt", "runbook lab demo")
    assert [commands.find(one) for one in steps] == sorted(commands.find(one) for one in steps)
    assert all(one in commands for one in steps)


@needs_shell
def test_make_test_checks_everything():
    commands = dry_run("test")
    for tool in ("ruff format --check", "ruff check", "mypy engine", "mypy --platform win32", "lint-imports", "pytest"):
        assert tool in commands
    assert commands.rstrip().splitlines()[-1].startswith(".venv/bin/pytest")


@needs_shell
@pytest.mark.parametrize(
    ("given", "present", "told"), [("", True, "shared"), ("/opt/mine", True, "/opt/mine"), ("", False, "")]
)
def test_continuous_integration_runs_the_test_command(tmp_path, given, present, told):
    checkout, tools = tmp_path / "checkout", tmp_path / "tools"
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci" / "run")
    executable(tools / "make", '#!/bin/sh\necho "make $* in $(pwd) with [${RUNBOOK_PWSH:-}]"\n')
    powershell = tmp_path / "shared" / "pwsh" / "pwsh"
    if present:
        executable(powershell, "#!/bin/sh\n")
    done = run_script([checkout / ".ci" / "run"], tools, RUNBOOK_PWSH=given)
    expected = str(powershell) if told == "shared" else told
    commands = [f"make {one} in {checkout} with [{expected}]" for one in ("kerberos", "test")]
    assert done.stdout.splitlines() == commands


@needs_shell
def test_continuous_integration_goes_on_where_kerberos_cannot_be_had(tmp_path):
    script = tmp_path / "kerberos.sh"
    shutil.copy(ROOT / "requirements" / "kerberos.sh", script)
    tools = tmp_path / "tools"
    executable(tools / "id", "#!/bin/sh\necho 1000\n")  # not root, so that nothing is installed by this test
    python = executable(tools / "python", "#!/bin/sh\nexit 1\n")
    command = ["/bin/sh", str(script), str(python)]
    done = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "note: Kerberos could not be installed here; its tests are skipped\n"
    assert "make kerberos || true" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


# --- the environment ----------------------------------------------------------------------------------------


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def run_script(command: list[str | Path], tools: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "RUNBOOK_PWSH"}
    given = {name: value for name, value in environment.items() if value}
    path = f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return subprocess.run(
        [str(one) for one in command],
        env={**clean, "PATH": path, **given},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


OLD = '#!/bin/sh\ncase "$2" in *version.split*) echo 3.9.2 ;; *) exit 1 ;; esac\n'
WITHOUT_VENV = f'#!/bin/sh\ncase "$2" in "import venv"*) exit 1 ;; *) exec {sys.executable} "$@" ;; esac\n'
BREAKS_OFF = f'#!/bin/sh\ncase "$1" in -m) mkdir -p "$4"; exit 1 ;; *) exec {sys.executable} "$@" ;; esac\n'


@needs_shell
@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        (None, "there is no Python that runs as"),
        (OLD, "Python 3.11 or later is needed, and"),
        (WITHOUT_VENV, "has no venv module"),
        (BREAKS_OFF, "could not be made"),
    ],
)
def test_an_unfit_python_gets_one_sentence_and_a_remedy(tmp_path, python, sentence):
    named = tmp_path / "python"
    if python is not None:
        executable(named, python)
    folder = tmp_path / "venv"
    done = run_script(["sh", ROOT / "requirements" / "environment.sh", named, folder], tmp_path / "tools")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr
    assert "\n  remedy: " in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert not folder.exists()


@needs_shell
def test_without_a_name_the_first_fitting_python_is_taken(tmp_path):
    tools, marker = tmp_path / "tools", tmp_path / "made-by"
    executable(tools / "python3", OLD)
    executable(tools / "python3.13", "#!/bin/sh\nexit 127\n")
    executable(tools / "python3.12", f'#!/bin/sh\n[ "$1" = -m ] && echo 3.12 >"{marker}"\nexec {sys.executable} "$@"\n')
    done = run_script(["sh", ROOT / "requirements" / "environment.sh", "", tmp_path / "venv"], tools)
    assert done.returncode == 0, done.stderr
    assert marker.read_text(encoding="utf-8") == "3.12\n"
    assert (tmp_path / "venv" / "bin" / "python").exists()


# --- the pages ----------------------------------------------------------------------------------------------


def test_the_readme_s_exit_codes_are_the_engine_s():
    table = re.findall(r"^\| (\d+) \| ([a-z ]+) \| \S.* \|$", README, re.MULTILINE)
    assert table == [(str(code.value), code.name.lower().replace("_", " ")) for code in ExitCode]


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_a_page_s_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.name)
def test_a_path_that_a_page_names_is_there(page):
    """Paths in backticks; words in capitals stand for a name of the reader's own."""
    inside = r"`((?:engine|tests|schemas|runbooks|inventory|requirements|benchmarks|docs)/[\w./*-]+)`"
    for named in re.findall(inside, page.read_text(encoding="utf-8")):
        if named == "engine/packaged" or re.search(r"[A-Z]{4}", named):
            continue
        assert any(ROOT.glob(named.rstrip("/"))), named


def test_the_architecture_names_every_room():
    rooms = {one.name for one in (ROOT / "engine").iterdir() if (one / "__init__.py").exists()}
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE)) == rooms


def test_the_pages_speak_of_versions_and_licence_as_the_project_does():
    assert PROJECT["project"]["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert "Python 3.11" in README
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{engine.__version__}]" in changelog
