"""``--json`` has the shape that was agreed, whatever was brought."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engine.app.triage import triage_evidence, triage_spec
from engine.reporting.triage_text import triage_json

SPEC = triage_spec()
TEXT = {"type": ["string", "null"]}
SIGHTING = {
    "type": "object",
    "required": ["signature", "host", "file", "line", "text"],
    "additionalProperties": False,
    "properties": {
        "signature": {"type": "string", "minLength": 1},
        "host": TEXT,
        "file": TEXT,
        "line": {"type": ["integer", "null"], "minimum": 1},
        "text": {"type": "string", "minLength": 1},
    },
}
ROWS = [f"D{number}" for number in range(12)]
PHASES = [
    "prerequisite-check", "predicted-checks", "before-permanent-changes", "after-permanent-changes-management-server",
    "after-permanent-changes-database", "configuration-service-timeout",
]  # fmt: skip
SHAPE: dict[str, Any] = {
    "type": "object",
    "required": [
        "verdict", "suspected", "row", "runbook", "supporting", "contradicting", "missing", "no_longer_possible",
    ],
    "properties": {
        "verdict": {"enum": ["setup-running", "undetermined", *PHASES]},
        "suspected": {"enum": [None, "setup-running", *PHASES]},
        "row": {"enum": ROWS},
        "runbook": {"type": ["string", "null"], "pattern": "^runbooks/service-manager/[a-z-]+[.]yaml$"},
        "supporting": {"type": "array", "items": SIGHTING},
        "contradicting": {"type": "array", "items": SIGHTING},
        "noted": {"type": "array", "items": SIGHTING},
        "missing": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["what", "host", "file", "line", "why", "text"],
                "properties": {
                    "what": {"type": "string", "minLength": 1}, "why": {"type": "string", "minLength": 1},
                    "text": {"type": "string", "minLength": 1}, "host": TEXT, "file": TEXT,
                    "line": {"type": ["integer", "null"], "minimum": 1},
                },
            },
        },
        "no_longer_possible": {"type": "array", "items": {"enum": ["retry", "undo"]}},
    },
}  # fmt: skip
S1 = "CAStartServices: Attempting to start service. OMCFG\n"
S1 += "CAStartServices: StartService failed. Error Code: 0x8007041D.\n"
BASELINE = "hosts: {SM01: {versions: {binaries: 7.5.1561.0, databases: {ServiceManager: 7.5.1561.0}}}}\n"
BROUGHT: dict[str, dict[str, str]] = {
    "nothing": {"readme.txt": "x\n"},
    "a log": {"hosts/SM01/logs/SCSMInstall.log": S1},
    "malformed documents": {"evidence.yaml": "answers: [\n", "baseline.yaml": "- x\n", "hosts/SM01/host.yaml": "'"},
    "a database that changed": {
        "evidence.yaml": "answers: {retry_button: 'no', setup_running: 'no'}\n",
        "baseline.yaml": BASELINE,
        "hosts/SM01/host.yaml": "versions: {binaries: 7.5.1561.0, databases: {ServiceManager: 7.5.2905.0}}\n",
        "hosts/SM01/logs/SCSMInstall.log": S1,
    },
    "setup that runs": {"evidence.yaml": "answers: {setup_running: 'yes', exit_code: 247}\n"},
    "broken files": {"hosts/SM01/events/a.evtx": "x", "hosts/SM01/registry/a.reg": "x", "a.zip": "PK\x03\x04"},
}


@pytest.mark.parametrize("name", BROUGHT)
def test_the_answer_has_its_shape(name: str, tmp_path: Path) -> None:
    for file, content in BROUGHT[name].items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(content)
    answer = json.loads(json.dumps(triage_json(triage_evidence([tmp_path], SPEC))))
    problems = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SHAPE).iter_errors(answer)]
    assert problems == []
    assert (answer["suspected"] is None) or answer["verdict"] == "undetermined"


def test_the_table_has_the_rows_and_verdicts_that_were_agreed() -> None:
    assert list(dict.fromkeys(row.id for row in SPEC.rows)) == ROWS
    assert {row.verdict for row in SPEC.rows} == {"setup-running", "undetermined", *PHASES}
    assert set(SPEC.phases) == {"setup-running", "undetermined", *PHASES}
