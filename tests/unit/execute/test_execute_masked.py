"""A masked event is still that event: only what was said is hidden, never a word by which the record is read again."""

import dataclasses
from typing import get_args

import pytest

from engine.execute.masked import SAID_FIELDS, masked
from engine.model import event as ev
from engine.model.result import EvidenceRef, Owed, Proof, ScriptError
from engine.model.secret import STARS
from engine.model.status import Status
from engine.secrets import Masker

ENDED = ev.StepRunEnded(
    at=1795436697.25,
    step="look",
    host="SM01",
    attempt=1,
    status=Status.CHANGED,
    why="it said hunter2",
    result={"hunter2": ["hunter2", {"deep": "a hunter2 b"}]},
    before="hunter2",
    after={"value": "hunter2"},
    undo="set hunter2",
    remedy="not hunter2",
    errors=(ScriptError(message="hunter2", category="hunter2", position="hunter2", types=("hunter2",)),),
    proofs=(
        Proof(kind="backup", subject="hunter2", observed_at=1795436697.0, step="look", host="SM01"),
        Proof(kind="access", subject="SM01", observed_at=1795436697.0, step="look", host="SM01"),
    ),
    evidence=(EvidenceRef(digest="abcd" * 16, caption="hunter2", size=1795),),
    pays=("hunter2",),
    duration_s=1795.0,
)
ASKED = ev.QuestionAsked(at=1795436697.0, step="ask", show="hunter2", question="hunter2?", answers={"yes": "hunter2"})
INTENDED = ev.ChangeIntended(
    at=1795436697.0,
    step="set",
    host="SM01",
    attempt=1,
    why="hunter2",
    before="hunter2",
    after="hunter2",
    commands=("put hunter2",),
    owes=(Owed(key="hunter2", what="drop hunter2", how="hunter2"),),
)
SAID = [
    ENDED,
    ASKED,
    INTENDED,
    ev.QuestionAnswered(at=1.0, step="ask", answer="yes", by="hunter2"),
    ev.ApprovalDenied(at=1.0, step="set", host="SM01", by="hunter2", reason="hunter2"),
    ev.DoubtSettled(at=1.0, step="set", host="SM01", status=Status.FAILED, by="hunter2", reason="hunter2"),
    ev.ProofsRefreshed(at=1.0, step="set", host="SM01", proofs=(), why="hunter2"),
    ev.RunFinished(at=1.0, status="failed", exit_code=1, summary="hunter2"),
    ev.RunParked(at=1.0, reason="hunter2", command="runbook resume"),
    ev.Progress(at=1.0, step="set", host="SM01", text="hunter2"),
]
NESTED = ("answers", "proofs", "evidence", "errors", "owes")
OWN = ["kind", "step", "status", "SM01", "look", "step_run_ended", "changed", "1795", "abcd"]


@pytest.mark.parametrize("event", SAID, ids=lambda one: one.kind)
def test_what_was_said_is_hidden(event: ev.RunEvent) -> None:
    shown = masked(event, Masker(["hunter2"]).value)
    assert "hunter2" not in str(shown)
    assert STARS in str(shown)
    assert dataclasses.replace(shown).kind == event.kind


@pytest.mark.parametrize("word", OWN)
def test_a_secret_that_is_a_word_of_the_engine_spoils_no_record(word: str) -> None:
    for event in SAID:
        shown, as_it_was = masked(event, Masker([word]).value), dict(ev.event_to_json(event))
        assert {
            **ev.event_to_json(shown),
            **{name: as_it_was[name] for name in NESTED if name in as_it_was},
        } == as_it_was
        assert len(getattr(shown, "proofs", ())) == len(getattr(event, "proofs", ()))


def test_every_field_of_an_event_is_either_said_or_the_engines_own() -> None:
    """A field that is new has to be thought about: as a rule it belongs to what is masked."""
    own = {
        *("at", "step", "host", "attempt", "status", "change", "examined", "changed", "duration_s", "may_retry"),
        *(
            "found",
            "run_id",
            "plan_digest",
            "runbook",
            "version",
            "engine_version",
            "check",
            "hosts",
            "epoch",
            "due_at",
        ),
        *(
            "gives_up_at",
            "effect",
            "disruptive",
            "expires_at",
            "in_flight",
            "command",
            "exit_code",
            "fraction",
            "answer",
        ),
    }
    kinds = get_args(ev.RunEvent)
    assert {one.name for kind in kinds for one in dataclasses.fields(kind)} == own | SAID_FIELDS | set(NESTED)
