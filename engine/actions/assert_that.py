"""``assert``: conditions over what is already known; false ends the run with a sentence."""

from engine.actions.base import BuiltIn, describe
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged
from engine.model.status import Effect
from engine.ports.action import Arguments, RunsOn, Seen


class AssertThat(BuiltIn):
    """Pure: the conditions arrive evaluated."""

    info = describe("assert", summary="Fail unless every condition holds", effect=Effect.OBSERVE, runs_on=RunsOn.ENGINE)

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> None:
        """Nothing to look at."""
        del args, host, seen

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """True for every condition, or the author's sentence."""
        del host, seen
        that = args["that"]
        conditions = that if isinstance(that, (list, tuple)) else (that,)
        if all(one is True for one in conditions):
            why = f"{len(conditions)} condition{'' if len(conditions) == 1 else 's'} held"
            return Unchanged(why=why, result={"examined": len(conditions)}, examined=len(conditions))
        remedy = args.get("remedy")
        return Refuse(
            why=str(args["message"]),
            remedy=None if remedy is None else str(remedy),
            result={"examined": len(conditions)},
        )
