"""``service_manager.warehouse_jobs``: what the data warehouse jobs are at, and their schedules switched on or off.

The warehouse is idle when every job's status is ``Not Started``. A job that runs goes on although its schedule is off,
so a runbook switches the schedules off and then waits for ``result.idle``. What was switched off is owed: it stays on
record until it is switched on again, or a look sees all schedules on.
"""

from collections.abc import Sequence

from engine.actions.base import BuiltIn, as_list, describe, maps, script
from engine.actions.service_manager_module import WAREHOUSE, look, module_path, not_installed, where
from engine.model.command import Argument, Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Change, Decision, Owed, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen

_IDLE = "Not Started"
_DEBT = "schedules-off"


class ServiceManagerWarehouseJobs(BuiltIn):
    """Two looks; the undo switches the same schedules back."""

    info = describe(
        "service_manager.warehouse_jobs",
        summary="The data warehouse jobs and their schedules; switch the schedules on or off",
        effect=Effect.REVERSIBLE,
        yields=("warehouse-idle", "schedules-off"),
        changes_with=("schedules",),
        timeout_s=300.0,
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Where the product is, then the jobs."""
        del args, host
        if not seen:
            return where()
        return look("service_manager_warehouse_jobs.observe.ps1", seen, WAREHOUSE) if len(seen) == 1 else None

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Named jobs must be there; schedules that differ are switched; idleness is told, or expected."""
        module = module_path(seen[0], WAREHOUSE)
        if module is None:
            return not_installed(host)
        jobs = _jobs(value_map(seen[1]))
        unknown = _unknown(args, jobs)
        if unknown:
            return Refuse(
                why=f"{host.name} has no job with a schedule called {', '.join(unknown)}",
                remedy="take the names from the jobs that are there",
                result=_result(jobs),
            )
        wanted = {"enabled": True, "disabled": False}.get(str(args.get("schedules")))
        different = [one for one in _chosen(args, jobs) if wanted is not None and one["scheduled"] is not wanted]
        if different:
            return _change(module, jobs, [str(one["name"]) for one in different], on=bool(wanted))
        busy = [one for one in jobs if one["status"] != _IDLE]
        if busy and args.get("expect_idle") is True:
            told = ", ".join(f"{one['name']} is {one['status'] or 'unknown'}" for one in busy)
            return Refuse(
                why=f"The data warehouse of {host.name} is not idle: {told}",
                remedy="wait until the jobs have ended, and look again",
                result=_result(jobs),
            )
        state = f"{len(busy)} of {len(jobs)} jobs are at work" if busy else f"all {len(jobs)} jobs are idle"
        return Unchanged(
            why=f"On {host.name} {state}",
            result=_result(jobs),
            examined=len(jobs),
            proofs=_proofs(jobs),
            pays=_paid(args, jobs),
        )


def _jobs(value: JsonMap) -> list[JsonMap]:
    """Every job, and the schedules without one; ``scheduled`` is None for a job that has no schedule."""
    jobs = [one for one in maps(value.get("jobs")) if isinstance(one.get("name"), str)]
    schedules = {
        str(one["name"]).lower(): one.get("enabled") is not False
        for one in maps(value.get("schedules"))
        if isinstance(one.get("name"), str)
    }
    return [
        {
            "name": one["name"],
            "status": str(one.get("status") or ""),
            "scheduled": schedules.get(str(one["name"]).lower()),
        }
        for one in jobs
    ]


def _chosen(args: Arguments, jobs: Sequence[JsonMap]) -> list[JsonMap]:
    """The jobs with a schedule that the step is about; all of them without names, none of them for an empty list."""
    everyone, names = args.get("names") is None, {name.lower() for name in as_list(args.get("names"))}
    return [one for one in jobs if one["scheduled"] is not None and (everyone or str(one["name"]).lower() in names)]


def _unknown(args: Arguments, jobs: Sequence[JsonMap]) -> list[str]:
    scheduled = {str(one["name"]).lower() for one in jobs if one["scheduled"] is not None}
    return [name for name in as_list(args.get("names")) if name.lower() not in scheduled]


def _change(module: str, jobs: Sequence[JsonMap], names: Sequence[str], *, on: bool) -> Change:
    def switch(*, enabled: bool) -> Script:
        arguments: dict[str, Argument] = {"module": module, "names": list(names), "enabled": enabled}
        return script("service_manager_warehouse_jobs.schedules.ps1", arguments, changing=True)

    words = {True: "on", False: "off"}
    after: list[JsonMap] = [{**one, "scheduled": on} if one["name"] in names else one for one in jobs]
    return Change(
        why=f"the schedules of {', '.join(names)} are {words[not on]}, wanted {words[on]}",
        before=dict.fromkeys(names, words[not on]),
        after=dict.fromkeys(names, words[on]),
        commands=(switch(enabled=on),),
        undo=(switch(enabled=not on),),
        result=_result(after),
        owes=() if on else (_owed(names),),
    )


def _proofs(jobs: Sequence[JsonMap]) -> tuple[str, ...]:
    """Both speak of the whole warehouse, whatever jobs the step names."""
    idle = bool(jobs) and all(one["status"] == _IDLE for one in jobs)
    schedules = [one["scheduled"] for one in jobs if one["scheduled"] is not None]
    off = bool(schedules) and True not in schedules
    return (*(("warehouse-idle",) if idle else ()), *(("schedules-off",) if off else ()))


def _paid(args: Arguments, jobs: Sequence[JsonMap]) -> tuple[str, ...]:
    """What was to be on is on: the jobs that a step switches on, or all that have a schedule. None is not all."""
    scheduled = [one for one in jobs if one["scheduled"] is not None]
    wanted = _chosen(args, jobs) if args.get("schedules") == "enabled" else scheduled
    return (_DEBT,) if wanted and all(one["scheduled"] is True for one in wanted) else ()


def _owed(names: Sequence[str]) -> Owed:
    return Owed(
        key=_DEBT,
        what="enable the job schedules again",
        how=f"They were on: {', '.join(names)}. verify-recovery switches on what the baseline names.",
    )


def _result(jobs: Sequence[JsonMap]) -> JsonMap:
    return {
        "examined": len(jobs),
        "idle": bool(jobs) and all(one["status"] == _IDLE for one in jobs),
        "enabled": [one["name"] for one in jobs if one["scheduled"] is True],
        "disabled": [one["name"] for one in jobs if one["scheduled"] is False],
        "jobs": list(jobs),
    }
