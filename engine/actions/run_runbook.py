"""``runbook``: run another runbook on the same inventory, as a run of its own."""

from collections.abc import Mapping

from engine.actions.base import BuiltIn, as_list, describe
from engine.model.command import RunRunbook
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect, Rerun
from engine.ports.action import Arguments, RunsOn, Seen


class RunAnotherRunbook(BuiltIn):
    """Reversible by declaration: the other run has its own plan, proofs and gates."""

    info = describe(
        "runbook",
        summary="Run another runbook",
        effect=Effect.REVERSIBLE,
        rerun=Rerun.PROBE,
        runs_on=RunsOn.ENGINE,
        timeout_s=6 * 3600.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> None:
        """Nothing to look at before."""
        del args, host, seen

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Always run it."""
        del host, seen
        params = args.get("params")
        name = str(args["name"])
        given = dict(params) if isinstance(params, Mapping) else {}
        limit = str(args["limit"]) if args.get("limit") else None
        return Change(
            why=f"run the runbook {name}",
            before=None,
            after=f"runbook {name} has run",
            commands=(RunRunbook(runbook=name, params=given, limit=limit),),
        )

    def verify(self, args: Arguments, host: HostView, before: Seen, applied: Seen, after: Seen) -> Decision:
        """The other run's own ending is the result; only exit code 0 is good. What it paid is paid for this one too."""
        del host, before, after
        told = value_map(applied[0])
        result = {key: value for key, value in told.items() if key != "paid"}
        pays = tuple(as_list(told.get("paid")))
        if result.get("exit_code") == 0:
            return Unchanged(why=f"the runbook {args['name']} ended well", result=result, examined=1, pays=pays)
        return Refuse(
            why=f"the runbook {args['name']} ended {result.get('status')} (run {result.get('run_id')})",
            remedy=f"runbook report {result.get('run_id')}",
            result=result,
            pays=pays,
        )
