"""A sign counts where and when it means something: of this upgrade, in the right log, on the right kind of host."""

from pathlib import Path

import pytest

from engine.app.triage import triage_evidence, triage_spec
from engine.model.triage import TriageResult

SPEC = triage_spec()
OLD = "7.5.1561.0"
KNOWN = f"role: management-server\nversions: {{binaries: {OLD}, databases: {{ServiceManager: {OLD}}}}}\n"
STARTED = "upgrade: {started_at: '2013-02-02T19:02:00+01:00'}\n"
ANSWERS = "answers: {setup_running: 'no', retry_button: 'yes'}\n"
AGENT = (
    "Windows Registry Editor Version 5.00\r\n\r\n"
    "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Microsoft Operations Manager\\3.0\\Agent Management Groups\\X]\r\n"
)


def event(number: int, *, log: str = "Operations Manager", day: str = "2013-02-02", text: str = "x") -> str:
    return (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
        f"<Provider Name='Some Provider'/><EventID>{number}</EventID><TimeCreated SystemTime='{day}T18:05:12.0Z'/>"
        f"<Channel>{log}</Channel><Computer>SM01</Computer></System><EventData><Data>{text}</Data></EventData></Event>"
    )


def judged(place: Path, files: dict[str, str], evidence: str = STARTED + ANSWERS) -> TriageResult:
    indented = KNOWN.replace("\n", "\n    ").rstrip()
    every = {
        "evidence.yaml": evidence,
        "baseline.yaml": f"hosts:\n  SM01:\n    {indented}\n",
        "hosts/SM01/host.yaml": KNOWN,
        "hosts/SM01/logs/SCSMInstall.log": "x\n",
        **files,
    }
    for name, content in every.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    return triage_evidence([place], SPEC)


def test_an_event_of_another_log_is_not_the_one_of_operations_manager(tmp_path: Path) -> None:
    assert judged(tmp_path / "a", {"hosts/SM01/events/o.xml": event(29112)}).row == "D4"
    assert judged(tmp_path / "b", {"hosts/SM01/events/a.xml": event(29112, log="Application")}).row == "D5"


def test_the_agent_of_a_sql_server_says_nothing_of_the_prerequisites(tmp_path: Path) -> None:
    assert judged(tmp_path / "a", {"hosts/SM01/registry/a.reg": AGENT}).row == "D3"
    result = judged(tmp_path / "b", {"hosts/SQL1/registry/a.reg": AGENT, "hosts/SQL1/host.yaml": "role: sql-server\n"})
    assert result.row == "D5"
    assert [one.superseded for one in result.noted if one.signature == "S24"] == [
        "it lies on a SQL Server, where setup does not run"
    ]


def test_an_event_of_which_nobody_knows_whether_it_is_of_this_upgrade_decides_nothing(tmp_path: Path) -> None:
    old = {"hosts/SM01/events/o.xml": event(29112, day="2010-01-01")}
    result = judged(tmp_path / "a", old, ANSWERS.replace("yes", "unknown"))
    assert (result.row, result.suspected) == ("D11", "predicted-checks")
    assert [one.weight for one in result.missing if one.what == "upgrade.started_at"] == ["alone"]
    assert judged(tmp_path / "b", old).row == "D5"
    again = {"hosts/SM01/events/o.xml": event(29112)}
    assert judged(tmp_path / "c", again, STARTED + ANSWERS.replace("yes", "unknown")).row == "D4"


def test_an_event_from_long_before_the_collection_is_old(tmp_path: Path) -> None:
    collected = "collected_at: 2013-02-02T20:00:00+01:00\n" + ANSWERS
    result = judged(tmp_path, {"hosts/SM01/events/o.xml": event(29112, day="2013-01-02")}, collected)
    assert [one.superseded for one in result.noted] == ["it is more than a week older than the collection"]


@pytest.mark.parametrize("separator", [",", ";"])
def test_an_export_of_chosen_columns_is_understood_without_the_source(separator: str, tmp_path: Path) -> None:
    said = "A timeout was reached (30000 milliseconds) while waiting for the "
    said += "System Center Management Configuration service to connect."
    rows = [
        ["TimeCreated", "Id", "Message"],
        ["2/2/2013 7:05:12 PM", "7009", said],
        ["2/2/2013 7:05:12 PM", "7009", "x"],
    ]
    content = "".join(separator.join(f'"{one}"' for one in row) + "\r\n" for row in rows)
    result = judged(tmp_path, {"hosts/SM01/events/s.csv": content})
    assert [one.line for one in (*result.contradicting, *result.noted) if one.signature == "7009"] == [2]


