"""The rules. Each is sound: what it says is so, though it may not see every case."""

from collections import Counter
from collections.abc import Iterator

from engine.lint.subject import Finding, Subject
from engine.lint.verbs import writing_words
from engine.model.status import Effect
from engine.planning.effects import FREE_FORM

LONGEST_WAIT_S = 6 * 3600.0
MOST_ATTEMPTS = 20
LONGEST_RETRY_S = 2 * 3600.0


def reboot_without_approval(subject: Subject) -> Iterator[Finding]:
    """Everybody on the machine notices a reboot; a person should have said yes."""
    for step in subject.spec.steps:
        approved = any(one.kind == "approval" for one in step.requires)
        if step.action == "windows.reboot" and not approved:
            yield Finding(
                message=f"step {step.id} reboots without an approval",
                origin=step.origin,
                fix="add requires: [approval(operator)]",
            )


def permanent_without_consent(subject: Subject) -> Iterator[Finding]:
    """What cannot be undone needs a person who said so: an approval, a proof of consent, or the doing."""
    for step in subject.spec.steps:
        planned = subject.planned(step)
        requires = planned.requires if planned is not None else step.requires
        agreed = any(one.kind in ("approval", "consent") for one in requires) or step.action.startswith("operator.")
        if subject.effect(step) is Effect.PERMANENT and not agreed:
            yield Finding(
                message=f"step {step.id} is permanent and nobody is asked",
                origin=step.origin,
                fix="add requires: [approval(operator)]",
            )


def change_without_why(subject: Subject) -> Iterator[Finding]:
    """The reason of a change is shown at its approval and kept in the report."""
    for step in subject.spec.steps:
        if subject.changes(step) and not step.why:
            yield Finding(
                message=f"step {step.id} changes something and does not say why",
                origin=step.origin,
                fix="add why: with the reason, in a sentence for whoever approves it",
            )


def observing_script_that_writes(subject: Subject) -> Iterator[Finding]:
    """A script called observe runs in check mode too, so it must not hold a command that writes."""
    for step in subject.spec.steps:
        if step.action not in FREE_FORM or subject.effect(step) is not Effect.OBSERVE:
            continue
        for name in ("script", "argv", "text"):
            words = writing_words(step.action, step.args.get(name))
            if words:
                yield Finding(
                    message=f"step {step.id} is called observe, but its script has {', '.join(words)}",
                    origin=step.arg_origins.get(name, step.origin),
                    fix="declare effect: reversible or permanent, or take the command out",
                )


def wait_without_time(subject: Subject) -> Iterator[Finding]:
    """A wait that a person cannot sit through is no wait; one shorter than its pause looks once."""
    for step in subject.spec.steps:
        if step.wait is None:
            continue
        if step.wait.timeout_s > LONGEST_WAIT_S:
            yield Finding(
                message=f"step {step.id} may wait {step.wait.timeout_s / 3600:g} h without an end",
                origin=step.wait.until.origin,
                fix="give wait a timeout of at most 6h, and ask the operator after it",
            )
        elif step.wait.timeout_s < step.wait.every_s:
            yield Finding(
                message=f"step {step.id} gives up waiting before its second look",
                origin=step.wait.until.origin,
                fix="make wait.timeout longer than wait.every",
            )


def step_without_time(subject: Subject) -> Iterator[Finding]:
    """A step that has no time is over before its first command is sent."""
    for step in subject.spec.steps:
        if step.timeout_s == 0:
            yield Finding(
                message=f"step {step.id} has a timeout of 0 s, so it can only fail",
                origin=step.at("timeout"),
                fix="give it time, or take timeout out: the action has its own",
            )


def retry_without_bound(subject: Subject) -> Iterator[Finding]:
    """Retries that last for hours hide a failure that a person should see."""
    for step in subject.spec.steps:
        retry = step.retry
        if retry is None:
            continue
        pauses = min(retry.delay_s * max(retry.backoff, 1.0) ** 10, retry.max_delay_s) * (retry.attempts - 1)
        if retry.attempts > MOST_ATTEMPTS or pauses > LONGEST_RETRY_S:
            yield Finding(
                message=f"step {step.id} tries {retry.attempts} times, pausing up to {pauses / 60:.0f} min in all",
                origin=step.origin,
                fix=f"at most {MOST_ATTEMPTS} attempts and 2h; to wait for a state use wait",
            )


def same_name_twice(subject: Subject) -> Iterator[Finding]:
    """Two steps of one name cannot be told apart on the screen."""
    counted = Counter(step.name for step in subject.spec.steps)
    for name, times in counted.items():
        if times > 1:
            last = [step for step in subject.spec.steps if step.name == name][-1]
            yield Finding(
                message=f'{times} steps are named "{name}"',
                origin=last.origin,
                fix="say in each name what is different",
            )


def no_sources(subject: Subject) -> Iterator[Finding]:
    """Whoever reviews a runbook wants to read what it is founded on."""
    if not subject.spec.sources:
        yield Finding(
            message=f"the runbook {subject.spec.name} names no sources",
            origin=subject.spec.origin,
            fix="add sources: with the documents it follows",
        )


def change_that_goes_on(subject: Subject) -> Iterator[Finding]:
    """After a permanent change that failed nobody knows the state; the next step must not just follow."""
    for step in subject.spec.steps:
        if subject.effect(step) is Effect.PERMANENT and step.on_failure == "continue":
            yield Finding(
                message=f"step {step.id} is permanent and the run goes on when it fails",
                origin=step.origin,
                fix="take on_failure: continue out, or lead to a step that looks",
            )
