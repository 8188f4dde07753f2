"""What can be said of a runbook without an inventory, and of its fit with one without a plan."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from engine.language.expression import place_in
from engine.language.nearest import did_you_mean
from engine.model.diagnostic import Diagnostic, Severity
from engine.model.expression import Template
from engine.model.inventory import Inventory
from engine.model.plan import ENGINE_HOST
from engine.model.runbook import CONTINUE, FINDING, ON_FAILURE, RunbookSpec, StepSpec, leads_to
from engine.model.status import Effect
from engine.planning.arguments import argument_findings
from engine.planning.effects import effect_findings, nature
from engine.planning.findings import error, listed, warning
from engine.planning.proofs import APPROVAL, ESTATE, unproven
from engine.planning.reading import is_lone_name, params_read, readings
from engine.planning.references import reference_findings
from engine.planning.scope import Readable, namespaces, result_of
from engine.planning.subjects import proven_by_answer
from engine.planning.targets import limited, whole_targets
from engine.planning.waypoints import of_spec, required
from engine.ports.action import ActionInfo, RunsOn
from engine.ports.edges import Catalogue

Found = tuple[Diagnostic, ...]
Infos = Mapping[str, ActionInfo]
RUNBOOK = "runbook"


def check_runbook(spec: RunbookSpec, catalogue: Catalogue) -> Found:
    """Everything wrong with a runbook, in the order of its steps; warnings last."""
    infos = _infos(spec, catalogue)
    by_answer = {proof[0] for step in spec.steps if (proof := proven_by_answer(step.args))}
    observed = {kind for info in infos.values() for kind in info.yields}
    of_names = {kind for info in infos.values() if info.about is not None for kind in info.yields}
    kinds = observed | by_answer
    found: list[Diagnostic] = list(_duplicates(spec.steps))
    known = [step for step in spec.steps if step.action in infos]
    found.extend(_unknown_action(step, catalogue.actions) for step in spec.steps if step.action not in infos)
    for index, step in enumerate(spec.steps):
        found.extend(_hosts(spec, step, infos.get(step.action)))
        found.extend(_on_failure(spec.steps, index))
        found.extend(_places(spec, step, of_names))
        found.extend(_approver(step))
        found.extend(_secrets(spec, step))
        if step.action in infos:
            found.extend(_step(step, infos[step.action], kinds, observed))
    found.extend(_references(spec, infos))
    if len(known) == len(spec.steps):
        points = [of_spec(step, infos[step.action]) for step in spec.steps]
        unknown = {one.origin for one in found if one.code in ("R458", "R465")}
        found.extend(one for one in unproven(points) if one.origin not in unknown)
    return (*found, *(one for one in _unused(spec) if not any(_misreads(each) for each in found)))


def _infos(spec: RunbookSpec, catalogue: Catalogue) -> Infos:
    """Of the actions that the runbook names; of all where it speaks of proofs, as any may yield the kind. Each that is
    left out is one import less.
    """
    used = {step.action for step in spec.steps} & set(catalogue.actions)
    infos = {name: catalogue.actions[name].info for name in used}
    of_proofs = any(one.consumes for one in infos.values()) or any(
        step.requires or proven_by_answer(step.args) for step in spec.steps
    )
    return {name: one.info for name, one in catalogue.actions.items()} if of_proofs else infos


def check_inventory_fit(spec: RunbookSpec, inventory: Inventory) -> Found:
    """Whether the runbook's target sets have the hosts they ask for."""
    whole, found = whole_targets(spec, inventory)
    if found:
        return found
    return limited(spec, inventory, whole, None, frozenset(spec.targets))[1]


def _step(step: StepSpec, info: ActionInfo, kinds: set[str], observed: set[str]) -> Iterator[Diagnostic]:
    yield from argument_findings(step, info, step.args)
    yield from effect_findings(step, info)
    yield from _always(step, info)
    yield from _nested_name(step)
    yield from _budget(step, info)
    yield from _word(step, observed)
    yield from _approved_word(step, info)
    for one in required(step, info):
        if one.kind != APPROVAL and one.kind not in kinds:
            hint = did_you_mean(one.kind, {*kinds, APPROVAL})
            yield error("R458", f'no action yields a proof "{one.kind}", which step {step.id} needs', one.origin, hint)


