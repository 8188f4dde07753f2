"""What Kerberos needs, asked before any host is contacted; and what its library says, in plain words.

A logon is by the ticket that ``kinit`` got; a password of the inventory is not used.
"""

import importlib.util
import ipaddress
import sys

from engine.connections.winrm_settings import WinRmSettings
from engine.model.errors import AuthenticationFailed

_KINIT = "get a ticket: kinit {user}; klist shows what there is"
_WORDS = (
    (("no kerberos credentials", "no credentials"), "there is no ticket", _KINIT),
    (("credentials cache file", "no such file"), "there is no ticket", _KINIT),
    (("ticket expired", "credentials have expired"), "the ticket has expired", _KINIT),
    (
        ("server not found in kerberos database",),
        "the domain knows no such host",
        "use the host's full name as `ansible_host`, or set `ansible_winrm_kerberos_hostname_override`",
    ),
    (
        ("clock skew",),
        "this machine's clock is too far from the domain's",
        "set the clock; Kerberos allows five minutes",
    ),
    (
        ("cannot find kdc", "cannot contact any kdc", "cannot resolve network address"),
        "no domain controller is found or answers",
        "check the realm in krb5.conf, the name server, and the way to port 88",
    ),
    (
        ("cannot determine realm", "default realm"),
        "the realm of the host is not known here",
        "set default_realm or domain_realm in krb5.conf",
    ),
)


def refuse_impossible(host: str, settings: WinRmSettings) -> None:
    """``AuthenticationFailed`` if the library is missing, or the host is named by an address only."""
    if settings.transport != "kerberos":
        return
    library = "winkerberos" if sys.platform == "win32" else "kerberos"
    if importlib.util.find_spec(library) is None:
        raise AuthenticationFailed(
            host,
            "Kerberos logon",
            f"the Python package for it ({'winkerberos' if library == 'winkerberos' else 'pykerberos'}) "
            "is not installed here",
            remedy='install it: pip install "recovery-runbooks[kerberos]"',
        )
    if settings.kerberos_name is None and _is_address(settings.address):
        raise AuthenticationFailed(
            host,
            "Kerberos logon",
            f"Kerberos knows hosts by name, and {settings.address} is an address",
            remedy="use the host's full name as `ansible_host`, or name it with "
            "`ansible_winrm_kerberos_hostname_override`",
        )


def kerberos_problem(host: str, said: str, settings: WinRmSettings) -> AuthenticationFailed:
    """What the library says, as a sentence with a remedy."""
    text = said.lower()
    for words, cause, remedy in _WORDS:
        if any(word in text for word in words):
            user = settings.user or "USER@REALM"
            return AuthenticationFailed(host, "Kerberos logon", f"{cause} ({said})", remedy=remedy.format(user=user))
    return AuthenticationFailed(
        host,
        "Kerberos logon",
        said,
        remedy="get a ticket with kinit, and use the host's full name, not its address, as `ansible_host`",
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
