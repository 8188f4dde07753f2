"""The connection settings among a host's variables: known ones typed, foreign ones refused with the reason."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.language.groups import Variables
from engine.language.located import Located, Path
from engine.language.nearest import nearest
from engine.language.schema import mistakes, packaged_schema
from engine.model.data import JsonValue
from engine.model.diagnostic import Diagnostic
from engine.model.inventory import Host
from engine.model.origin import Origin
from engine.model.secret import SecretRef

_SECRET = re.compile(r"(env|file|prompt|keyring):(\S.*)\Z")
_TEMPLATED = re.compile(r"\{\{|\{%")

OPTIONS: Mapping[str, str] = {
    "ansible_winrm_transport": "transport",
    "ansible_winrm_scheme": "scheme",
    "ansible_winrm_server_cert_validation": "server_cert_validation",
    "ansible_winrm_ca_trust_path": "ca_trust_path",
    "ansible_winrm_cert_pem": "cert_pem",
    "ansible_winrm_cert_key_pem": "cert_key_pem",
    "ansible_winrm_kerberos_delegation": "kerberos_delegation",
    "ansible_winrm_kerberos_hostname_override": "kerberos_hostname_override",
    "ansible_winrm_message_encryption": "message_encryption",
    "ansible_winrm_operation_timeout_sec": "operation_timeout_s",
    "ansible_winrm_read_timeout_sec": "read_timeout_s",
    "ansible_ssh_private_key_file": "private_key_file",
    "runbook_known_hosts": "known_hosts",
    "runbook_proxy_jump": "proxy_jump",
    "runbook_persistent": "persistent",
}
_FIELDS = frozenset(
    {
        "ansible_host",
        "ansible_port",
        "ansible_user",
        "ansible_password",
        "ansible_connection",
        "ansible_shell_type",
        "runbook_platform",
    }
)
_CERTIFICATE_FILES = ("ansible_winrm_cert_pem", "ansible_winrm_cert_key_pem")
_KNOWN = frozenset(OPTIONS) | _FIELDS
_INSTEAD: Mapping[str, str] = {
    "ansible_ssh_host": "write ansible_host",
    "ansible_ssh_port": "write ansible_port",
    "ansible_ssh_user": "write ansible_user",
    "ansible_ssh_pass": "write ansible_password, as a reference such as env:NAME",
    "ansible_ssh_password": "write ansible_password, as a reference such as env:NAME",
    "ansible_winrm_user": "write ansible_user",
    "ansible_winrm_password": "write ansible_password, as a reference such as env:NAME",
    "ansible_ssh_common_args": "write runbook_proxy_jump and runbook_known_hosts",
    "ansible_ssh_extra_args": "write runbook_proxy_jump and runbook_known_hosts",
    "ansible_psrp_auth": "the connection psrp is not built in; use winrm",
    "ansible_python_interpreter": "nothing runs Python on a host; leave it out",
}


def refused(located: Located, path: Path) -> tuple[Diagnostic, ...]:
    """What may not stand in one layer of variables, told where it is written."""
    value = located.value
    for part in path:
        value = value[part]
    found: list[Diagnostic] = []
    for key, inner in (value or {}).items():
        problem = _refused_one(located, (*path, key), key, inner)
        if problem is not None:
            found.append(problem)
    return tuple(found)


def _refused_one(located: Located, path: Path, key: str, value: Any) -> Diagnostic | None:
    templated = _templated(value, path)
    if templated is not None:
        hint = "write the value out, or move it to the runbook's params"
        message = f'"{key}" is templated; an inventory is data and is never rendered'
        return located.error("S213", message, located.text_at(templated), hint=hint, mark=2)
    if key == "ansible_password":
        return _plain_password(located, path, value)
    if key == "ansible_connection" and value in ("psrp", "ansible.builtin.psrp"):
        message = "the connection psrp is not built in"
        return located.error(
            "S212", message, located.text_at(path), hint="use winrm, on the same ports", mark=len(value)
        )
    if key.startswith("ansible_") and key not in _KNOWN:
        return located.error(
            "S212", f'"{key}" is not supported', located.key_at(path), hint=_instead(key), mark=len(key)
        )
    if key.startswith("runbook_") and key not in _KNOWN:
        near = nearest(key, _KNOWN)
        meant = f'did you mean "{near}"?' if near else None
        return located.error("S212", f'"{key}" is not a setting', located.key_at(path), hint=meant, mark=len(key))
    return _wrong_value(located, path, key, value)


def _instead(key: str) -> str:
    if key.startswith("ansible_become"):
        return "the engine never changes the account on a host; connect as the account that may do the work"
    if key in _INSTEAD:
        return _INSTEAD[key]
    near = nearest(key, _KNOWN)
    return f'did you mean "{near}"?' if near else "leave it out; `runbook schema inventory` lists what is supported"


def _wrong_value(located: Located, path: Path, key: str, value: Any) -> Diagnostic | None:
    if key not in _KNOWN:
        return None
    defs: Any = packaged_schema("inventory")["$defs"]
    wrong = mistakes(defs["variables"]["properties"][key], value)
    if not wrong:
        return None
    words = wrong[0][1]
    message = words.message.replace("the document", f'"{key}"', 1)
    return located.error(words.code, message, located.text_at(path), hint=words.hint, mark=len(str(value)))


def _templated(value: Any, path: Path) -> Path | None:
    if isinstance(value, str):
        return path if _TEMPLATED.search(value) else None
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        found = _templated(item, (*path, key))
        if found is not None:
            return found
    return None


def _plain_password(located: Located, path: Path, value: Any) -> Diagnostic | None:
    if isinstance(value, str) and _SECRET.match(value):
        return None
    # The line holds the password itself, so the finding carries no excerpt.
    hint = "write a reference: env:NAME, file:PATH, prompt:LABEL or keyring:SERVICE/NAME"
    blank = Located(file=located.file, value=None)
    message = "ansible_password holds a password in plain text; whoever reads the file has it"
    return blank.error("S211", message, located.key_at(path), hint=hint)


def connect_host(
    name: str, origin: Origin, groups: tuple[str, ...], variables: Variables
) -> tuple[Host, tuple[Diagnostic, ...]]:
    """The host with its settings, and what does not fit together in them."""
    values = {key: value for key, (value, _, _) in variables.items()}
    connection = _text(values, "ansible_connection") or "winrm"
    shell = _shell(_text(values, "ansible_shell_type"), connection)
    platform = _text(values, "runbook_platform") or (
        "posix" if shell == "posix" or connection == "local" else "windows"
    )
    foreign = {"winrm": "ansible_ssh_", "ssh": "ansible_winrm_"}.get(connection, "ansible_")
    options: dict[str, JsonValue] = {
        short: values[key] for key, short in OPTIONS.items() if key in values and not key.startswith(foreign)
    }
    if connection != "local":
        options["shell"] = shell
    port = values.get("ansible_port")
    host = Host(
        name=name,
        address=_text(values, "ansible_host") or name,
        connection=connection,
        platform=platform,
        origin=origin,
        port=port if isinstance(port, int) and not isinstance(port, bool) else None,
        user=_text(values, "ansible_user"),
        password=_secret(variables),
        options=options,
        groups=groups,
        variables={key: value for key, value in values.items() if key not in _KNOWN},
    )
    return host, tuple(one for check in _CHECKS for one in check(host, variables))


def _text(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) else None


def _shell(written: str | None, connection: str) -> str:
    if written is None:
        return "powershell" if connection == "winrm" else "posix"
    return {"sh": "posix"}.get(written, written)


def _secret(variables: Variables) -> SecretRef | None:
    if "ansible_password" not in variables:
        return None
    value, located, path = variables["ansible_password"]
    found = _SECRET.match(value) if isinstance(value, str) else None
    return SecretRef(found.group(1), found.group(2), located.text_at(path)) if found else None


def _basic_needs_https(host: Host, variables: Variables) -> tuple[Diagnostic, ...]:
    http = host.options.get("scheme") == "http" or (host.port == 5985 and "scheme" not in host.options)  # noqa: PLR2004
    if host.connection != "winrm" or host.options.get("transport") != "basic" or not http:
        return ()
    _, located, path = variables["ansible_winrm_transport"]
    message = f'"{host.name}" would send its password over http in clear text: basic needs https'
    hint = "use ansible_winrm_scheme: https, or ansible_winrm_transport: ntlm"
    return (located.error("S217", message, located.text_at(path), hint=hint, mark=5),)


def _read_longer_than_operation(host: Host, variables: Variables) -> tuple[Diagnostic, ...]:
    read, operation = host.options.get("read_timeout_s"), host.options.get("operation_timeout_s")
    if not isinstance(read, int) or not isinstance(operation, int) or read > operation:
        return ()
    _, located, path = variables["ansible_winrm_read_timeout_sec"]
    message = f"the read time-out ({read} s) of {host.name} must be longer than the operation time-out ({operation} s)"
    return (located.error("S217", message, located.at(path), hint="add 10 seconds to it", mark=len(str(read))),)


def _certificate_needs_files_and_https(host: Host, variables: Variables) -> tuple[Diagnostic, ...]:
    if host.connection != "winrm" or host.options.get("transport") != "certificate":
        return ()
    _, located, path = variables["ansible_winrm_transport"]
    place, mark = located.text_at(path), len("certificate")
    missing = [name for name in _CERTIFICATE_FILES if not host.options.get(OPTIONS[name])]
    found = []
    if missing:
        message = f'"{host.name}" is to log on with a certificate, and {" and ".join(missing)} is not set'
        hint = "both are files in PEM form: the certificate, and its private key without a passphrase"
        found.append(located.error("S217", message, place, hint=hint, mark=mark))
    if host.options.get("scheme") == "http" or (host.port == 5985 and "scheme" not in host.options):  # noqa: PLR2004
        message = f'"{host.name}" cannot show a certificate over http'
        found.append(located.error("S217", message, place, hint="use ansible_winrm_scheme: https", mark=mark))
    return tuple(found)


def _kerberos_needs_a_name(host: Host, variables: Variables) -> tuple[Diagnostic, ...]:
    override = host.options.get("kerberos_hostname_override")
    if host.connection != "winrm" or host.options.get("transport") != "kerberos" or override:
        return ()
    try:
        ipaddress.ip_address(host.address)
    except ValueError:
        return ()
    _, located, path = variables["ansible_host" if "ansible_host" in variables else "ansible_winrm_transport"]
    message = f'Kerberos knows hosts by name, and "{host.name}" has the address {host.address}'
    hint = "write the host's full name as ansible_host, or set ansible_winrm_kerberos_hostname_override"
    return (located.error("S217", message, located.text_at(path), hint=hint, mark=len(host.address)),)


_CHECKS: tuple[Callable[[Host, Variables], tuple[Diagnostic, ...]], ...] = (
    _basic_needs_https,
    _certificate_needs_files_and_https,
    _kerberos_needs_a_name,
    _read_longer_than_operation,
)