def _always(step: StepSpec, info: ActionInfo) -> Iterator[Diagnostic]:
    """Nothing guards the way to such a step, so it must not need guarding."""
    if not step.always:
        return
    if nature(step, info).effect is Effect.PERMANENT:
        hint = "take always out, or let the step do only what can be undone"
        yield error("P514", f"step {step.id} always runs, but it is permanent", step.at("always"), hint)
    elif required(step, info):
        hint = "take always or requires out: after a failure nobody has passed the gates"
        yield error("P514", f"step {step.id} always runs, but it requires proofs", step.at("always"), hint)


def _nested_name(step: StepSpec) -> Iterator[Diagnostic]:
    """A plan covers what it runs, so it must be known which runbook that is."""
    if step.action == RUNBOOK and isinstance(step.args.get("name"), Template):
        hint = "one step for each runbook, each with its condition"
        where = step.arg_origins.get("name", step.origin)
        yield error("R466", f"step {step.id}: the name of the runbook that it runs must be written out", where, hint)


def _approved_word(step: StepSpec, info: ActionInfo) -> Iterator[Diagnostic]:
    """Who does it has agreed to it."""
    if info.runs_on is RunsOn.OPERATOR and any(one.kind == APPROVAL for one in step.requires):
        hint = "take the approval out: doing it, or answering, is the person's word"
        where = next(one.origin for one in step.requires if one.kind == APPROVAL)
        yield error("R464", f"step {step.id} asks a person, and cannot ask for an approval besides", where, hint)


def _word(step: StepSpec, observed: set[str]) -> Iterator[Diagnostic]:
    """A person can consent; what can be looked at must be looked at."""
    by_answer = proven_by_answer(step.args)
    if by_answer is None:
        return
    if by_answer[0] in (*observed, APPROVAL):
        message = f'step {step.id}: a person\'s answer cannot prove "{by_answer[0]}"'
        where = step.arg_origins.get("proves", step.origin)
        yield error("R463", message, where, "let the action that observes it prove it")
    answers = step.args.get("answers")
    if isinstance(answers, Mapping) and step.args.get("proven_by") not in answers:
        hint = f"one of: {listed(tuple(answers))}"
        message = f'step {step.id}: proven_by: there is no answer "{step.args.get("proven_by")}"'
        yield error("R462", message, step.arg_origins.get("proven_by", step.origin), hint)


def _approver(step: StepSpec) -> Iterator[Diagnostic]:
    """Whoever runs the engine is asked; another name would look like a promise that nobody keeps."""
    for one in step.requires:
        if one.kind == APPROVAL and (one.subject != RunsOn.OPERATOR or one.host is not None):
            message = f"step {step.id}: {one} is asked of nobody: an approval is the operator's"
            yield error("R468", message, one.origin, "write approval(operator)")


def _secrets(spec: RunbookSpec, step: StepSpec) -> Iterator[Diagnostic]:
    """A secret is handed on whole, to an argument; any other use of it would fail in the middle of the run."""
    names = {one.name for one in spec.params.values() if one.secret}
    for one in dict.fromkeys(readings(step)):
        read = sorted({path[1] for path in one.names if path[0] == "params" and path[1:2] and path[1] in names})
        if read and not (isinstance(one, Template) and is_lone_name(one)):
            message = f"step {step.id} uses the secret {listed(read)} for more than handing it on"
            hint = f'only an argument can take it, whole: "{{{{ params.{read[0]} }}}}"'
            at = place_in(one.origin, one.text, max(one.text.find(f"params.{read[0]}"), 0))
            yield error("R469", message, at, hint)


def _places(spec: RunbookSpec, step: StepSpec, of_names: set[str]) -> Iterator[Diagnostic]:
    """``kind(NAME@HOSTS)``: only a name is somewhere, and where it is has to be one of the runbook's hosts."""
    for one in step.requires:
        if one.host is None:
            continue
        if one.host not in spec.targets:
            hint = did_you_mean(one.host, spec.targets) or f"one of: {listed(spec.targets)}"
            yield error("R465", f'the proof {one}: "{one.host}" is not in the runbook\'s hosts', one.origin, hint)
        elif one.kind not in of_names or one.subject == ESTATE:
            hint = f"write {one.kind}({one.subject}), or {one.kind}({one.host})"
            yield error("R465", f"the proof {one} is not about a name on a host", one.origin, hint)


