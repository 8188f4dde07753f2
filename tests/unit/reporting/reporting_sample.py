"""A realistic plan and the events of its run: a retry, a wait, a question, an approval, a reboot, a skipped step."""

from engine.model import event as ev
from engine.model.expression import Expression
from engine.model.origin import Origin
from engine.model.plan import ENGINE_HOST, BoundParam, Exits, Plan, PlannedStep
from engine.model.result import EvidenceRef, Proof, ScriptError
from engine.model.runbook import Requirement, RetrySpec, WaitSpec
from engine.model.status import Effect, Rerun, Status

AT = 1_795_000_000.0
ORIGIN = Origin("runbooks/service-manager/configuration-service-timeout.yaml", 40, 5)
ALL = ("retry", "undo", "restore")
DIGEST = "3f9a77c1" + "0" * 56


def step(index: int, step_id: str, name: str, hosts: tuple[str, ...], effect: Effect, **more: object) -> PlannedStep:
    values: dict[str, object] = {
        "index": index,
        "id": step_id,
        "name": name,
        "action": "windows.service",
        "effect": effect,
        "rerun": Rerun.SAFE,
        "hosts": hosts,
        "origin": ORIGIN,
        "timeout_s": 60.0,
        "exits": Exits(before=ALL, after=ALL),
        **more,
    }
    return PlannedStep(**values)  # type: ignore[arg-type]


BASELINE = Requirement(kind="baseline-unchanged", subject="estate", origin=ORIGIN)
APPROVAL = Requirement(kind="approval", subject="operator", origin=ORIGIN)
STEPS = (
    step(0, "account", "OMCFG can log on", ("SM01",), Effect.OBSERVE),
    step(
        1,
        "untouched",
        "Versions are those of the baseline",
        ("SM01", "SQL01"),
        Effect.OBSERVE,
        yields=("baseline-unchanged",),
        retry=RetrySpec(attempts=3),
    ),
    step(
        2,
        "config_file",
        "Switch publisher evidence off for the configuration service",
        ("SM01",),
        Effect.REVERSIBLE,
        action="windows.xml_element",
        requires=(BASELINE,),
        when=Expression("steps.config_exists.found", ORIGIN),
    ),
    step(
        3, "retry_first", "Retry the upgrade", (ENGINE_HOST,), Effect.OBSERVE, action="operator.ask", runs_on="operator"
    ),
    step(
        4,
        "start_timeout",
        "Raise the start time-out of services",
        ("SM01",),
        Effect.REVERSIBLE,
        action="windows.registry_value",
        requires=(BASELINE, APPROVAL),
        when=Expression('steps.retry_first.answer == "timed_out"', ORIGIN),
    ),
    step(
        5,
        "reboot",
        "Restart the server",
        ("SM01",),
        Effect.REVERSIBLE,
        action="windows.reboot",
        disruptive=True,
        requires=(APPROVAL,),
        why="The Service Control Manager reads the value at boot",
    ),
    step(
        6,
        "starts",
        "The service starts",
        ("SM01",),
        Effect.OBSERVE,
        wait=WaitSpec(until=Expression("result.state == 'running'", ORIGIN)),
    ),
    step(
        7,
        "another",
        "Back to triage",
        (ENGINE_HOST,),
        Effect.OBSERVE,
        action="runbook",
        when=Expression('steps.retry_first.answer == "failed"', ORIGIN),
    ),
)


def plan(steps: tuple[PlannedStep, ...] = STEPS, point_of_no_return: int | None = None) -> Plan:
    return Plan(
        runbook="configuration-service-timeout",
        version="1.2.0",
        title="Cure the configuration service's start-up time-out",
        file=ORIGIN.file,
        engine_version="0.1.0",
        runbook_digest="ab" * 32,
        inventory_file="inventory/lab.yaml",
        inventory_digest="cd" * 32,
        params=(
            BoundParam(name="start_timeout_ms", value=200000, source="default"),
            BoundParam(name="password", value=None, source="env:PW", secret=True),
        ),
        steps=steps,
        digest=DIGEST,
        hosts=("SM01", "SQL01"),
        point_of_no_return=point_of_no_return,
    )


