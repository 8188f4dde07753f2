"""SPNEGO message encryption of WinRM: the multipart form that carries sealed envelopes in both directions.

Knows no HTTP; the security context is anything with pyspnego's ``wrap_winrm`` and ``unwrap_winrm``.
"""

import re
import struct
from typing import Protocol

SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
CONTENT_TYPE = f'multipart/encrypted;protocol="{SPNEGO}";boundary="Encrypted Boundary"'
_BOUNDARY = b"--Encrypted Boundary"
_LENGTH = re.compile(rb"Length=(\d+)")
_PAYLOAD_HEAD = b"\tContent-Type: application/octet-stream\r\n"


class BadSeal(Exception):
    """What arrived is no sealed envelope, or was changed on the way."""


class Context(Protocol):
    """The part of a security context that sealing needs."""

    def wrap_winrm(self, data: bytes, /) -> tuple[bytes, bytes, int]:
        """Seal."""

    def unwrap_winrm(self, header: bytes, data: bytes, /) -> bytes:
        """Open, or raise."""


def is_sealed(content_type: str) -> bool:
    """True if a request announces a sealed body."""
    return content_type.replace(" ", "").casefold().startswith("multipart/encrypted")


def seal(context: Context, content: bytes) -> bytes:
    """The multipart body for an envelope."""
    header, data, padding = context.wrap_winrm(content)
    original = f"type=application/soap+xml;charset=UTF-8;Length={len(content) + padding}"
    return b"".join(
        (
            _BOUNDARY,
            f"\r\n\tContent-Type: {SPNEGO}\r\n\tOriginalContent: {original}\r\n".encode("ascii"),
            _BOUNDARY,
            b"\r\n",
            _PAYLOAD_HEAD,
            struct.pack("<i", len(header)),
            header,
            data,
            _BOUNDARY,
            b"--\r\n",
        )
    )


def unseal(context: Context, body: bytes) -> bytes:
    """The envelope in a multipart body, or ``BadSeal``."""
    try:
        _, head, payload = body.split(_BOUNDARY + b"\r\n", 2)
    except ValueError:
        raise BadSeal("the body has not the two parts of an encrypted message") from None
    announced = _LENGTH.search(head)
    payload = payload.removesuffix(b"\r\n").removesuffix(b"--").removesuffix(_BOUNDARY)
    if announced is None or not payload.startswith(_PAYLOAD_HEAD):
        raise BadSeal("a part of the encrypted message lacks its header")
    payload = payload.removeprefix(_PAYLOAD_HEAD)
    if len(payload) < 4:  # noqa: PLR2004 - the length field itself
        raise BadSeal("the encrypted message is torn")
    (length,) = struct.unpack_from("<i", payload)
    if not 0 <= length <= len(payload) - 4:
        raise BadSeal("the encrypted message announces a wrong signature length")
    try:
        content = context.unwrap_winrm(payload[4 : 4 + length], payload[4 + length :])
    except Exception as problem:  # noqa: BLE001 - the library's many ways to say no
        raise BadSeal(f"the message does not open: {problem}") from None
    if len(content) != int(announced[1]):
        raise BadSeal("the message has another length than announced")
    return content
