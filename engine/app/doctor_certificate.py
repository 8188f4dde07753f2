"""How long the certificate that an HTTPS endpoint shows is still valid. Trust is judged by the connection, not here."""

import socket
import ssl
from urllib.parse import urlsplit

TIMEOUT_S = 10.0


def days_left(endpoint: str, now: float) -> int | None:
    """Whole days until it ends, negative if it has; None for other endpoints, or where none can be read."""
    url = urlsplit(endpoint)
    if url.scheme != "https" or url.hostname is None:
        return None
    from cryptography.x509 import load_der_x509_certificate

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only its dates are read; nothing is sent
    try:
        with (
            socket.create_connection((url.hostname, url.port or 443), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=url.hostname) as wrapped,
        ):
            shown = wrapped.getpeercert(binary_form=True)
    except (OSError, ssl.SSLError):
        return None
    if not shown:
        return None
    ends = load_der_x509_certificate(shown).not_valid_after_utc.timestamp()
    return int((ends - now) // 86400)
