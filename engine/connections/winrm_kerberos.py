"""What Kerberos needs, asked before any host is contacted; and what its library says, in plain words.

A logon is by the ticket that ``kinit`` got; a password of the inventory is not used.
"""

import importlib.util
import ipaddress
import logging
import re
import sys

from engine.connections.winrm_settings import WinRmSettings
from engine.model.errors import AuthenticationFailed

# What the library logs as it fails is raised too; without a handler Python prints it, with a traceback.
logging.getLogger("winrm.vendor.requests_kerberos").addHandler(logging.NullHandler())

_KINIT = "get a ticket: kinit {user}; klist shows what there is"
_OWN_KINIT = (
    "get a ticket of that user: kinit {user}; klist shows whose there are (write it as USER@REALM, not DOMAIN\\USER), "
    "or leave `ansible_user` out"
)
_WORDS = (
    (r"can't find client principal", "there is no ticket of this user", _OWN_KINIT),
    (r"no kerberos credentials|no credentials cache", "there is no ticket", _KINIT),
    (r"credentials cache file|no such file", "there is no ticket", _KINIT),
    (r"ticket expired|credentials have expired", "the ticket has expired", _KINIT),
    (
        r"server (\S+ )?not found in kerberos database",
        "the domain knows no such host",
        "use the host's full name as `ansible_host`, or set `ansible_winrm_kerberos_hostname_override`",
    ),
    (
        r"clock skew|too large time skew",
        "this machine's clock is too far from the domain's",
        "set the clock; Kerberos allows five minutes",
    ),
    (
        r"cannot find kdc|cannot contact any kdc|cannot resolve network address",
        "no domain controller is found or answers",
        "check the realm in krb5.conf, the name server, and the way to port 88",
    ),
    (
        r"cannot determine realm|default realm",
        "the realm of the host is not known here",
        "set default_realm or domain_realm in krb5.conf",
    ),
    (
        r"unable to authenticate",
        "the host did not prove who it is",
        "see that the address belongs to the host, and that nothing between here and there answers in its place",
    ),
    (r"no credentials", "there is no ticket", _KINIT),
)
_REASON = re.compile(r"""\((['"])(.+?)\1, -?\d+\)""")


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
    said = reason(said)
    unused = "; Kerberos does not use the password of the inventory" if settings.password_given else ""
    for pattern, cause, remedy in _WORDS:
        if re.search(pattern, said, re.IGNORECASE):
            user = settings.user or "USER@REALM"
            told = remedy.format(user=user) + (unused if "kinit" in remedy else "")
            return AuthenticationFailed(host, logon(settings), f"{cause} ({said})", remedy=told)
    return AuthenticationFailed(
        host,
        logon(settings),
        said,
        remedy="get a ticket with kinit, and use the host's full name, not its address, as `ansible_host`",
    )


def ticket_refused(host: str, settings: WinRmSettings) -> AuthenticationFailed:
    """The domain gave a ticket for the host, and the host did not take it; it does not say why."""
    return AuthenticationFailed(
        host,
        logon(settings),
        "the host did not accept the ticket",
        remedy="see that the ticket's user (klist) may log on, that the clocks of host and domain agree, that the "
        "name HTTP/HOST belongs to this host alone (setspn -Q HTTP/HOST), and that it allows Kerberos "
        "(winrm get winrm/config/service/auth)",
    )


def logon(settings: WinRmSettings) -> str:
    """The way to log on, with the user if the inventory names one."""
    return f"Kerberos logon as {settings.user}" if settings.user else "Kerberos logon"


def reason(said: str) -> str:
    """The innermost of the library's nested pairs of text and number, which tells the cause."""
    found = _REASON.findall(said)
    return str(found[-1][1]) if found else said


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
