"""What a person told a live triage on the command line, checked as ``evidence.yaml`` is, and before all else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.app.clock import SystemClock
from engine.app.collect import Collected
from engine.evidence.documents import read_evidence_document
from engine.language.triage import parse_text
from engine.model.errors import UsageMistake
from engine.model.triage import UNKNOWN, Answers, Missing, Upgrade

ANSWERS = {
    "setup_running": "yes, no or unknown",
    "retry_button": "yes, no or unknown",
    "exit_code": "a whole number, as -16",
    "prerequisite_page": "the text of an item of the prerequisite page",
}
_OPTIONS = {"from": "--from", "to": "--to", "started_at": "--started-at"}
_FORMS = {
    "from": "a version of at least two numbers, as 7.5.1561.0",
    "to": "a version of at least two numbers, as 7.5.2905.0",
    "started_at": "a time with its offset from UTC, as 2013-02-02T19:02:00+01:00",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Facts of the upgrade, and what a person saw."""

    upgrade: Upgrade
    answers: Answers


def told(upgrade: Mapping[str, str], answers: Mapping[str, str]) -> Told:
    """Both, or ``UsageMistake`` with the option, what is wrong with it, and what it should look like."""
    for name in answers:
        if name not in ANSWERS:
            known = ", ".join(f"{one}={'N' if one == 'exit_code' else 'VALUE'}" for one in ANSWERS)
            raise UsageMistake(f"`--answer {name}=...` answers nothing", remedy=f"known answers: {known}")
    for name, value in upgrade.items():
        _checked({"upgrade": {name: value}}, f"`{_OPTIONS[name]} {value}`", _FORMS[name])
    for name, value in answers.items():
        _checked({"answers": {name: value}}, f"`--answer {name}={value}`", ANSWERS[name])
    problems: list[Missing] = []
    text = json.dumps({"upgrade": dict(upgrade), "answers": dict(answers)})
    document = read_evidence_document(text, "the command line", parse_text, problems.append)
    _plausible(document.upgrade)
    return Told(upgrade=document.upgrade, answers=replace(document.answers, file=None))


def _checked(document: Mapping[str, object], shown: str, form: str) -> None:
    problems: list[Missing] = []
    read_evidence_document(json.dumps(document), "the command line", parse_text, problems.append)
    if problems and problems[0].what.startswith("the offset of"):
        raise UsageMistake(f"{shown} has no offset from UTC, so it names no moment", remedy=f"write {form}")
    if problems:
        raise UsageMistake(f"{shown} cannot be understood: {problems[0].why}", remedy=f"write {form}")


def _plausible(upgrade: Upgrade) -> None:
    if upgrade.started_at is not None and upgrade.started_at > SystemClock().now():
        raise UsageMistake(
            "`--started-at` lies in the future: everything seen so far would count as older than the upgrade",
            remedy="write when setup was started, with the offset of that place from UTC",
        )
    if upgrade.from_version is not None and upgrade.from_version == upgrade.to_version:
        raise UsageMistake(
            "`--from` and `--to` name the same version", remedy="write the versions before and after the upgrade"
        )


def with_looks(answers: Answers, found: Sequence[Collected]) -> Answers:
    """Whether setup runs anywhere, where nobody said; unknown unless every server that may run setup told."""
    if answers.setup_running != UNKNOWN:
        return answers
    looks = [one.setup_running for one in found if one.role != "sql-server"]
    quiet = bool(looks) and None not in looks
    return replace(answers, setup_running="yes" if any(looks) else "no" if quiet else UNKNOWN)
