"""What an inventory says about a WinRM connection, with the defaults made plain. No IO."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from engine.model.errors import AuthenticationFailed
from engine.model.inventory import Host

HTTP_PORT = 5985
HTTPS_PORT = 5986
GRACE_S = 3.0

Transport: TypeAlias = Literal["ntlm", "kerberos", "basic", "certificate", "credssp"]

_TRANSPORTS: dict[str, Transport] = {
    "ntlm": "ntlm",
    "negotiate": "ntlm",
    "kerberos": "kerberos",
    "basic": "basic",
    "plaintext": "basic",
    "ssl": "basic",
    "certificate": "certificate",
    "credssp": "credssp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRmSettings:
    """One host's WinRM connection. ``validate`` is whether the host's certificate is verified;
    ``answer_grace_s`` is how long after its operation time-out the host may take to say so.
    """

    address: str
    port: int
    scheme: str
    transport: Transport
    user: str
    validate: bool
    ca_trust_path: str | None
    encryption: Literal["auto", "always", "never"]
    operation_timeout_s: int
    answer_grace_s: float
    persistent: bool
    certificate: str | None
    certificate_key: str | None
    kerberos_delegation: bool
    kerberos_name: str | None
    password_given: bool

    @property
    def endpoint(self) -> str:
        """The URL."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{address}:{self.port}/wsman"

    @property
    def identity_note(self) -> str:
        """What this way of connecting does not prove."""
        if self.scheme == "http" and self.transport == "ntlm":
            return "NTLM over HTTP does not prove which host answers; HTTPS or Kerberos does"
        if self.scheme == "https" and not self.validate and self.transport != "kerberos":
            return "the host's certificate is not verified, so nothing proves which host answers"
        return ""


def read_settings(host: Host) -> WinRmSettings:
    """The settings of a host; HTTPS unless the port or the inventory says HTTP."""
    options = host.options
    scheme = str(options.get("scheme") or ("http" if host.port == HTTP_PORT else "https"))
    encryption = options.get("message_encryption")
    timeout = _seconds(options.get("operation_timeout_s"), 20.0)
    return WinRmSettings(
        address=host.address,
        port=host.port or (HTTP_PORT if scheme == "http" else HTTPS_PORT),
        scheme=scheme,
        transport=_TRANSPORTS.get(str(options.get("transport") or "ntlm"), "ntlm"),
        user=host.user or "",
        validate=options.get("server_cert_validation") not in ("ignore", False),
        ca_trust_path=_place(options.get("ca_trust_path")),
        encryption="never" if encryption == "never" else "always" if encryption == "always" else "auto",
        operation_timeout_s=int(timeout),
        answer_grace_s=max(1.0, _seconds(options.get("read_timeout_s"), timeout + GRACE_S) - timeout),
        persistent=options.get("persistent") is not False,
        certificate=_place(options.get("cert_pem")),
        certificate_key=_place(options.get("cert_key_pem")),
        kerberos_delegation=options.get("kerberos_delegation") is True,
        kerberos_name=_text(options.get("kerberos_hostname_override")),
        password_given=host.password is not None,
    )


def refuse_plain_text(host: str, settings: WinRmSettings) -> None:
    """Refuse, before anything is sent, a connection on which a listener could read the password or the commands."""
    if settings.scheme == "https":
        return
    if settings.transport == "basic":
        raise AuthenticationFailed(
            host,
            "Basic authentication over HTTP",
            "it would send the password readable to everyone on the way",
            remedy="set `ansible_winrm_scheme: https` (port 5986), or `ansible_winrm_transport: ntlm`",
        )
    if settings.transport == "certificate":
        raise AuthenticationFailed(
            host,
            "a client certificate over HTTP",
            "a certificate is only shown over HTTPS",
            remedy="set `ansible_winrm_scheme: https` (port 5986)",
        )
    if settings.encryption == "never":
        raise AuthenticationFailed(
            host,
            "WinRM over HTTP without message encryption",
            "it would send commands and their secrets readable to everyone on the way",
            remedy="remove `ansible_winrm_message_encryption: never`, or set `ansible_winrm_scheme: https`",
        )


def _seconds(value: object, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) and value >= 1 else default


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _place(value: object) -> str | None:
    text = _text(value)
    return None if text is None else str(Path(text).expanduser())
