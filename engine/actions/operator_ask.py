"""``operator.ask``: a question that no probe can answer; the run waits for one of the named answers."""

from collections.abc import Mapping

from engine.actions.base import BuiltIn, describe
from engine.model.command import Ask
from engine.model.inventory import HostView
from engine.model.result import Decision, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, RunsOn, Seen


class OperatorAsk(BuiltIn):
    """The driver asks; nothing is sent to a host."""

    info = describe(
        "operator.ask",
        summary="Ask a person and take one of the named answers",
        effect=Effect.OBSERVE,
        runs_on=RunsOn.OPERATOR,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Ask | None:
        """The question."""
        del host
        if seen:
            return None
        answers = args["answers"]
        assert isinstance(answers, Mapping)
        labels = {key: str(label) for key, label in answers.items()}
        return Ask(show=str(args.get("show", "")), question=str(args["question"]), answers=labels)

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """The answer is the result; the driver fills it in."""
        del args, host, seen
        return Unchanged(why="the operator answered")
