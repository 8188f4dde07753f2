"""``operator.instruct``: a step that only a person can do; the run waits for that person's word."""

from engine.actions.base import BuiltIn, describe
from engine.model.command import Ask
from engine.model.inventory import HostView
from engine.model.result import Decision, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, RunsOn, Seen


class OperatorInstruct(BuiltIn):
    """The driver asks; nothing is sent to a host."""

    info = describe(
        "operator.instruct",
        summary="Tell a person what to do and wait until it is done",
        effect=Effect.OBSERVE,
        runs_on=RunsOn.OPERATOR,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Ask | None:
        """The question."""
        del host
        return None if seen else Ask(show=str(args["show"]), question="Done?", answers={"done": "It is done"})

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Nothing is left to do once the person said so."""
        del args, host, seen
        return Unchanged(why="the operator said that it is done", result={"answer": "done"})
