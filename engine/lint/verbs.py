"""Words in a script that write. Only commands that cannot be meant otherwise, so that a finding is right."""

import re
from collections.abc import Iterator

from engine.model.expression import Template
from engine.model.runbook import ArgValue

_POWERSHELL_VERBS = (
    "Add-Content|Clear-Content|Clear-EventLog|Clear-Item|Clear-ItemProperty|Copy-Item|Disable-\\w+|Enable-\\w+|"
    "Invoke-WmiMethod|Move-Item|New-Item|New-ItemProperty|New-Service|Out-File|Remove-\\w+|Rename-\\w+|Restart-\\w+|"
    "Set-Acl|Set-Content|Set-Item|Set-ItemProperty|Set-Service|Set-WmiInstance|Start-Service|Stop-\\w+|Suspend-Service|"
    "Uninstall-\\w+|Install-\\w+"
)
_POWERSHELL = re.compile(
    rf"(?<![\w$.-])(?:{_POWERSHELL_VERBS})(?![\w-])"
    r"|(?<![\w$.-])(?:reg(?:\.exe)?\s+(?:add|delete|import)|sc(?:\.exe)?\s+(?:config|create|delete|start|stop)"
    r"|net(?:\.exe)?\s+(?:start|stop)|shutdown(?:\.exe)?|msiexec(?:\.exe)?)(?![\w-])",
    re.IGNORECASE,
)
_POSIX = re.compile(
    r"(?:^|[;&|(\n]\s*|\bsudo\s+)"
    r"(rm|mv|cp|dd|mkfs\S*|tee|truncate|chmod|chown|kill|pkill|reboot|shutdown"
    r"|systemctl\s+(?:start|stop|restart|enable|disable))(?=\s|$)"
)
_COMMENT = re.compile(r"<#.*?#>|(?m:(?<!\S)#.*$)", re.DOTALL)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"`]|`.|\"\")*\"", re.DOTALL)


def writing_words(action: str, value: ArgValue) -> tuple[str, ...]:
    """Commands of the script that write, each once, as written; comments and quoted text do not count."""
    pattern = _POSIX if action.startswith("posix.") else _POWERSHELL
    found = (
        match.group(1) if match.re is _POSIX else match.group()
        for text in _texts(value)
        for match in pattern.finditer(_COMMENT.sub(" ", _QUOTED.sub("''", text)))
    )
    return tuple(dict.fromkeys(found))


def _texts(value: ArgValue) -> Iterator[str]:
    if isinstance(value, Template):
        yield value.text
    elif isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list):
        yield " ".join(text for item in value for text in _texts(item))