def begun(at: float, step_id: str, host: str = "SM01", attempt: int = 1) -> ev.StepRunStarted:
    return ev.StepRunStarted(at=AT + at, step=step_id, host=host, attempt=attempt)


def ended(at: float, step_id: str, status: Status, why: str, host: str = "SM01", **more: object) -> ev.StepRunEnded:
    values: dict[str, object] = {"attempt": 1, **more}
    return ev.StepRunEnded(at=AT + at, step=step_id, host=host, status=status, why=why, **values)  # type: ignore[arg-type]


def proof(at: float, host: str) -> Proof:
    return Proof(
        kind="baseline-unchanged", subject=host, observed_at=AT + at, step="untouched", host=host, evidence="ef" * 32
    )


STARTED = ev.RunStarted(
    at=AT,
    run_id="2026-11-22-a41c",
    plan_digest=DIGEST,
    runbook="configuration-service-timeout",
    version="1.2.0",
    title="Cure the configuration service's start-up time-out",
    operator="CONTOSO\\anna",
    jump_host="jump01",
    engine_version="0.1.0",
    check=False,
    hosts=("SM01", "SQL01"),
)


def asked(at: float, step_id: str, name: str, *, disruptive: bool = False) -> ev.ApprovalAsked:
    return ev.ApprovalAsked(
        at=AT + at,
        step=step_id,
        host="SM01",
        name=name,
        why="the new time-out takes effect at the next boot",
        effect="reversible",
        disruptive=disruptive,
        exits_before=ALL,
        exits_after=ALL,
        proofs=(proof(3, "SM01"),),
        plan_digest=DIGEST,
    )


