"""Less evidence never leads from one phase to another one, and what means nothing never changes an answer."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.app.triage import triage_spec
from engine.conduct.triage_findings import NOTHING_CHANGED, findings
from engine.conduct.triage_table import Table
from engine.model.triage import UNKNOWN, Answers, Counts, Evidence, EvidenceHost, Row, Sighting, Upgrade, Versions

SPEC = triage_spec()
TABLE = Table(SPEC)
OLD, NEW = "7.5.1561.0", "7.5.2905.0"
START = 1_359_828_120.0
ROWS = [row.id for row in SPEC.rows]
YES_NO = st.sampled_from(("yes", "no", UNKNOWN))
STATES = st.sampled_from((OLD, OLD, NEW, UNKNOWN))


def answer(evidence: Evidence) -> Row:
    """The row of the table, without weighing what is missing."""
    return TABLE.row(findings(evidence, SPEC).values)


def sighting(name: str, *, at: tuple[float, ...] = (), host: str | None = "SM01") -> Sighting:
    event = name in ("S26", "7009", "7038", "S23")
    return Sighting(signature=name, text=name, host=host, file=f"{name}.log", line=1, at=at, of_event=event)


SIGHTINGS = st.lists(
    st.builds(
        sighting,
        st.sampled_from(("S1", "S1-other", "S3", "S4", "S24", "S26", "S27", "7009", "before-permanent-changes")),
        at=st.sampled_from(((), (START - 7200,), (START + 60,))),
        host=st.sampled_from(("SM01", "DW01", None)),
    ),
    max_size=3,
    unique_by=lambda one: one.signature,
)


@st.composite
def estates(draw: st.DrawFn, *, before: bool = False) -> tuple[EvidenceHost, ...]:
    state = st.sampled_from((OLD, OLD, OLD, UNKNOWN)) if before else STATES
    return (
        EvidenceHost(name="SM01", role="management-server", versions=Versions(binaries=draw(state))),
        EvidenceHost(name="SQL01", role="sql-server", versions=Versions(databases={"ServiceManager": draw(state)})),
        EvidenceHost(
            name="DW01",
            role="data-warehouse-server",
            versions=Versions(binaries=draw(state), databases={"DWStagingAndConfig": draw(state)}),
        ),
    )


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    seen = tuple(draw(SIGHTINGS))
    return Evidence(
        hosts=draw(estates()),
        baseline=draw(st.none() | estates(before=True)),
        upgrade=Upgrade(started_at=draw(st.sampled_from((START, START, None)))),
        answers=Answers(
            setup_running=draw(st.sampled_from(("no", "no", "yes", UNKNOWN))),
            retry_button=draw(YES_NO),
            exit_code=draw(st.sampled_from((None, None, -14, -16, 226, 286, 250, 0))),
            prerequisite_page=draw(st.sampled_from(((), (), ("Full-text search: failed",)))),
        ),
        sightings=seen,
        counts=Counts(log_files=draw(st.integers(0, 1)), events=draw(st.integers(0, 1))),
    )


def without_versions(host: EvidenceHost) -> Iterator[EvidenceHost]:
    if host.versions.binaries != UNKNOWN:
        yield replace(host, versions=replace(host.versions, binaries=UNKNOWN))
    for name in host.versions.databases:
        yield replace(host, versions=replace(host.versions, databases={**host.versions.databases, name: UNKNOWN}))


def less(whole: Evidence) -> Iterator[tuple[str, Evidence]]:
    """The same evidence with one piece taken away, and what kind of piece it was."""
    answers = whole.answers
    for name, nothing in (("setup_running", UNKNOWN), ("retry_button", UNKNOWN), ("exit_code", None)):
        yield name, replace(whole, answers=replace(answers, **{name: nothing}))
    yield "prerequisite_page", replace(whole, answers=replace(answers, prerequisite_page=()))
    yield "started_at", replace(whole, upgrade=Upgrade())
    yield "versions", replace(whole, baseline=None)
    for index, one in enumerate(whole.sightings):
        counts = replace(whole.counts, log_files=max(0, whole.counts.log_files - 1), events=0)
        yield one.signature, replace(whole, sightings=whole.sightings[:index] + whole.sightings[index + 1 :])
        yield (
            one.signature,
            replace(whole, sightings=whole.sightings[:index] + whole.sightings[index + 1 :], counts=counts),
        )
    for index, host in enumerate(whole.hosts):
        for fewer in without_versions(host):
            yield "versions", replace(whole, hosts=(*whole.hosts[:index], fewer, *whole.hosts[index + 1 :]))
        yield "versions", replace(whole, hosts=whole.hosts[:index] + whole.hosts[index + 1 :])
    for index, host in enumerate(whole.baseline or ()):
        base = whole.baseline or ()
        for fewer in without_versions(host):
            yield "versions", replace(whole, baseline=(*base[:index], fewer, *base[index + 1 :]))
        yield "versions", replace(whole, baseline=base[:index] + base[index + 1 :])


def fits(kind: str, first: tuple[str, str], then: tuple[str, str]) -> bool:
    """Whether the second answer (row, verdict) may stand where one piece of the evidence for the first is gone."""
    if then[1] in ("undetermined", first[1]) or kind == "setup_running":
        return True
    if kind == "versions" and then[0] == "D3":
        # The dossier's row D3 asks for no version: that prerequisites failed is known without any.
        return True
    # Of the phases in which nothing was changed the table names the first that shows; a later row remains without it.
    # Without the start of the upgrade, what older lines of a log show counts again; without the message that decides
    # a phase, the exit code does.
    both = first[1] in NOTHING_CHANGED and then[1] in NOTHING_CHANGED
    return both and (kind in ("started_at", "before-permanent-changes") or ROWS.index(then[0]) > ROWS.index(first[0]))


@settings(max_examples=400, deadline=None)
@given(evidences())
def test_less_evidence_never_leads_to_another_phase(whole: Evidence) -> None:
    first = answer(whole)
    if first.verdict == "undetermined":
        return
    for kind, fewer in less(whole):
        then = answer(fewer)
        assert fits(kind, (first.id, first.verdict), (then.id, then.verdict)), (kind, first.id, then.id)


@settings(max_examples=200, deadline=None)
@given(evidences(), st.sampled_from(("S1", "S1-other", "S7", "S8", "S9", "S23", "7009")))
def test_what_means_nothing_never_changes_an_answer(whole: Evidence, name: str) -> None:
    first = answer(whole)
    old = replace(sighting(name, host="SM01"), superseded="the service was started again")
    noted = (old,) if name in ("S1", "7009") else (old, sighting(name, host="PORTAL01"))
    more = replace(
        whole,
        sightings=(*whole.sightings, *noted),
        hosts=(*whole.hosts, EvidenceHost(name="PORTAL01"), EvidenceHost(name="SQL09", role="sql-server")),
        counts=replace(whole.counts, log_files=whole.counts.log_files + 3, events=whole.counts.events + 500),
    )
    then = answer(more)
    assert then == first


@settings(max_examples=300, deadline=None)
@given(evidences())
def test_nothing_is_called_unchanged_that_was_seen_to_be_changed(whole: Evidence) -> None:
    """No phase in which nothing was changed is named where a version is known to differ from the baseline."""
    verdict = answer(whole).verdict
    before = {host.name: host.versions for host in whole.baseline or ()}
    changed = any(
        (host.versions.binaries == NEW and before[host.name].binaries == OLD)
        or any(
            now == NEW and before[host.name].databases.get(name) == OLD for name, now in host.versions.databases.items()
        )
        for host in whole.hosts
        if host.name in before
    )
    assert not (changed and verdict in NOTHING_CHANGED)
