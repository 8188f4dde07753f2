"""All rules, in one tuple, and what runs them. To add one: a function in ``rules``, a line here, a page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.lint import rules
from engine.lint.subject import Finding, Subject
from engine.model.diagnostic import Diagnostic, Severity, sort_key
from engine.model.plan import Plan
from engine.model.runbook import RunbookSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A code, how much it weighs, and the function that finds it."""

    code: str
    severity: Severity
    find: Callable[[Subject], Iterator[Finding]]


RULES: tuple[Rule, ...] = (
    Rule(code="L601", severity=Severity.WARNING, find=rules.reboot_without_approval),
    Rule(code="L602", severity=Severity.WARNING, find=rules.permanent_without_consent),
    Rule(code="L603", severity=Severity.WARNING, find=rules.change_without_why),
    Rule(code="L604", severity=Severity.WARNING, find=rules.observing_script_that_writes),
    Rule(code="L605", severity=Severity.WARNING, find=rules.wait_without_time),
    Rule(code="L607", severity=Severity.WARNING, find=rules.retry_without_bound),
    Rule(code="L608", severity=Severity.WARNING, find=rules.same_name_twice),
    Rule(code="L609", severity=Severity.INFO, find=rules.no_sources),
    Rule(code="L610", severity=Severity.WARNING, find=rules.change_that_goes_on),
    Rule(code="L611", severity=Severity.WARNING, find=rules.step_without_time),
)


def lint(spec: RunbookSpec, plan: Plan | None) -> tuple[Diagnostic, ...]:
    """Every finding in the order of the file. With a plan effects are exact; without one they are what is written."""
    subject = Subject(spec=spec, plan=plan)
    found = [
        Diagnostic(
            code=rule.code, severity=rule.severity, message=one.message, origin=one.origin, hint=one.fix
        )
        for rule in RULES
        for one in rule.find(subject)
    ]  # fmt: skip
    return tuple(sorted(found, key=sort_key))
