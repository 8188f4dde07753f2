"""The troubles a lab host can be put into while it runs, as values that anyone may set from any thread.

Counters count down and stop at zero, so a fault that fires once leaves the retry alone. The machine's own troubles (a
reboot that never returns, a service that will not start) belong to the machine's model, not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from engine.model.data import JsonValue

_WORDS: Mapping[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(slots=True, kw_only=True)
class Faults:
    """One host's troubles. Read by the servers at every request; one field is one word, so no lock is needed."""

    refuse: bool = False
    """Nothing listens and what was connected is cut off."""
    wrong_password: bool = False
    """Every credential is refused."""
    expired_certificate: bool = False
    """New HTTPS connections see a certificate that ended yesterday."""
    delay_s: float = 0.0
    """Every request, and every frame over SSH, waits this long first."""
    drop_after_sends: int = 0
    """Cut the connection right after the n-th input from now reached its process: the work runs, the answer is lost."""
    drop_after_commands: int = 0
    """Cut the connection right after the n-th command from now was started."""
    drop_on_frame: str = ""
    """Cut the connection once, when a frame whose script name matches this pattern begins to run."""
    garble_answers: int = 0
    """Damage the next n answers of the framed interpreter."""
    empty_receives: int = 0
    """Every piece of output comes only after this many empty Receive answers."""
    max_shells: int = 30
    """WinRM's quota of concurrent shells for one user (older systems: 5)."""
    idle_timeout_s: float = 7200.0
    """WinRM forgets a shell that was not used for so long (older systems: 180)."""

    def change(self, changes: Mapping[str, JsonValue]) -> None:
        """Set several by name; ``ValueError`` names the field that does not exist or whose value does not fit."""
        kinds: dict[str, type[bool | int | float | str]] = {"bool": bool, "int": int, "float": float, "str": str}
        known = {one.name: kinds[getattr(one.type, "__name__", str(one.type))] for one in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"There is no fault named {name!r}. Known are: {', '.join(known)}.")
            accepted = (int, float) if known[name] is float else (known[name],)
            if type(value) not in accepted or (isinstance(value, (int, float)) and value < 0):
                raise ValueError(f"The fault {name} is {_WORDS[known[name]]}, not {value!r}.")
        for name, value in changes.items():
            setattr(self, name, float(value) if known[name] is float and isinstance(value, int) else value)

    def fires(self, counter: str) -> bool:
        """Count one of the counters down; True when it reaches zero with this call."""
        left: int = getattr(self, counter)
        if left <= 0:
            return False
        setattr(self, counter, left - 1)
        return left == 1
