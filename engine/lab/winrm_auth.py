"""Who is at the other end of one connection: Basic, a client certificate, or NTLM or Kerberos within Negotiate, with
keys to seal.

One ``Peer`` belongs to one connection, as NTLM does. The accounts are the host's own: its passwords are asked one at a
time, and reach pyspnego's acceptor as a hash in a private file that exists only while one token is judged. A ticket is
judged by the host's own keytab, and only where it has one.
"""

import base64
import binascii
import contextlib
import hmac
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import spnego
from cryptography import x509
from spnego._ntlm_raw.crypto import ntowfv1
from spnego._ntlm_raw.messages import Authenticate

PasswordOf = Callable[[str], str | None]
_NTLM = b"NTLMSSP\x00"
_AUTHENTICATE = b"\x03\x00\x00\x00"
_PRINCIPAL_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_ACCOUNTS_VARIABLE = "NTLM_USER_FILE"
_KEYTAB_VARIABLE = "KRB5_KTNAME"
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class KerberosAccounts:
    """The keys of a host's service principals, and which account stands for which principal of a client."""

    keytab: Path
    users: Mapping[str, str]


class Refused(Exception):
    """The credential is not accepted; ``str`` says why, for the lab's own log only."""


class Peer:
    """One connection's authentication."""

    def __init__(self, password_of: PasswordOf, tickets: KerberosAccounts | None = None) -> None:
        self._password_of = password_of
        self._tickets = tickets
        self._context: spnego.ContextProxy | None = None
        self.user: str | None = None

    @property
    def sealing(self) -> spnego.ContextProxy | None:
        """The context that seals messages, once NTLM or Kerberos is complete."""
        return self._context if self._context is not None and self._context.complete else None

    @property
    def known(self) -> bool:
        """True while the connection itself is authenticated, so that requests need no header."""
        return self.user is not None and self.sealing is not None

    def basic(self, credential: str) -> None:
        """Judge a Basic header; holds for this request only, so the caller asks again for each."""
        try:
            user, _, password = _decoded(base64.b64decode(credential, validate=True)).partition(":")
        except binascii.Error:
            raise Refused("the Basic credential is no base64") from None
        expected = self._password_of(user)
        if expected is None or not hmac.compare_digest(expected.encode(), password.encode()):
            raise Refused(f"wrong password for {user}")
        self.user = user

    def certificate(self, der: bytes | None, users: Mapping[str, str]) -> None:
        """Judge a client certificate, which TLS has verified, by its user principal name; for this request only."""
        name = principal_name(der) if der else ""
        user = users.get(name.casefold())
        if user is None or self._password_of(user) is None:
            raise Refused(f"no account is mapped to a certificate of {name or 'nobody'}")
        self.user = user

    def negotiate(self, token: str) -> str | None:
        """Take one token of the exchange; the answer's token, or None if there is none to send.

        After the last step ``user`` is set.
        """
        try:
            raw = base64.b64decode(token, validate=True)
        except binascii.Error:
            raise Refused("the token is no base64") from None
        if self.user is not None or self._context is None:
            self.user, self._context = None, None  # a new exchange on a connection that was authenticated before
        with self._accounts_for(raw):
            try:
                self._context = self._context or _acceptor()
                answer = self._context.step(raw)
            except Exception as problem:  # noqa: BLE001 - the library's many ways to say no
                self._context = None
                raise Refused(f"the token is refused: {problem}") from None
            if self._context.complete:
                self.user = self._account(self._context)
        return base64.b64encode(answer).decode("ascii") if answer else None

    def _account(self, context: spnego.ContextProxy) -> str:
        who = context.client_principal or "unknown"
        if context.negotiated_protocol != "kerberos":
            return who
        user = self._tickets.users.get(who) if self._tickets is not None else None
        if user is None or self._password_of(user) is None:
            self._context = None
            raise Refused(f"no account is mapped to {who}")
        return user

    @contextlib.contextmanager
    def _accounts_for(self, token: bytes) -> Iterator[None]:
        """Point pyspnego at an account file with the one account that the token names, if the host knows it."""
        domain, user = _named(token)
        password = self._password_of(f"{domain}\\{user}" if domain else user) if user else None
        line = ""
        if password is not None:
            name = f"{domain}\\{user}" if domain else user
            line = f"{name}:0:{'0' * 32}:{ntowfv1(password).hex().upper()}:[U]:LCT-0\n"
        with _one_at_a_time, tempfile.TemporaryDirectory(prefix="lab-accounts-") as folder:
            file = Path(folder, "accounts")
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                out.write(line)
            keys = str(self._tickets.keytab) if self._tickets is not None else str(Path(folder, "none"))
            with _environment({_ACCOUNTS_VARIABLE: str(file), _KEYTAB_VARIABLE: keys}):
                yield


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def principal_name(der: bytes) -> str:
    """The user principal name of a certificate (an other name of its subject), or empty."""
    try:
        found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
        for one in found.value.get_values_for_type(x509.OtherName):
            if one.type_id == _PRINCIPAL_NAME:
                return one.value[2:].decode("utf-8")  # a short UTF8String: tag and length come first
    except (ValueError, x509.ExtensionNotFound):
        return ""
    return ""


def _decoded(credential: bytes) -> str:
    """Clients disagree about the encoding of Basic: UTF-8 where it fits, else Latin-1."""
    try:
        return credential.decode("utf-8")
    except UnicodeDecodeError:
        return credential.decode("latin-1")


def _acceptor() -> spnego.ContextProxy:
    # Always the implementation in Python: SSPI would ask the jump host's own accounts.
    return spnego.server(protocol="negotiate", service="http", options=spnego.NegotiateOptions.use_negotiate)


def _named(token: bytes) -> tuple[str, str]:
    """Domain and user of the NTLM authenticate message within a token; empty where it is another message."""
    start = token.find(_NTLM + _AUTHENTICATE)
    if start < 0:
        return "", ""
    try:
        message = Authenticate.unpack(token[start:])
    except Exception:  # noqa: BLE001 - a torn message names nobody; the acceptor will refuse it
        return "", ""
    return message.domain_name or "", message.user_name or ""
