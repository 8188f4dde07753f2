"""What rehearsals came to: a table for people, and JUnit's XML for those who collect it. From plain data only."""

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

WIDE = 44


def scenario_table(results: Sequence[Any], coverage: Sequence[Any], *, verbose: bool = False) -> str:
    """One line a scenario, its missed expectations under it, then what of the runbooks was reached.

    ``results`` and ``coverage`` are the mappings that ``runbook test --json`` prints.
    """
    lines = []
    for one in results:
        word = "passed" if not one["missed"] else "MISSED"
        lines.append(f"{word}  {one['name']:<{WIDE}} exit {one['exit_code']}  {one['title']}")
        lines += [f"        {sentence}" for sentence in one["missed"]]
        if verbose:
            lines.append(f"        {one['summary']}; {one['lab_s']:.0f} s of lab time")
    lines.append("")
    for one in coverage:
        lines.append(
            f"{one['runbook']}: {one['steps'] - len(one['steps_missed'])} of {one['steps']} steps ran, "
            f"{one['branches'] - len(one['branches_missed'])} of {one['branches']} branches were taken"
        )
        lines += [f"        not reached: {name}" for name in (*one["steps_missed"], *one["branches_missed"])]
    failed = sum(bool(one["missed"]) for one in results)
    count = len(results)
    lines.append(f"{count} scenario{'' if count == 1 else 's'}, {failed} with missed expectations")
    return "\n".join(lines)


def junit(results: Sequence[Any]) -> str:
    """The scenarios as JUnit test cases; an expectation that was missed is a failure."""
    failed = sum(bool(one["missed"]) for one in results)
    suite = ElementTree.Element("testsuite", name="runbook test", tests=str(len(results)), failures=str(failed))
    for one in results:
        case = ElementTree.SubElement(suite, "testcase", classname=one["runbook"], name=one["name"])
        case.set("time", f"{one['real_s']:.3f}")
        if one["missed"]:
            problem = ElementTree.SubElement(case, "failure", message=one["missed"][0])
            problem.text = "\n".join(one["missed"])
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"
