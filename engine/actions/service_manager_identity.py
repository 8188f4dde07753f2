"""``service_manager.identity``: whether the host still has the name and the domain that the baseline recorded.

A management server can only be put back on a computer of the same name. Windows takes no notice of case in names.
"""

from engine.actions.base import BuiltIn, describe
from engine.actions.windows_host import probe
from engine.model.command import Script
from engine.model.data import JsonMap
from engine.model.inventory import HostView
from engine.model.result import Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect
from engine.ports.action import Arguments, Seen


class ServiceManagerIdentity(BuiltIn):
    """One look, no change."""

    info = describe(
        "service_manager.identity",
        summary="Whether the host has the computer name and the domain of the baseline",
        effect=Effect.OBSERVE,
        yields=("same-name",),
    )

    def observe(self, args: Arguments, host: HostView, seen: Seen) -> Script | None:
        """Look once."""
        del args, host
        return None if seen else probe()

    def decide(self, args: Arguments, host: HostView, seen: Seen) -> Decision:
        """Both must be as recorded."""
        found = _found(value_map(seen[0]))
        wanted = {"computer": str(args["computer"]), "domain": str(args["domain"])}
        wrong = [key for key, value in wanted.items() if str(found[key]).lower() != value.lower()]
        result: JsonMap = {**found, "examined": 1, "same": not wrong}
        if wrong:
            told = ", ".join(f"{key} {found[key] or 'none'}, recorded {wanted[key] or 'none'}" for key in wrong)
            return Refuse(
                why=f"{host.name} has {told}",
                remedy="give the computer its recorded name and domain, or look at the inventory's address",
                result=result,
            )
        name = f"{found['computer']} in {found['domain']}" if found["domain"] else f"{found['computer']} in no domain"
        return Unchanged(why=f"{host.name} is {name}", result=result, examined=1, proofs=("same-name",))


def _found(facts: JsonMap) -> JsonMap:
    """Name and domain; the domain is what follows the name in the full name."""
    computer, full = str(facts.get("computer_name") or ""), str(facts.get("fqdn") or "")
    domain = full.partition(".")[2] if facts.get("domain_joined") is True else ""
    return {"computer": computer, "domain": domain}
