"""A page for each lint code: what it means, why it matters, and an example."""

from collections.abc import Mapping

EXPLANATIONS: Mapping[str, str] = {
    "L601": (
        "A step reboots a machine and no approval is required. Everybody who works on the machine notices, and setup's "
        "wizard is closed. Example: action: windows.reboot without requires: [approval(operator)]."
    ),
    "L602": (
        "A permanent step asks nobody: it requires neither an approval nor a proof of consent. After it only a restore "
        "leads back. Example: effect: permanent without requires: [approval(operator)]."
    ),
    "L603": (
        "A changing step has no why. The reason is shown to whoever approves the change and kept in the report. "
        "Example: action: windows.registry_value with name and arguments only."
    ),
    "L604": (
        "A free-form script is called observe and holds a command that writes. What observes also runs in check mode "
        "and may be repeated. Comments and quoted text are not looked at. Example: Set-ItemProperty in a script "
        "with effect: observe."
    ),
    "L605": (
        "A wait has no sensible end: it lasts more than six hours, or gives up before its second look. "
        "Example: wait: {until: result.found, every: 10m, timeout: 5m}."
    ),
    "L607": (
        "A retry goes on for more than twenty attempts or two hours. A failure that long needs a person. To wait for a "
        "state use wait. Example: retry: {attempts: 500}."
    ),
    "L608": (
        "Several steps have the same name, so they cannot be told apart in the plan, at prompts and in the report. "
        "Example: two steps named Restart the server."
    ),
    "L609": (
        "The runbook names no sources. Whoever reviews it, or uses it at night, wants to read what it is founded on. "
        "Example: sources: [jj900181]."
    ),
    "L610": (
        "A permanent step continues after a failure. Nobody knows how far it got, and the next step would build on it. "
        "Example: effect: permanent together with on_failure: continue."
    ),
    "L611": (
        "A step has a timeout of nothing, so it fails before its first command is sent. Example: timeout: 0s. Without "
        "the key a step has the time that its action asks for."
    ),
}