def events() -> list[ev.RunEvent]:
    log = EvidenceRef(digest="ef" * 32, caption="versions of SM01", size=5120)
    lost = "SQL01: run lost its connection: connection reset"
    return [
        STARTED,
        begun(0.1, "account"),
        ended(0.5, "account", Status.OK, "OMCFG stopped, CONTOSO\\svc-sm", examined=1, duration_s=0.4),
        begun(0.6, "untouched"),
        begun(0.6, "untouched", "SQL01"),
        ended(
            3.0,
            "untouched",
            Status.OK,
            "6 versions as in the baseline",
            examined=6,
            duration_s=2.4,
            proofs=(proof(3, "SM01"),),
            evidence=(log,),
        ),
        ended(3.5, "untouched", Status.UNREACHABLE, lost, "SQL01", duration_s=2.9),
        ev.RetryScheduled(at=AT + 3.5, step="untouched", host="SQL01", attempt=1, due_at=AT + 8.5, why=lost),
        begun(8.5, "untouched", "SQL01", 2),
        ended(
            9.4,
            "untouched",
            Status.OK,
            "6 databases examined",
            "SQL01",
            attempt=2,
            examined=6,
            duration_s=0.9,
            proofs=(proof(9.4, "SQL01"),),
        ),
        begun(9.5, "config_file"),
        ev.ChangeIntended(
            at=AT + 9.8,
            step="config_file",
            host="SM01",
            attempt=1,
            why="the element is missing",
            before="absent",
            after='enabled="false"',
            commands=("windows_xml_element.ensure.ps1",),
        ),
        ended(
            10.9,
            "config_file",
            Status.CHANGED,
            "the element is missing",
            changed=True,
            before="absent",
            after='enabled="false"',
            undo="windows_file.restore.ps1",
            duration_s=1.4,
        ),
        ev.QuestionAsked(
            at=AT + 11,
            step="retry_first",
            show="In the setup wizard choose Retry.",
            question="How did the upgrade end?",
            answers={"succeeded": "It completed", "timed_out": "OMCFG timed out again"},
        ),
        ev.QuestionAnswered(at=AT + 190, step="retry_first", answer="timed_out", by="CONTOSO\\anna"),
        ended(190, "retry_first", Status.OK, "answered timed_out", ENGINE_HOST),
        begun(190.1, "start_timeout"),
        ev.ChangeDecided(
            at=AT + 190.4,
            step="start_timeout",
            host="SM01",
            attempt=1,
            why="not set",
            before="absent",
            after="200000 ms",
            change="ab" * 32,
        ),
        asked(190.5, "start_timeout", "Raise the start time-out of services"),
        ev.ApprovalGiven(
            at=AT + 214, step="start_timeout", host="SM01", by="CONTOSO\\anna", plan_digest=DIGEST, expires_at=AT + 3800
        ),
        begun(214.1, "start_timeout"),
        ev.ChangeIntended(
            at=AT + 214.3,
            step="start_timeout",
            host="SM01",
            attempt=1,
            why="not set",
            before="absent",
            after="200000 ms",
            commands=("windows_registry_value.write.ps1",),
        ),
        ended(
            214.6,
            "start_timeout",
            Status.CHANGED,
            "not set",
            changed=True,
            before="absent",
            after="200000 ms",
            undo="windows_registry_value.write.ps1",
            duration_s=0.5,
        ),
        begun(214.7, "reboot"),
        ev.ChangeDecided(
            at=AT + 215,
            step="reboot",
            host="SM01",
            attempt=1,
            why="not booted since",
            before="boot 17:40",
            after="a later boot",
            change="cd" * 32,
        ),
        asked(215.1, "reboot", "Restart the server", disruptive=True),
        ev.ApprovalGiven(
            at=AT + 230, step="reboot", host="SM01", by="CONTOSO\\anna", plan_digest=DIGEST, expires_at=AT + 3800
        ),
        begun(230.1, "reboot"),
        ev.ChangeIntended(
            at=AT + 230.4,
            step="reboot",
            host="SM01",
            attempt=1,
            why="not booted since",
            before="boot 17:40",
            after="a later boot",
            commands=("windows_reboot.start.ps1",),
        ),
        ev.Progress(at=AT + 260, step="reboot", host="SM01", text="boot id unchanged"),
        ended(
            330,
            "reboot",
            Status.CHANGED,
            "booted",
            changed=True,
            before="boot 17:40",
            after="boot 18:07",
            duration_s=99.9,
        ),
        begun(330.1, "starts"),
        ended(330.9, "starts", Status.OK, "OMCFG start pending", duration_s=0.8),
        ev.WaitScheduled(
            at=AT + 331,
            step="starts",
            host="SM01",
            attempt=1,
            due_at=AT + 336,
            gives_up_at=AT + 630,
            why="not yet: result.state == 'running'",
        ),
        begun(336, "starts", attempt=2),
        ended(336.8, "starts", Status.OK, "OMCFG start pending", duration_s=0.8, attempt=2),
        ev.WaitScheduled(
            at=AT + 337,
            step="starts",
            host="SM01",
            attempt=2,
            due_at=AT + 342,
            gives_up_at=AT + 630,
            why="not yet: result.state == 'running'",
        ),
        begun(342, "starts", attempt=3),
        ended(342.8, "starts", Status.OK, "OMCFG running", duration_s=0.8, attempt=3),
        ended(
            343, "another", Status.SKIPPED, 'not wanted: steps.retry_first.answer == "failed"', ENGINE_HOST, attempt=0
        ),
        ev.RunFinished(
            at=AT + 343.2,
            status="done",
            exit_code=0,
            summary="configuration-service-timeout: 3 changed, 5 ok, 1 skipped",
        ),
    ]


HOSTILE = (
    "<script>alert(1)</script> \x1b[31mred\x1b[0m \x1b]0;title\x07 \u202egnp.exe \x07\x9b2J & \"quoted\" 'n' \ud800"
)


def hostile_events() -> list[ev.RunEvent]:
    error = ScriptError(message=f"inner {HOSTILE}")
    return [
        STARTED,
        begun(1, "account"),
        ended(
            2,
            "account",
            Status.FAILED,
            f"bad {HOSTILE}",
            remedy=HOSTILE,
            errors=(error,),
            duration_s=1.0,
            changed=True,
            before=HOSTILE,
            after={"k": HOSTILE},
            evidence=(EvidenceRef(digest="ef" * 32, caption=HOSTILE, size=1),),
        ),
        ev.ApprovalDenied(at=AT + 3, step="reboot", host="SM01", by=HOSTILE, reason=HOSTILE),
        ev.RunParked(at=AT + 4, reason=HOSTILE, command="runbook answer"),
    ]
