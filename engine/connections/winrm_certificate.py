"""A client certificate looked at before any host is contacted: files there, whole, belonging together, in date, and
made for a client. A key with a passphrase is refused, as OpenSSL would ask the terminal for it.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from engine.connections.winrm_settings import WinRmSettings
from engine.model.errors import AuthenticationFailed

SOON = timedelta(days=30)
_PURPOSES = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


def refuse_unusable(host: str, settings: WinRmSettings, now: datetime | None = None) -> None:
    """``AuthenticationFailed`` if the certificate of these settings cannot log anybody on."""
    if settings.transport != "certificate":
        return
    certificate = _certificate(host, settings)
    _refuse_dates(host, settings, certificate, now or datetime.now(UTC))
    _refuse_purpose(host, settings, certificate)
    _refuse_key(host, settings, certificate)


def about(settings: WinRmSettings, now: datetime | None = None) -> str:
    """Who the certificate is made out to and by whom; empty if it cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificate(Path(settings.certificate or "").read_bytes())
    except (OSError, ValueError):
        return ""
    left = certificate.not_valid_after_utc - (now or datetime.now(UTC))
    soon = f", ends in {left.days} days" if left < SOON else ""
    return f"{certificate.subject.rfc4514_string()}, issued by {certificate.issuer.rfc4514_string()}{soon}"


def expiry_note(settings: WinRmSettings, now: datetime | None = None) -> str:
    """What should be told while it still works."""
    text = about(settings, now) if settings.transport == "certificate" else ""
    return f"the client certificate {text}" if ", ends in " in text else ""


def _certificate(host: str, settings: WinRmSettings) -> x509.Certificate:
    place = settings.certificate
    if place is None or settings.certificate_key is None:
        raise _problem(
            host,
            "the inventory does not name both its files",
            "set `ansible_winrm_cert_pem` and `ansible_winrm_cert_key_pem`",
        )
    try:
        return x509.load_pem_x509_certificate(_read(host, place))
    except ValueError as error:
        remedy = (
            f"openssl x509 -in {place} -noout says whether the file is whole; a .pfx has to be turned into PEM first"
        )
        raise _problem(host, f"{place} holds no certificate in PEM form", remedy) from error


def _read(host: str, place: str) -> bytes:
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise _problem(
            host, f"{place} cannot be read: {(error.strerror or '').lower()}", "correct the path in the inventory"
        ) from error


def _refuse_dates(host: str, settings: WinRmSettings, certificate: x509.Certificate, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        raise _problem(
            host,
            f"{settings.certificate} expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
            "get a new client certificate for the account, and map it on the host",
        )
    if now < certificate.not_valid_before_utc:
        raise _problem(
            host,
            f"{settings.certificate} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            "compare this machine's clock with that of the authority",
        )


def _refuse_purpose(host: str, settings: WinRmSettings, certificate: x509.Certificate) -> None:
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not any(one in purposes for one in _PURPOSES):
        raise _problem(
            host,
            f"{settings.certificate} is not made for the authentication of a client",
            "get one with the enhanced key usage Client Authentication (1.3.6.1.5.5.7.3.2)",
        )


def _refuse_key(host: str, settings: WinRmSettings, certificate: x509.Certificate) -> None:
    place = str(settings.certificate_key)
    content = _read(host, place)
    try:
        key = load_pem_private_key(content, None)
    except TypeError as error:
        remedy = f"write it without one into a file that only this account may read: openssl pkey -in {place} -out FILE"
        raise _problem(host, f"the key {place} has a passphrase, which a run cannot type", remedy) from error
    except ValueError as error:
        remedy = f"openssl pkey -in {place} -noout says whether the file is whole"
        raise _problem(host, f"{place} holds no private key in PEM form", remedy) from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise _problem(
            host,
            f"the key {place} does not belong to {settings.certificate}",
            "name the key that the certificate was made for as `ansible_winrm_cert_key_pem`",
        )


def _problem(host: str, cause: str, remedy: str) -> AuthenticationFailed:
    return AuthenticationFailed(host, "the client certificate", cause, remedy=remedy)
