"""However a permanent step is reached, nothing is done on a server whose own names were not proven on that server."""

from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from planning_estate import INVENTORY, runbook
from rehearsal import ACTIONS, Person, World, WorldAction, rehearse

from engine.model.status import Effect, Rerun, Status
from engine.planning.planner import make_plan
from engine.ports.edges import Catalogue

VERIFY = WorldAction("verify", Effect.OBSERVE, Rerun.SAFE, yields=("whole",))
VERIFY.info = replace(VERIFY.info, about="names", within="instance")
BURN = WorldAction("burn", Effect.PERMANENT)
BURN.info = replace(BURN.info, about="names", within="instance", consumes=("whole(about)",))
ACTIONS.update({"verify": VERIFY, "burn": BURN})
CATALOGUE = Catalogue({name: ACTIONS[name] for name in ("look", "verify", "burn")})  # type: ignore[arg-type]

HOSTS = ("app", "db", "[app, db]", "[app, db]")
NAMES = ("[x]", "[y]", "[x, y]", "[x, y]")
ON_FAILURE = (
    "",
    "",
    "",
    "",
    "",
    "",
    "on_failure: continue, ",
    "on_failure: finding, ",
    "max_failures: 1, ",
    "on_failure: end, ",
)
REQUIRES = ("", "", "", "", "requires: [whole(x)], ", "requires: [whole(about@app)], ", "requires: [whole(estate)], ")


@st.composite
def written(draw: st.DrawFn) -> str:
    lines = []
    for index in range(1, draw(st.integers(2, 4)) + 1):
        action = "verify" if index == 1 else draw(st.sampled_from(("verify", "burn")))
        more = draw(st.sampled_from(ON_FAILURE if action == "verify" else REQUIRES))
        when = draw(st.sampled_from(("", "", "", "", "", "", "when: params.yes, ", "when: params.no, ")))
        tags = draw(st.sampled_from(("", "tags: [t], ", "tags: [t], ")))
        instance = draw(st.sampled_from(("", "", "", "", "", "", ", instance: I")))
        lines.append(
            f"{{id: s{index}, name: S, action: {action}, hosts: {draw(st.sampled_from(HOSTS))}, {more}{when}{tags}"
            f"with: {{step: s{index}, names: {draw(st.sampled_from(NAMES))}{instance}}}}}"
        )
    lines.append("{id: end, name: E, action: look, hosts: db, tags: [t], with: {step: end}}")
    return "\n".join(lines)


faults = st.dictionaries(
    st.tuples(st.sampled_from(("s1", "s2", "s3")), st.sampled_from(("A1", "A2", "D1"))),
    st.lists(st.sampled_from(("refuse", "lost at look", "error", "lost before")), min_size=1, max_size=2),
    max_size=2,
)
FLAG = "{description: d, type: boolean, default: %s}"
YES_NO = f"params: {{yes: {FLAG % 'true'}, no: {FLAG % 'false'}}}\n"
choices = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.just(("t",)),
        "start_at": st.sampled_from(("s1", "s2", "end")),
        "limit": st.sampled_from(("A1,D1", "D1", "A1,A2,D1")),
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written(), faults, choices)
def test_a_name_is_proven_where_it_is_overwritten(
    text: str, troubles: dict[tuple[str, str], list[str]], choice: dict[str, object]
) -> None:
    spec = runbook(text, YES_NO)
    plan, _ = make_plan(spec, INVENTORY, CATALOGUE, params={}, engine_version="1", **choice)  # type: ignore[arg-type]
    if plan is None:
        event("refused")
        return
    run = rehearse(plan, world=World(faults={key: list(value) for key, value in troubles.items()}), person=Person())
    for burn in (one for one in plan.steps if one.action == "burn"):
        for host in burn.hosts:
            if not run.world.applied[burn.id, host]:
                continue
            event("overwritten")
            proven = {
                name
                for step in plan.steps[: burn.index]
                if step.action == "verify" and host in step.hosts and run.state.of(step.id, host).status is Status.OK
                for name in step.names_on(host) or ()
            }
            assert set(burn.names_on(host) or ()) <= proven
