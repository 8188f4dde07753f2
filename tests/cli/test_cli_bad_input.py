"""Bad input and a bad world: each gets its exit code and a clear sentence with place and remedy, and loses nothing."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import LOOK, Command, Said, argv, as_process, environment, inventory, runbook, value

from engine.app.lab import Lab

ASK = {
    "id": "ask",
    "action": "operator.ask",
    "with": {"question": "Which?", "answers": {"left": "Left", "right": "Right"}},
}


def clear(said: Said, code: int, *words: str) -> None:
    """The exit code; the words on standard error; nothing on standard output; no traceback."""
    flat = " ".join(said.err.split())
    assert said.code == code, said
    assert said.out == ""
    assert "Traceback" not in said.err
    for word in words:
        assert word in flat, said.err


MALFORMED = {
    "empty": (b"", "1:1: error Y109: the document is empty"),
    "no-host": (b"all: {}\n", "1:1: error R409: the inventory names no host"),
    "no-host-below": (b"all:\n  hosts:\n", "1:1: error R409: the inventory names no host"),
    "list": (b"- a\n", "1:1: error S203: an inventory is a mapping"),
    "tab": (b"all:\n\thosts: x\n", "2:1: error Y106: a tab is used for indentation"),
    "binary": (b"\x00\x01\xff\xfe", "error Y110: the file is not UTF-8"),
    "latin": (b"all:\n  hosts:\n    \xe4: {}\n", "3:5: error Y110: the file is not UTF-8"),
    "unclosed": (b"all: {hosts: {a: {}", "1:20: error Y101: this is not YAML"),
    "twice": (b"all:\n  hosts:\n    a: {}\n    a: {}\n", '4:5: error Y102: the key "a" is there twice'),
    "alias": (b"a: &a [x]\nall: *b\n", "2:6: error Y104: the alias *b names no anchor"),
    "tag": (b"all: !!python/object:os.system x\n", "1:6: error Y103: the tag !!python/object:os.system is not allowed"),
    "two-documents": (b"all: {}\n---\nall: {}\n", "2:1: error Y108: a second document starts here"),
    "octal": (b"all:\n  hosts:\n    a: {ansible_port: 017}\n", "3:23: error Y105: 017 can be read as an octal"),
    "password": (
        b"all:\n  hosts:\n    a: {ansible_password: hunter22}\n",
        "3:9: error S211: ansible_password holds a password in plain text",
    ),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_inventory(kind: str, command: Command, tmp_path: Path) -> None:
    content, words = MALFORMED[kind]
    (tmp_path / "estate.yaml").write_bytes(content)
    said = command("run", runbook(tmp_path, [LOOK]), "-i", "estate.yaml")
    clear(said, 3, f"estate.yaml:{words}" if words[0].isdigit() else words, "hint: ")
    assert "hunter22" not in said.err
    assert not (tmp_path / ".runbook").exists()


@pytest.mark.parametrize("kind", ["empty", "tab", "binary", "unclosed", "alias", "tag", "two-documents"])
def test_malformed_runbook(kind: str, command: Command, lab: Lab, tmp_path: Path) -> None:
    content, words = MALFORMED[kind]
    (tmp_path / "book.yaml").write_bytes(content)
    clear(command("run", "book.yaml", "-i", lab.inventory), 3, f"book.yaml:{words}" if words[0].isdigit() else words)


OPTIONS = {
    "host": (("-l", "SM9"), '"SM9" is neither a host nor a group'),
    "no-host-left": (("-l", "SQL01"), "has no host under --limit SQL01"),
    "no-file-of-hosts": (("-l", "@hosts.txt"), "there is no file hosts.txt"),
    "no-input": (("-e", "x"), "`x` is no input remedy: write -e NAME=VALUE"),
    "unknown-input": (("-e", "nope=1"), 'the runbook probe has no parameter "nope"'),
    "step": (("--start-at", "lok"), '--start-at: there is no step "lok" hint: did you mean "look"?'),
    "tag": (("-t", "nix"), "--tags: no step is tagged nix"),
    "no-answer": (("--answer", "x"), "`x` is no answer remedy: write STEP=ANSWER"),
    "answer-to-nothing": (("--answer", "look=yes"), "no step look asks for an answer"),
    "forks": (("-f", "0"), "0 is not in the range"),
    "baseline": (("--baseline", "nix.yaml"), "there is no file nix.yaml"),
    "plan": (("--plan", "nix.json"), "there is no file nix.json"),
    "option": (("--chek",), "No such option '--chek'"),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_options_that_do_not_fit(kind: str, command: Command, lab: Lab, tmp_path: Path) -> None:
    arguments, words = OPTIONS[kind]
    code = 3 if kind == "no-host-left" else 2
    clear(command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory, *arguments), code, words)
    assert not (tmp_path / ".runbook").exists()


ASK = {
    "id": "ask",
    "action": "operator.ask",
    "with": {"question": "Which?", "answers": {"left": "Left", "right": "Right"}},
}
TELL = {"id": "tell", "action": "operator.instruct", "with": {"show": "Press it."}}
GATED = {**LOOK, "id": "gated", "requires": ["approval(operator)"]}
UNFIT = {
    "ask=lft": "step ask does not know the answer `lft` remedy: one of: left, right",
    "tell=yes": "step tell does not know the answer `yes` remedy: one of: done",
    "gated=yes": "step gated waits for an approval, not for `yes` remedy: one of: approve, deny, later",
}


@pytest.mark.parametrize("given", UNFIT)
def test_an_answer_that_does_not_fit_is_refused_before_any_host_is_touched(
    given: str, command: Command, lab: Lab, tmp_path: Path
) -> None:
    """Not after the changes of the steps before, with their hosts left held and no word of how to go on."""
    book = runbook(tmp_path, [LOOK, ASK, TELL, GATED])
    clear(command("run", book, "-i", lab.inventory, "--answer", given), 2, UNFIT[given])
    assert not (tmp_path / ".runbook").exists()


def test_files_that_are_not_there(command: Command, lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [LOOK])
    clear(command("run", book, "-i", "nix.yaml"), 2, "there is no file nix.yaml remedy: files in .: probe.yaml")
    clear(command("run", book, "-i", tmp_path), 2, "is a folder, not an inventory remedy: name the file itself")
    clear(command("run", "nix", "-i", lab.inventory), 2, "there is no file nix", "remedy: ")
    slip = "configuration-service-timout"
    meant = "did you mean configuration-service-timeout?"
    clear(command("run", slip, "-i", lab.inventory), 2, f"there is no file {slip} remedy: {meant}")
    clear(command("plan", f"runbooks/service-manager/{slip}.yaml", "-i", lab.inventory), 2, f"remedy: {meant}")
    clear(command("schema", "runbok"), 2, "there is no schema runbok remedy: did you mean runbook?")
    clear(command("rn"), 2, "there is no command `rn`; did you mean `run`?")
    for one in (("report",), ("resume", "x"), ("answer", "x", "a=b"), ("runs", "--give-up", "x")):
        clear(command(*one), 2, "there is no state folder .runbook", "remedy: ")


# --- hosts -------------------------------------------------------------------------------------------


def test_unreachable_host(command: Command, lab: Lab, tmp_path: Path) -> None:
    lab.servers.set_faults("SM01", {"refuse": True})
    said = command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory)
    clear(said, 4, "SM01: opening a shell could not connect: nothing listens on 127.", "remedy: ")


def test_wrong_password(command: Command, lab: Lab, tmp_path: Path) -> None:
    lab.servers.set_faults("SM01", {"wrong_password": True})
    said = command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory)
    clear(said, 4, "SM01: NTLM logon as", "was refused: the host did not accept the credential", "remedy: ")


def _https(lab: Lab, folder: Path) -> Path:
    return inventory(
        lab,
        folder,
        ansible_port=lab.endpoints.hosts["SM01"].https_port,
        ansible_winrm_scheme="https",
        ansible_winrm_ca_trust_path=str(lab.folder / "ca.pem"),
    )


def test_expired_certificate(command: Command, lab: Lab, tmp_path: Path) -> None:
    estate, book = _https(lab, tmp_path), runbook(tmp_path, [LOOK])
    assert command("run", book, "-i", estate).code == 0
    lab.servers.set_faults("SM01", {"expired_certificate": True})
    clear(command("run", book, "-i", estate), 4, "SM01: the host's identity was refused: its certificate has expired")


def test_unknown_host_key(command: Command, lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "known").write_text("")
    estate = inventory(lab, tmp_path, host="SQL02", runbook_known_hosts=str(tmp_path / "known"))
    said = command("run", runbook(tmp_path, [LOOK], hosts={"server": {"pattern": "SQL02"}}), "-i", estate)
    clear(said, 4, "SQL02: the host's identity was refused: the key of 127.", "SHA256:", "ssh-keyscan")


def test_a_secret_that_is_not_there_is_missed_before_anything_is_done(
    command: Command, lab: Lab, tmp_path: Path
) -> None:
    estate = inventory(lab, tmp_path, ansible_password="env:NO_SUCH_VARIABLE")
    said = command("run", runbook(tmp_path, [LOOK]), "-i", estate)
    clear(said, 2, "the environment has no variable NO_SUCH_VARIABLE remedy: set NO_SUCH_VARIABLE before the run")
    assert not (tmp_path / ".runbook").exists()


# --- the state folder ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [".runbook", ".runbook/runs", ".runbook/journal.sqlite.locks"])
def test_a_file_in_the_way(place: str, command: Command, lab: Lab, tmp_path: Path) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("in the way")
    clear(command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory), 1, Path(place).name, "remedy: ")
    assert (tmp_path / place).read_text() == "in the way"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("this user may not mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")
def test_a_read_only_state_folder(small_disk: Path, command: Command, lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [LOOK])
    assert command("run", book, "-i", lab.inventory, "--state", small_disk / "s").code in (0, 1)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    clear(command("run", book, "-i", lab.inventory, "--state", small_disk / "s"), 1, "cannot be written", "remedy: ")
    clear(command("run", book, "-i", lab.inventory, "--state", small_disk / "t"), 1, "cannot be made", "remedy: ")


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a file system")
def test_a_full_disk_ends_the_run_and_loses_nothing(
    small_disk: Path, command: Command, lab: Lab, tmp_path: Path
) -> None:
    state = small_disk / "state"
    book = runbook(tmp_path, [{**LOOK, "id": f"look_{one}"} for one in range(60)])
    clear(command("run", book, "-i", lab.inventory, "--state", state), 1, "the disk is full", "remedy: ")
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    runs = json.loads(command("runs", "--json", "--state", state).out)["runs"]
    if runs:
        said = command("resume", runs[0]["run_id"], "--state", state)
        assert said.code == 0, said.err


@pytest.mark.skipif(os.name != "posix", reason="limits of processes are a matter of POSIX")
@pytest.mark.parametrize("limit", [4096, 20_000, 60_000, 100_000])
def test_no_file_may_grow_further(limit: int, lab: Lab, tmp_path: Path) -> None:
    """Wherever writing ends, the sentence names the file, and the run goes on once there is room."""
    book = runbook(tmp_path, [{**LOOK, "id": f"look_{one}"} for one in range(12)])
    done = subprocess.run(
        ["sh", "-c", f'ulimit -f {limit // 512}; exec "$@"', "sh", *argv("run", book, "-i", lab.inventory)],
        cwd=tmp_path,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    clear(Said(code=done.returncode, out=done.stdout, err=done.stderr), 1, "error: ", ".runbook", "remedy: ")
    runs = json.loads(as_process(tmp_path, "runs", "--json").out)["runs"]
    if runs and runs[0]["status"] != "done":
        assert as_process(tmp_path, "resume", runs[0]["run_id"]).code == 0


# --- the journal ----------------------------------------------------------------------------------------


def _finished(command: Command, lab: Lab, folder: Path) -> tuple[str, Path]:
    assert command("run", runbook(folder, [LOOK]), "-i", lab.inventory).code == 0
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    return run_id, folder / ".runbook" / "journal.sqlite"


def test_an_altered_journal(command: Command, lab: Lab, tmp_path: Path) -> None:
    run_id, journal = _finished(command, lab, tmp_path)
    with sqlite3.connect(journal) as database:
        database.execute("UPDATE events SET event = replace(event, 'SM01', 'SM02') WHERE sequence = 2")
    database.close()
    for verb in ("report", "resume"):
        clear(command(verb, run_id), 1, f"run {run_id}: the journal is damaged at entry 2", "entries 1 to 1 are intact")


def test_a_journal_with_its_end_torn_off(command: Command, lab: Lab, tmp_path: Path) -> None:
    run_id, journal = _finished(command, lab, tmp_path)
    content = journal.read_bytes()
    journal.write_bytes(content[: len(content) // 2])
    for arguments in (("runs",), ("report", run_id), ("run", tmp_path / "probe.yaml", "-i", lab.inventory)):
        clear(command(*arguments), 1, "journal.sqlite", "is damaged or is no journal", "remedy: ")
    assert journal.read_bytes() == content[: len(content) // 2]
    export = (tmp_path / ".runbook" / "runs" / run_id / "events.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in export]


@pytest.mark.parametrize("lost", ["not there", "empty"])
def test_a_journal_that_was_lost(lost: str, command: Command, lab: Lab, tmp_path: Path) -> None:
    run_id, journal = _finished(command, lab, tmp_path)
    journal.unlink()
    if lost == "empty":
        journal.touch()
    for arguments in (("runs",), ("report", run_id), ("run", tmp_path / "probe.yaml", "-i", lab.inventory)):
        clear(command(*arguments), 1, f"journal.sqlite is {lost}, yet", "(1): which", "remedy: restore the journal")
    assert journal.exists() == (lost == "empty")
    told = command("report", "--from", tmp_path / ".runbook" / "runs" / run_id / "events.jsonl")
    assert told.code == 0
    assert run_id in told.out
    (tmp_path / ".runbook" / "runs").rename(tmp_path / "kept")
    assert command("run", tmp_path / "probe.yaml", "-i", lab.inventory).code == 0


def test_an_export_tells_the_run_without_its_journal(command: Command, lab: Lab, tmp_path: Path) -> None:
    run_id, _ = _finished(command, lab, tmp_path)
    export = tmp_path / ".runbook" / "runs" / run_id / "events.jsonl"
    copy = tmp_path / "brought" / "events.jsonl"
    copy.parent.mkdir()
    copy.write_bytes(export.read_bytes())
    assert command("report", "--from", copy).out == command("report", run_id).out
    assert command("report", "--from", copy, "--json").out == command("report", run_id, "--json").out
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-40])
    torn = command("report", "--from", copy)
    assert torn.code == 0
    assert "is torn off" in torn.err
    copy.write_bytes(whole.replace(b'"SM01"', b'"SM02"'))
    clear(command("report", "--from", copy), 1, "events.jsonl", "altered", "remedy: ")
    clear(command("report", "--from", copy, run_id), 2, "two runs", "remedy: ")
    clear(command("report", "--from", copy, "--format", "jsonl"), 2, "export already", "remedy: ")
    clear(command("report", "--from", tmp_path / "none.jsonl"), 2, "there is no file", "remedy: ")


# --- plans and locks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "code"), [("no", 2), ("", 2), ("[1]", 6), ("{}", 6), ('{"schema": "plan/v1"}', 6)])
def test_a_file_that_is_no_plan(text: str, code: int, command: Command, lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    said = command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory, "--plan", "plan.json")
    clear(said, code, "plan", "remedy: ")


def test_a_plan_that_no_longer_matches_is_refused_and_the_difference_named(
    command: Command, lab: Lab, tmp_path: Path
) -> None:
    book = runbook(tmp_path, [value(1)])
    assert command("plan", book, "-i", lab.inventory, "--out", "plan.json").code == 0
    assert command("run", book, "-i", lab.inventory, "--plan", "plan.json", "--check").code == 0
    runbook(tmp_path, [value(2)])
    said = command("run", book, "-i", lab.inventory, "--plan", "plan.json")
    clear(said, 6, "no longer matches its sources", "set_1", "set_2", "remedy: make a new plan")


def test_two_runs_on_one_host(command: Command, lab: Lab, tmp_path: Path) -> None:
    assert command("run", runbook(tmp_path, [LOOK, ASK]), "-i", lab.inventory).code == 9
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    said = command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory)
    clear(said, 10, f"SM01 is held by run {run_id} (probe), which waits for a person: owner anna on", "remedy: ")


def test_two_runs_at_once(lab: Lab, tmp_path: Path) -> None:
    lab.servers.set_faults("SM01", {"delay_s": 0.1})
    book = runbook(tmp_path, [{**LOOK, "id": f"look_{one}"} for one in range(40)])
    first = subprocess.Popen(
        argv("run", book, "-i", lab.inventory, "--json"),
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert first.stdout is not None
    run_id = json.loads(first.stdout.readline())["run_id"]
    clear(as_process(tmp_path, "run", book, "-i", lab.inventory), 10, f"run {run_id}", "is working on it", "owner anna")
    clear(as_process(tmp_path, "resume", run_id), 10, run_id, "held by a living process: owner anna")
    clear(as_process(tmp_path, "runs", "--give-up", run_id), 10, run_id, "held by a living process: owner anna")
    first.kill()
    first.stdout.read()
    first.stdout.close()
    first.wait()


def test_a_run_that_is_given_up_frees_its_hosts(command: Command, lab: Lab, tmp_path: Path) -> None:
    assert command("run", runbook(tmp_path, [LOOK, ASK]), "-i", lab.inventory).code == 9
    run_id = json.loads(command("runs", "--json").out)["runs"][0]["run_id"]
    said = command("runs", "--give-up", run_id, "--reason", "the ticket was closed")
    assert said.code == 0
    assert "given up by anna: the ticket was closed" in said.err
    assert command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory).code == 0
    kept = json.loads(command("report", run_id, "--json").out)
    assert kept["status"] == "interrupted"
    assert "the ticket was closed" in kept["summary"]
    clear(command("resume", run_id), 2, f"the run {run_id} is over: given up by anna", "remedy: ")
    clear(command("runs", "--give-up", run_id), 2, "is over")


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate", "x" * 5000),
        ("plan", "x" * 5000, "-i", "estate.yaml"),
        ("test", "x" * 5000),
        ("resume", "run", "--state", "x" * 5000),
        ("report", "\udcff\udcfe", "--state", "."),
        ("run", "readiness", "-i", "estate.yaml", "--plan", "deep.json"),
        ("plan", "readiness", "-i", "estate.yaml", "-e", '{"a":' * 9000),
        ("plan", "readiness", "-i", "estate.yaml", "-e", '{"a": ' + "1" * 5000 + "}"),
        ("plan", "readiness", "-i", "estate.yaml", "-e", "@bytes"),
        ("plan", "readiness", "-i", "estate.yaml", "-l", "@bytes"),
        ("runs", "--state", "deep.json"),
    ],
    ids=lambda one: " ".join(one)[:30].encode("ascii", "backslashreplace").decode(),
)
def test_odd_arguments_are_mistakes_and_no_bugs(arguments: tuple[str, ...], command: Command, tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "estate.yaml").write_text("all: {hosts: {SM01: {}}}\n")
    clear(command(*arguments), 2, "error: ", "remedy: ")


def test_a_folder_with_odd_entries_is_searched_for_scenarios(command: Command, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "lost.yaml").symlink_to("nowhere")
    (tmp_path / "here" / "folder.yaml").mkdir()
    clear(command("test", "here"), 2, "there is no scenario")


def test_an_output_that_lacks_a_letter(lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [LOOK | {"name": "L\u014d\u014dk"}])
    said = subprocess.run(
        argv("plan", book, "-i", lab.inventory),
        cwd=tmp_path,
        env={**environment(), "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, b"")
    assert b"L\\u014d\\u014dk" in said.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_is_full(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        said = subprocess.run(
            argv("actions"), stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False
        )
    assert said.returncode == 1
    assert b"error: the output cannot be written: No space left on device" in said.stderr
    assert b"Traceback" not in said.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell of POSIX")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_never_open(closed: str, lab: Lab, tmp_path: Path) -> None:
    import shlex

    line = shlex.join(str(one) for one in argv("run", runbook(tmp_path, [LOOK, ASK]), "-i", lab.inventory))
    said = subprocess.run(
        ["sh", "-c", f"{line} {closed}"], cwd=tmp_path, env=environment(), capture_output=True, timeout=60, check=False
    )
    assert said.returncode == 9, said
    assert b"Traceback" not in said.stderr


def test_what_the_engine_itself_wrote_is_taken_for_what_it_is(command: Command, lab: Lab, tmp_path: Path) -> None:
    """Its inventories and baselines are YAML in the form of JSON, with and without a comment before them."""
    said = command("validate", lab.inventory, lab.baseline)
    assert (said.code, said.out) == (0, "2 documents valid\n"), said.err
    on_one_line = tmp_path / "line.yaml"
    on_one_line.write_text(json.dumps(json.loads(lab.baseline.read_text())))
    assert command("validate", on_one_line).code == 0
    on_one_line.write_text(json.dumps({"schema": "baseline/v1", "hosts": {"SM01": 5}}))
    clear(command("validate", on_one_line), 3, "SM01")
