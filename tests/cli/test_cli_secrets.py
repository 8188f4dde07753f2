"""Canaries: a secret that a parameter holds, and that a host says back, is in no output, file or argument list."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from command_line import LOOK, Command, Said, argv, as_process, environment, inventory, runbook

from engine.app.lab import Lab

CANARY = 'canary-Zo\u00df3-"quoted"-7f31'
PARAMS = {"word": {"description": "A secret of the tests", "type": "string", "secret": True}}
ECHO = {
    "id": "echo",
    "action": "posix.command",
    "hosts": "here",
    "with": {
        "script": 'printf "%s\\n" "$RB_WORD"; printf "%s\\n" "$RB_WORD" >&2',
        "arguments": {"word": "{{ params.word }}"},
        "effect": "observe",
    },
}
READ = {
    "id": "read",
    "action": "windows.registry_value",
    "hosts": "server",
    "with": {"key": r"HKLM\SOFTWARE\Canary", "name": "Word", "type": "string"},
}
SAID = {
    "id": "said",
    "action": "assert",
    "with": {"that": ["{{ steps.read.value == 'something else' }}"], "message": "It is {{ steps.read.value }}."},
    "on_failure": "continue",
}


HOSTS = {"server": {"pattern": "SM01"}, "here": {"pattern": "here"}}


def estate(lab: Lab, folder: Path) -> Path:
    """SM01, whose registry holds the canary as if somebody had left it there, and this machine."""
    lab.estate.machines["SM01"].registry.set(r"HKLM\SOFTWARE\Canary", "Word", CANARY)
    text = inventory(lab, folder).read_text(encoding="utf-8")
    document = json.loads(text)
    document["all"]["hosts"] = {"here": {"ansible_connection": "local", "runbook_platform": "posix"}}
    path = folder / "estate.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def forms(secret: str) -> list[bytes]:
    """The secret as text, in UTF-16, and as JSON writes it, whole and without its ends."""
    plain = [secret, secret[3:-3], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    return [one.encode(coding) for one in plain for coding in ("utf-8", "utf-16-le")]


def holds(content: bytes) -> bool:
    return any(form in content for form in forms(CANARY))


def leaks(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.rglob("*")) if path.is_file() and holds(path.read_bytes())]


def test_a_secret_parameter_leaves_no_trace(lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [LOOK, ECHO, READ, SAID], params=PARAMS, hosts=HOSTS)
    said = as_process(
        tmp_path, "run", book, "-i", estate(lab, tmp_path), "-e", "word=env:WORD", "-v", "--diff", WORD=CANARY
    )
    assert said.code == 1, said.err
    assert "********" in said.err
    run_id = json.loads(as_process(tmp_path, "runs", "--json").out)["runs"][0]["run_id"]
    told = [
        said,
        *(as_process(tmp_path, "report", run_id, "--format", one) for one in ("text", "json", "html", "jsonl")),
    ]
    assert not [one for one in told if holds((one.out + one.err).encode())]
    assert leaks(tmp_path / ".runbook") == []
    assert leaks(tmp_path) == []


def test_json_events_are_masked(lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [ECHO, READ, SAID], params=PARAMS, hosts=HOSTS)
    said = as_process(tmp_path, "run", book, "-i", estate(lab, tmp_path), "-e", "word=env:WORD", "--json", WORD=CANARY)
    assert not holds((said.out + said.err).encode())
    assert next(json.loads(line)["kind"] for line in said.out.splitlines()) == "run_started"


def test_a_resumed_run_opens_its_secrets_again(lab: Lab, tmp_path: Path) -> None:
    ask = {"id": "ask", "action": "operator.instruct", "with": {"show": "Wait."}}
    book = runbook(tmp_path, [LOOK, ask, ECHO, READ], params=PARAMS, hosts=HOSTS)
    assert as_process(tmp_path, "run", book, "-i", estate(lab, tmp_path), "-e", "word=env:WORD", WORD=CANARY).code == 9
    run_id = json.loads(as_process(tmp_path, "runs", "--json").out)["runs"][0]["run_id"]
    said = as_process(tmp_path, "answer", run_id, "ask=done")
    assert said.code == 2
    assert "the environment has no variable WORD" in said.err
    said = as_process(tmp_path, "answer", run_id, "ask=done", WORD=CANARY)
    assert said.code == 0, said.err
    assert not holds((said.out + said.err).encode())
    assert leaks(tmp_path) == []


def test_a_question_to_a_person_does_not_show_it(tmp_path: Path) -> None:
    """A host said the secret back, and the question, its answers and the ways to answer it showed that as it was."""
    asked = {
        "show": "It said {{ steps.echo.stdout }}",
        "question": "Is {{ steps.echo.stdout }} right?",
        "answers": {"yes": "go on with {{ steps.echo.stdout }}", "no": "stop"},
    }
    ask = {"id": "ask", "action": "operator.ask", "with": asked}
    book = runbook(tmp_path, [ECHO, ask], params=PARAMS, hosts={"here": HOSTS["here"]})
    place = tmp_path / "here.yaml"
    here = {"here": {"ansible_connection": "local", "runbook_platform": "posix"}}
    place.write_text(json.dumps({"all": {"hosts": here}}), encoding="utf-8")
    said = as_process(tmp_path, "run", book, "-i", place, "-e", "word=env:WORD", WORD=CANARY)
    assert said.code == 9, said.err
    assert "go on with ********" in said.err
    assert not holds((said.out + said.err).encode())
    run_id = json.loads(as_process(tmp_path, "runs", "--json").out)["runs"][0]["run_id"]
    said = as_process(tmp_path, "answer", run_id, "ask=yes", WORD=CANARY)
    assert said.code == 0, said.err
    assert leaks(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads the process list of Linux")
def test_no_process_shows_it(lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [LOOK, ECHO, READ], params=PARAMS, hosts=HOSTS)
    process = subprocess.Popen(
        argv("run", book, "-i", estate(lab, tmp_path), "-e", "word=env:WORD"),
        cwd=tmp_path,
        env=environment(WORD=CANARY),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seen = 0
    while process.poll() is None:
        for one in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                assert not holds(one.read_bytes()), one
                seen += 1
            except OSError:
                continue
    assert process.returncode == 0
    assert seen


def test_a_value_on_the_command_line_is_refused_without_being_shown(command: Command, lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [ECHO], params=PARAMS, hosts=HOSTS)
    said: Said = command("run", book, "-i", estate(lab, tmp_path), "-e", f"word={CANARY}")
    assert said.code == 2
    assert "takes a reference, not the value itself" in said.err
    assert not holds((said.out + said.err).encode())
    assert not (tmp_path / ".runbook").exists()


def test_a_refused_credential_is_not_shown(command: Command, lab: Lab, tmp_path: Path) -> None:
    os.environ["LAB_WORD"] = CANARY
    try:
        place = inventory(lab, tmp_path, ansible_password="env:LAB_WORD")
        said = command("run", runbook(tmp_path, [LOOK]), "-i", place)
        doctor = command("doctor", "-i", place, "-l", "SM01", "-v")
    finally:
        del os.environ["LAB_WORD"]
    assert (said.code, doctor.code) == (4, 4)
    assert not holds((said.out + said.err + doctor.out + doctor.err).encode())
    assert leaks(tmp_path) == []


@pytest.mark.parametrize("word", ["kind", "changed", "step", "here", "0000"])
def test_a_secret_that_is_a_common_word_spoils_no_record(tmp_path: Path, word: str) -> None:
    """A change was done on the host, and then its record could not be written: a status or a time held the secret."""
    if word.isdigit():  # four digits that stand in every time of this run
        word = str(int(time.time()))[:4]
    step = {**ECHO, "with": {**ECHO["with"], "script": 'echo "$RB_WORD"; echo done >> made', "effect": "reversible"}}
    ask = {"id": "ask", "action": "operator.instruct", "with": {"show": "Wait."}}
    book = runbook(tmp_path, [step, ask], params=PARAMS, hosts={"here": HOSTS["here"]})
    place = tmp_path / "here.yaml"
    here = {"here": {"ansible_connection": "local", "runbook_platform": "posix"}}
    place.write_text(json.dumps({"all": {"hosts": here}}), encoding="utf-8")
    said = as_process(tmp_path, "run", book, "-i", place, "-e", "word=env:WORD", WORD=word)
    assert said.code == 9, said.err
    run_id = json.loads(as_process(tmp_path, "runs", "--json").out)["runs"][0]["run_id"]
    said = as_process(tmp_path, "answer", run_id, "ask=done", WORD=word)
    assert said.code == 0, said.err
    report = json.loads(as_process(tmp_path, "report", run_id, "--format", "json").out)
    assert [one["status"] for one in report["step_runs"]] == ["changed", "ok"]


def test_what_a_host_says_to_a_live_triage_is_masked(fresh_lab: Lab, tmp_path: Path) -> None:
    """Installers write their own command line into their log, with the password of the account that the engine uses."""
    word = (fresh_lab.inventory.parent / "password").read_text(encoding="utf-8")
    machine = fresh_lab.estate.machines["SM01"]
    machine.registry.set(r"HKLM\SYSTEM\CurrentControlSet\Control", "ServicesPipeTimeout", word)
    folder = r"C:\Users\Administrator\AppData\Local\Temp"
    for name, coding in ("plain", "utf-8"), ("wide", "utf-16"), (word, "utf-8"):
        line = f"11:02:03 setup.exe /ServiceRunUnderAccount:LAB\\svc\\{word}\r\n"
        machine.files.write(rf"{folder}\SCSM{name}.log", line.encode(coding), modified=machine.clock.now())
    said = as_process(tmp_path, "triage", "-i", fresh_lab.inventory, "-l", "SM01", "--collect", "ev", "--json")
    files = [one for one in (tmp_path / "ev").rglob("*") if one.is_file()]
    assert len([one for one in files if one.suffix == ".log"]) >= 3, said.err
    shown = [said.out.encode(), said.err.encode(), *(str(one).encode() + one.read_bytes() for one in files)]
    assert not [one for one in shown if word.encode() in one or word.encode("utf-16-le") in one]
    assert any(b"svc\\********" in one for one in shown)


def test_what_a_host_says_to_doctor_is_masked(fresh_lab: Lab, tmp_path: Path) -> None:
    word = (fresh_lab.inventory.parent / "password").read_text(encoding="utf-8")
    fresh_lab.estate.machines["SM01"].os_caption = f"Windows, installed with {word}"
    for option in ("-v", "--json"):
        said = as_process(tmp_path, "doctor", "-i", fresh_lab.inventory, "-l", "SM01", option)
        assert "installed with ********" in said.out, said.out + said.err
        assert word not in said.out + said.err