def test_an_event_without_a_time_decides_nothing(tmp_path: Path) -> None:
    content = '"Id","ProviderName","LogName","Message"\r\n"29112","OpsMgr","Operations Manager","x"\r\n'
    result = judged(tmp_path, {"hosts/SM01/events/o.csv": content}, STARTED + ANSWERS.replace("yes", "unknown"))
    assert (result.row, result.suspected) == ("D11", "predicted-checks")


FAILED = (
    "CAStartServices: Attempting to start service. OMCFG\n"
    "CAStartServices: StartService failed. Error Code: 0x8007041D.\n"
)
ROLLED_BACK = "This upgrade attempt has failed before permanent modifications were made.\n"


def framed(day: str, content: str) -> str:
    return f"=== Logging started: {day}  20:05:00 ===\n{content}=== Logging stopped: {day}  20:25:00 ===\n"


def test_what_an_older_attempt_left_in_the_same_log_does_not_count(tmp_path: Path) -> None:
    both = framed("1/15/2013", FAILED) + framed("2/2/2013", ROLLED_BACK)
    result = judged(tmp_path / "a", {"hosts/SM01/logs/SCSMInstall.log": both})
    assert result.row == "D5"
    assert [one.superseded for one in result.noted if one.signature == "S1"] == [
        "it is older than the start of the upgrade"
    ]
    turned = framed("1/15/2013", ROLLED_BACK) + framed("2/2/2013", FAILED)
    assert judged(tmp_path / "b", {"hosts/SM01/logs/SCSMInstall.log": turned}).row == "D1"


def test_a_line_behind_the_last_time_of_a_log_counts(tmp_path: Path) -> None:
    open_end = framed("1/15/2013", "x\n") + FAILED
    assert judged(tmp_path, {"hosts/SM01/logs/SCSMInstall.log": open_end}).row == "D1"


def begun(day: str, content: str) -> str:
    """A run of setup whose end is not told, as where it was ended from outside."""
    return f"=== Logging started: {day}  20:05:00 ===\n{content}"


def test_what_a_run_left_that_began_a_day_before_the_upgrade_does_not_count(tmp_path: Path) -> None:
    result = judged(tmp_path / "a", {"hosts/SM01/logs/SCSMInstall.log": begun("1/15/2013", FAILED)}, STARTED)
    assert (result.row, result.suspected) == ("D11", None)
    began = "the run of setup that wrote it began more than a day before the upgrade"
    assert [one.superseded for one in result.noted if one.signature == "S1"] == [began]
    gap = next(one for one in result.missing if one.what == "a setup log of this upgrade")
    assert (gap.host, gap.file, gap.line, gap.weight) == ("SM01", "hosts/SM01/logs/SCSMInstall.log", 3, "alone")
    both = begun("1/15/2013", FAILED) + begun("2/2/2013", ROLLED_BACK)
    assert judged(tmp_path / "b", {"hosts/SM01/logs/SCSMInstall.log": both}).row == "D5"
    # It ended during this upgrade, or it began on the same day: nobody can tell, and it counts.
    lasted = begun("1/15/2013", FAILED) + "=== Logging stopped: 2/2/2013  20:25:00 ===\n"
    assert judged(tmp_path / "c", {"hosts/SM01/logs/SCSMInstall.log": lasted}).row == "D1"
    assert judged(tmp_path / "d", {"hosts/SM01/logs/SCSMInstall.log": begun("2/2/2013", FAILED)}).row == "D1"
    # Without the start of the upgrade nothing is old, and the start is asked for.
    result = judged(tmp_path / "e", {"hosts/SM01/logs/SCSMInstall.log": begun("1/15/2013", FAILED)}, ANSWERS)
    assert result.row == "D1"
    assert [one.weight for one in result.missing if one.what == "upgrade.started_at"] == ["alone"]


def test_an_upgrade_that_starts_after_its_evidence_was_collected_is_told(tmp_path: Path) -> None:
    turned = "collected_at: 2012-02-02T20:00:00+01:00\n" + STARTED + ANSWERS
    result = judged(tmp_path, {}, turned)
    told = [one for one in result.missing if "neither of the two counts" in one.why]
    assert [(one.what, one.file, one.line) for one in told] == [("started_at", "evidence.yaml", 2)]
    assert "upgrade.started_at" in {one.what for one in result.missing}
