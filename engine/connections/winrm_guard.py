"""What a WinRM server may not do to this side: answer without an end, or send it elsewhere; and who is no WinRM server.

requests reads an answer to its end, whatever its length and however long it takes; here both are bounded.
"""

import struct
import time
from collections.abc import Callable, Iterator
from http.client import IncompleteRead
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

import requests
from requests.adapters import HTTPAdapter
from winrm.protocol import Protocol

MAX_BYTES = 8 * 1024 * 1024
"""An answer is at most an envelope, of which Windows makes no larger ones than half a megabyte."""

NOT_WINRM = "the port serves something else than WinRM; compare `winrm enumerate winrm/config/listener`"
_PIECE_BYTES = 64 * 1024


class EndlessAnswer(requests.RequestException):
    """The answer is larger than any that WinRM gives."""


def stranger(error: BaseException) -> str:
    """What somebody did who is no WinRM server, or not a whole one; empty if the error is another."""
    if isinstance(error, requests.TooManyRedirects):
        return "answered with a redirect, which WinRM never does"
    if isinstance(error, EndlessAnswer):
        return f"answered without an end: {error}"
    if isinstance(error, (IncompleteRead, requests.exceptions.ChunkedEncodingError)):
        return "broke off in the middle of its answer"
    # pywinrm has no keys to seal with where the logon was answered with success before it began.
    unsealed = isinstance(error, AttributeError) and "'wrap'" in str(error)
    if unsealed or isinstance(error, (ParseError, ExpatError, struct.error)):
        return "answered with something that is not WinRM"
    return ""


def guard(protocol: Protocol) -> None:
    """Guard every request of a protocol, the first one included."""
    transport = protocol.transport
    set_up, build = transport.setup_encryption, transport.build_session

    def guarded_set_up(session: requests.Session) -> None:
        set_up(_guarded(session))

    def guarded_build() -> requests.Session:
        return _guarded(build())

    transport.setup_encryption = guarded_set_up  # type: ignore[method-assign]
    transport.build_session = guarded_build  # type: ignore[method-assign]


def _guarded(session: requests.Session) -> requests.Session:
    if not isinstance(session.adapters.get("https://"), _Adapter):
        session.trust_env = False  # else all of it is searched for a proxy at every request
        session.max_redirects = 0
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter())
    return session


class _Adapter(HTTPAdapter):
    """Bounds the body of each answer; the time to its first byte is bounded by the read timeout alone."""

    def send(self, request: requests.PreparedRequest, *more: Any, **options: Any) -> requests.Response:
        """Send, and put the bounds around what comes back."""
        response = super().send(request, *more, **options)
        limits = options.get("timeout")
        seconds = limits[1] if isinstance(limits, tuple) else limits
        response.raw.stream = _bounded(response.raw, seconds if isinstance(seconds, (int, float)) else None)
        return response


def _bounded(raw: Any, seconds: float | None) -> Callable[..., Iterator[bytes]]:
    ends_at = None if seconds is None else time.monotonic() + seconds

    def stream(*_: Any, **__: Any) -> Iterator[bytes]:
        left = MAX_BYTES
        while piece := raw.read1(_PIECE_BYTES, decode_content=True):
            left -= len(piece)
            if left < 0:
                raw.close()
                raise EndlessAnswer(f"the answer is larger than {MAX_BYTES} bytes")
            if ends_at is not None and time.monotonic() > ends_at:
                raw.close()
                raise requests.ReadTimeout("the answer did not end in time")
            yield piece

    return stream
