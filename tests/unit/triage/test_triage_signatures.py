"""Every signature of the shipped triage: seen in what setup and Windows really write, and not in what is near it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.app.triage import triage_spec
from engine.evidence.reader import read_evidence
from engine.evidence.writer import HostEvidence, write_evidence
from engine.language.triage import parse_text
from engine.model.triage import EvidenceHost

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "triage" / "signatures.yaml").read_text(encoding="utf-8"))
SPEC = triage_spec()


def records(case: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    at = {"time": "2013-03-02T08:01:30Z", "level": "Error", "strings": []}
    return {
        log: [{**at, "record": number, **one} for number, one in enumerate(found, 1)]
        for log, found in case.get("events", {}).items()
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("case", CASES, ids=lambda one: one["case"])
def test_a_signature_is_seen_where_it_is_and_nowhere_else(case: dict[str, Any], encoding: str, tmp_path: Path) -> None:
    host = HostEvidence(
        host=EvidenceHost(name="SM01", role="management-server"),
        logs={"SCSMInstall.log": case["log"].replace("\n", "\r\n").encode(encoding)} if "log" in case else {},
        events=records(case),
        registry=case.get("registry", {}),
    )
    write_evidence(tmp_path / "e", (host,))
    evidence = read_evidence([tmp_path / "e"], SPEC.signatures, parse_text)
    assert {one.signature for one in evidence.sightings} == set(case["found"])


def test_all_signatures_are_there_and_each_is_tried_or_looked_at_elsewhere() -> None:
    known = {one.id: one for one in SPEC.signatures}
    numbered = {f"S{number}" for number in range(1, 28)}
    assert numbered <= set(known)
    tried = {name for case in CASES for name in case["found"]}
    for name, one in known.items():
        visible = bool(one.logs or one.events or one.registry)
        assert visible is not bool(one.elsewhere), name
        assert visible is (name in tried), name


def test_what_is_looked_at_elsewhere_is_told_by_a_runbook_that_ships() -> None:
    shipped = {path.stem for path in (Path(__file__).parents[3] / "runbooks" / "service-manager").glob("*.yaml")}
    for one in SPEC.signatures:
        for name in re.findall(r"\b[a-z]+(?:-[a-z]+)+\b", one.elsewhere or ""):
            assert name in shipped, (one.id, name)


def test_every_exit_code_of_setup_belongs_to_one_group() -> None:
    codes = [code for group in SPEC.exit_codes for code in group.codes]
    assert len(codes) == len(set(codes))
    assert set(codes) == {-16, -15, -14, -1, 0, 3010, *range(200, 291)}