def _duplicates(steps: Sequence[StepSpec]) -> Iterator[Diagnostic]:
    first: dict[str, StepSpec] = {}
    for step in steps:
        if step.id in first:
            where = f"line {first[step.id].origin.line}"
            yield error("R453", f'the id "{step.id}" is taken by another step', step.origin, f"it stands in {where}")
        first.setdefault(step.id, step)


def _unknown_action(step: StepSpec, actions: Iterable[str]) -> Diagnostic:
    hint = did_you_mean(step.action, actions) or "runbook actions lists them"
    return error("R450", f'step {step.id}: there is no action "{step.action}"', step.at("action"), hint)


def _hosts(spec: RunbookSpec, step: StepSpec, info: ActionInfo | None) -> Iterator[Diagnostic]:
    for name in step.hosts:
        if name not in spec.targets:
            hint = did_you_mean(name, spec.targets) or "add it to the runbook's hosts"
            where = step.at(f"hosts.{name}", "hosts")
            yield error("R454", f'step {step.id}: "{name}" is not in the runbook\'s hosts', where, hint)
    if info is None:
        return
    if info.runs_on is RunsOn.HOST and not step.hosts:
        names = f"one of: {listed(spec.targets)}" if spec.targets else "add hosts to the runbook and name one"
        yield error("R455", f"step {step.id}: {info.name} needs hosts", step.at("action"), names)
    if info.runs_on is not RunsOn.HOST and step.hosts:
        yield error(
            "R456",
            f"step {step.id}: {info.name} runs on no host, it is for the {info.runs_on}",
            step.at("hosts"),
            "take hosts out",
        )


def _budget(step: StepSpec, info: ActionInfo) -> Iterator[Diagnostic]:
    """What a failure means is said in one way."""
    where = step.at("on_failure")
    if step.on_failure == FINDING and nature(step, info).effect is not Effect.OBSERVE:
        hint = "take on_failure: finding out: a change that failed is a failure"
        yield error("R467", f"step {step.id} changes something, and only a look has findings", where, hint)
    if step.on_failure == FINDING and step.max_failures:
        hint = "take max_failures out: what a look finds is no failure, on no host"
        yield error("R467", f"step {step.id} has findings, and counts failures too", step.at("max_failures"), hint)
    if step.on_failure == CONTINUE and step.max_failures and step.serial is None:
        hint = "take max_failures out, or on_failure: continue"
        message = f"step {step.id} goes on after every failure, so max_failures: {step.max_failures} says nothing"
        yield error("R467", message, step.at("max_failures"), hint)


def _on_failure(steps: Sequence[StepSpec], index: int) -> Iterator[Diagnostic]:
    step = steps[index]
    if leads_to(step.on_failure) is None:
        return
    later = [one.id for one in steps[index + 1 :]]
    if step.on_failure in later:
        return
    if step.on_failure in (one.id for one in steps):
        message, hint = f"step {step.on_failure} does not come later", "a failure can only lead forward"
        yield error("R457", f"step {step.id}: on_failure: {message}", step.at("on_failure"), hint)
        return
    hint = did_you_mean(step.on_failure, (*ON_FAILURE, *later)) or f"{listed(ON_FAILURE)}, or the id of a later step"
    yield error(
        "R457", f'step {step.id}: on_failure: there is no step "{step.on_failure}"', step.at("on_failure"), hint
    )


def _references(spec: RunbookSpec, infos: Infos) -> Iterator[Diagnostic]:
    earlier: list[Readable] = []
    for index, step in enumerate(spec.steps):
        info = infos.get(step.action)
        result = {} if info is None else result_of(step.args, info)
        subjects = step.hosts or (ENGINE_HOST,)
        scope = namespaces(spec.params, earlier, subjects, result)
        yield from reference_findings(step, scope, spec.steps[index:])
        earlier.append(Readable(id=step.id, result=result, subjects=subjects, facts=bool(info and info.facts)))


def _misreads(one: Diagnostic) -> bool:
    """True of a name that may be the very one that seems to be unused."""
    return one.severity is Severity.ERROR and one.code[0] in "ER"


def _unused(spec: RunbookSpec) -> Iterator[Diagnostic]:
    read = params_read(spec.steps)
    for param in spec.params.values():
        if param.name not in read:
            yield warning("R460", f'nothing reads the parameter "{param.name}"', param.origin, "take it out")
    named = {name for step in spec.steps for name in step.hosts}
    for target in spec.targets.values():
        if target.name not in named:
            yield warning("R461", f'no step runs on "{target.name}"', target.origin, "take it out")
