"""An inventory in Ansible's YAML layout to typed hosts.

Variables win from the outside in: ``all``, outer group, inner group, host; a file of ``group_vars`` or ``host_vars``
wins over the same place in the inventory. Connection settings leave the variables and become fields and options of the
host; all other variables stay data.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from engine.language.connection_settings import connect_host, refused
from engine.language.decoding import clean_text
from engine.language.groups import Groups, read_groups
from engine.language.located import Located, split_lines
from engine.language.schema import check_against, packaged_schema
from engine.language.yamltext import read_yaml
from engine.model.data import JsonMap
from engine.model.diagnostic import Diagnostic, has_errors
from engine.model.inventory import Host, Inventory
from engine.model.origin import Origin

Found = tuple[Inventory | None, tuple[Diagnostic, ...]]

_INI = re.compile(r"\s*\[[A-Za-z0-9_.:-]+\]\s*(?:[#;].*)?\Z")
_FOLDERS = ("group_vars", "host_vars")


def read_inventory(text: str | bytes, file: str, extra: Mapping[str, str | bytes]) -> Found:
    """The inventory and all findings."""
    foreign = _foreign(text, file)
    if foreign is not None:
        return None, (foreign,)
    located, findings = read_yaml(text, file)
    if located is None:
        return None, findings
    findings = _not_groups(located) or check_against(_layout(), located)
    if has_errors(findings):
        return None, findings
    groups = read_groups(located)
    more = _add_files(groups, extra, file)
    hosts = {name: _host(name, groups) for name in groups.hosts}
    built = tuple(one for _, found in hosts.values() for one in found)
    findings = (*groups.findings, *more, *_refused_variables(groups), *built)
    if not groups.hosts:
        findings = (*findings, _empty(located))
    names = {name: host for name, (host, _) in hosts.items()}
    return Inventory(file=file, hosts=names, groups=groups.members()), findings


@cache
def _layout() -> JsonMap:
    """The packaged schema without its words on variables: those are judged one by one, with better reasons."""
    schema = dict(packaged_schema("inventory"))
    definitions: Any = schema["$defs"]
    variables = {key: value for key, value in definitions["variables"].items() if key != "properties"}
    return {**schema, "$defs": {**definitions, "variables": variables}}


def _foreign(text: str | bytes, file: str) -> Diagnostic | None:
    """INI text and scripts, told apart before YAML complains about them."""
    clean, _ = clean_text(text, file)
    lines = split_lines(clean or "")
    blank = Located(file=file, value=None, lines=lines)
    if lines[0].startswith("#!"):
        message, hint = "this is a script; dynamic inventories are not run", "save its answer as a YAML inventory"
        return blank.error("S216", message, Origin(file, 1, 1), hint=hint, mark=len(lines[0]))
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if _INI.match(line):
            message, hint = "this is an inventory in INI form", "write it in YAML; see inventory/example.yaml"
            return blank.error("S216", message, Origin(file, number, 1), hint=hint, mark=len(line))
        return None
    return None


def _not_groups(located: Located) -> tuple[Diagnostic, ...]:
    if isinstance(located.value, dict):
        return ()
    message = "an inventory is a mapping of group names, usually with `all` at the top"
    return (located.error("S203", message, located.at(()), hint="see inventory/example.yaml"),)


def _empty(located: Located) -> Diagnostic:
    hint = "add hosts below a group: all: {hosts: {SM01: {ansible_host: sm01.contoso.example}}}"
    return located.error("R409", "the inventory names no host", located.at(()), hint=hint)


def _add_files(groups: Groups, extra: Mapping[str, str | bytes], file: str) -> tuple[Diagnostic, ...]:
    found: list[Diagnostic] = []
    folder = file[: max(file.rfind("/"), file.rfind("\\")) + 1]
    for path in sorted(extra):
        parts = path.replace("\\", "/").split("/")
        if parts[0] in _FOLDERS and len(parts) > 1:
            name = parts[1] if len(parts) > 2 else re.sub(r"\.ya?ml\Z", "", parts[1])  # noqa: PLR2004 - folder, name, file
            found.extend(_add_file(groups, parts[0], name, f"{folder}{path}", extra[path]))
    return tuple(found)


def _add_file(groups: Groups, folder: str, name: str, file: str, text: str | bytes) -> tuple[Diagnostic, ...]:
    vault = b"$ANSIBLE_VAULT" if isinstance(text, bytes) else "$ANSIBLE_VAULT"
    if text.startswith(vault):  # type: ignore[arg-type]
        blank = Located(file=file, value=None)
        hint = "keep secrets in the environment, a file or the key ring and refer to them, such as env:NAME"
        return (blank.error("S213", "the file is a vault blob, which is not read", Origin(file, 1, 1), hint=hint),)
    located, findings = read_yaml(text, file)
    if located is None:
        return () if [one.code for one in findings] == ["Y109"] else findings
    if not isinstance(located.value, dict):
        return (located.error("S203", "a file of variables is a mapping", located.at(())),)
    known: Mapping[str, Any] = groups.hosts if folder == "host_vars" else groups.variables
    if name not in known:
        return (groups.unknown_file(folder, name, located),)
    layer = groups.host_layers if folder == "host_vars" else groups.group_layers
    layer.setdefault(name, []).append((located, ()))
    return ()


def _refused_variables(groups: Groups) -> tuple[Diagnostic, ...]:
    """What no variable may be: a template, a plain password, an unsupported setting; told once, where it is written."""
    return tuple(dict.fromkeys(one for located, path in groups.layers() for one in refused(located, path)))


def _host(name: str, groups: Groups) -> tuple[Host, tuple[Diagnostic, ...]]:
    return connect_host(name, groups.origin(name), groups.groups_of(name), groups.variables_of(name))
