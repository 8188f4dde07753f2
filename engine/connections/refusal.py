"""What a connection says when it is asked for something its far side cannot do."""

from engine.model.command import Dialect, Script
from engine.model.errors import ConnectFailed


def refuse_dialect(host: str, script: Script, spoken: Dialect) -> None:
    """``ConnectFailed``, before anything is sent, for a script in a language that the far side does not run."""
    if script.dialect is not spoken:
        raise ConnectFailed(
            host,
            script.name,
            f"the script is {script.dialect} and the connection runs {spoken}",
            remedy="use an action for this platform, or set `ansible_shell_type` of the host",
        )
