"""What a screen tells a person to type does what it says: every option that matters is repeated, and quoted."""

import json
import shlex
import shutil
from pathlib import Path

from command_line import LOOK, Command, runbook

from engine.app.lab import Lab
from engine.app.triage_live import LiveRequest, triage_command

ASK = {
    "id": "ask",
    "action": "operator.ask",
    "with": {"question": "Which?", "answers": {"left": "Left", "right": "Right"}},
}


def typed(text: str, start: str) -> list[str]:
    """The words of the command that the text shows after ``start``."""
    (line,) = [one for one in text.splitlines() if one.strip().startswith(start)]
    return shlex.split(line.strip().removeprefix(start))


def test_plan_shows_the_command_that_runs_this_plan(command: Command, lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [LOOK | {"tags": ["first", "second"]}])
    folder = tmp_path / "my plans"
    folder.mkdir()
    baseline = folder / "it's a baseline.yaml"
    baseline.write_text(json.dumps(lab.estate.baseline_document()))
    given = ["-i", str(lab.inventory), "-l", "SM01", "-t", "first, second", "--baseline", str(baseline)]
    made = command("plan", book, *given, "--out", folder / "plan.json")
    words = typed(made.out, "Next")
    assert words == ["runbook", "run", str(book), *given, "--plan", str(folder / "plan.json")]
    assert command(*words[1:]).code == 0


def test_plan_repeats_the_inputs(command: Command, lab: Lab, tmp_path: Path) -> None:
    book = runbook(tmp_path, [LOOK])
    text = book.read_text()
    document = json.loads(text) | {"params": {"why": {"type": "string", "description": "Why."}}}
    book.write_text(json.dumps(document))
    given = ["-i", str(lab.inventory), "-e", 'why=it\'s $HOME, "quoted"', "--start-at", "look"]
    words = typed(command("plan", book, *given).out, "Next")
    assert words == ["runbook", "run", str(book), *given]


def test_a_state_folder_is_named_wherever_a_run_is(command: Command, lab: Lab, tmp_path: Path) -> None:
    state = tmp_path / "our state"
    book = runbook(tmp_path, [LOOK, ASK])
    parked = command("run", book, "-i", lab.inventory, "--state", state)
    assert parked.code == 9
    where = f"--state '{state}'"
    assert where in parked.err
    assert where in command("runs", "--state", state).out
    held = command("run", book, "-i", lab.inventory, "--state", state)
    assert held.code == 10
    assert held.err.count(where) == 2
    run = json.loads(command("runs", "--state", state, "--json").out)["runs"][0]["run_id"]
    assert command("answer", run, "ask=left", "--state", state).code == 0
    over = command("resume", run, "--state", state)
    assert over.code == 2
    assert f"runbook report {run} {where}" in over.err


def test_a_triage_names_the_run_with_what_it_was_given(command: Command, lab: Lab, tmp_path: Path) -> None:
    baseline = tmp_path / "base line.yaml"
    baseline.write_text(json.dumps(lab.estate.baseline_document()))
    request = LiveRequest(
        inventory=str(lab.inventory),
        folder=tmp_path,
        baseline=str(baseline),
        answers={"retry_button": "no"},
        state=tmp_path / "our state",
    )
    line = triage_command(request)
    assert f"--baseline '{baseline}'" in line
    told = command(*shlex.split(line)[1:])
    assert told.code == 0
    (following,) = json.loads(command(*shlex.split(line)[1:], "--json").out)["next"][-1:]
    words = shlex.split(following)
    assert words[:2] == ["runbook", "run"]
    assert words[3:] == ["-i", str(lab.inventory), "--baseline", str(baseline), "--state", str(request.state)]


def test_a_triage_of_brought_evidence_names_the_run_with_what_was_brought(command: Command, tmp_path: Path) -> None:
    versions = "{role: sql-server, versions: {databases: {ServiceManager: %s}}}"
    files = {
        "evidence.yaml": "upgrade: {started_at: '2013-02-02T19:02:00+01:00'}\n"
        "answers: {setup_running: 'no', retry_button: 'no'}\n",
        "baseline.yaml": f"hosts: {{SQL01: {versions % '7.5.1561.0'}}}\n",
        "hosts/SQL01/host.yaml": versions % "7.5.2905.0",
    }
    for name, text in files.items():
        (tmp_path / "from them" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from them" / name).write_text(text)

    def following(*brought: str) -> list[str]:
        options = [word for one in brought for word in ("--evidence", one)]
        return shlex.split(json.loads(command("triage", *options, "--json").out)["next"][-1])

    recovery = ["runbook", "run", "runbooks/service-manager/database-recovery.yaml", "-i", "INVENTORY"]
    started = ["-e", "upgrade_started_at=2013-02-02T19:02:00+01:00"]
    baseline = ["--baseline", "from them/baseline.yaml"]
    assert following("from them") == [*recovery, *started, *baseline]
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "SCSMInstall.log").write_text("x\n")
    assert following("more", "from them") == [*recovery, *started, *baseline]
    # What lies in a zip cannot be given to a run.
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "from them")
    assert following("packed.zip") == [*recovery, *started]


def test_the_report_names_the_baseline_and_who_signed_it(command: Command, lab: Lab, tmp_path: Path) -> None:
    from engine.app.baseline import write

    state = tmp_path / ".runbook"
    state.mkdir()
    document = {**lab.estate.baseline_document(), "recorded_at": "2013-02-02T18:04:00Z", "recorded_by": "anna"}
    signed = write(document, tmp_path, state)
    key = json.loads(signed.read_text())["signature"]["fingerprint"]
    assert command("run", runbook(tmp_path, [LOOK]), "-i", lab.inventory, "--baseline", signed).code == 0
    for form in ("text", "html"):
        told = command("report", "--format", form).out
        assert str(signed) in told
        assert "recorded 2013-02-02T18:04:00Z by anna" in told
        assert key[:16] in told
    assert json.loads(command("report", "--json").out)["baseline"]["signed_by"] == key
