"""WinRM over HTTP: connections with their authentication, sealing, and the faults of the wire, around ``WinrmService``.

A ``WinrmDoor`` is a protocol factory for one host and one scheme; whoever listens hands it to the event loop.
"""

import asyncio
import weakref
from collections.abc import Callable, Mapping

from aiohttp import web

from engine.lab.shells import Surroundings
from engine.lab.winrm_auth import KerberosAccounts, Peer, Refused
from engine.lab.winrm_envelope import MAX_REQUEST_BYTES
from engine.lab.winrm_sealing import CONTENT_TYPE, BadSeal, is_sealed, seal, unseal
from engine.lab.winrm_service import WinrmService

_SOAP_TYPE = "application/soap+xml;charset=UTF-8"
_PATH = "/wsman"
_MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


class WinrmDoor:
    """The HTTP or HTTPS side of one host. ``allowed`` says whether a request may be served at all right now."""

    def __init__(
        self,
        *,
        around: Surroundings,
        service: WinrmService,
        secure: bool,
        allowed: Callable[[], bool],
        certificate_users: Mapping[str, str] | None = None,
        tickets: KerberosAccounts | None = None,
    ) -> None:
        self._around = around
        self._faults = around.faults
        self._service = service
        self._secure = secure
        self._allowed = allowed
        self._tickets = tickets
        self._certificate_users = {name.casefold(): user for name, user in (certificate_users or {}).items()}
        self._peers: weakref.WeakKeyDictionary[asyncio.BaseTransport, Peer] = weakref.WeakKeyDictionary()
        self._server = web.Server(self._serve, access_log=None, keepalive_timeout=7200, handler_cancellation=True)

    def __call__(self) -> asyncio.Protocol:
        """A protocol for one new connection."""
        return self._server()

    def cut_off(self) -> None:
        """Close every connection at once, without an answer."""
        for connection in list(self._server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def close(self) -> None:
        """End all connections and their handlers."""
        self.cut_off()
        await self._server.shutdown(timeout=0.2)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        if transport is None or not self._allowed():
            return self._abort(request)
        if self._faults.delay_s:
            await asyncio.sleep(self._faults.delay_s)
        if (request.content_length or 0) > MAX_REQUEST_BYTES * 2:
            return web.Response(status=413)
        body = await request.read()
        if request.method != "POST" or request.path.rstrip("/").casefold() != _PATH:
            return web.Response(status=405 if request.method != "POST" else 404)
        peer = self._peers.get(transport)
        if peer is None:
            peer = self._peers[transport] = Peer(self._password_of, self._tickets)
        header = request.headers.get("Authorization", "")
        refusal, token = await self._judged(peer, header, transport)
        if refusal is not None:
            return refusal
        answer = await self._answer(request, peer, body)
        if token is not None:
            answer.headers["WWW-Authenticate"] = token
        return answer

    def _password_of(self, user: str) -> str | None:
        return None if self._faults.wrong_password else self._around.host.password_of(user)

    async def _judged(
        self, peer: Peer, header: str, transport: asyncio.BaseTransport
    ) -> tuple[web.Response | None, str | None]:
        if not header:
            return self._judge(peer, header)
        wrapped = transport.get_extra_info("ssl_object")
        shown = wrapped.getpeercert(binary_form=True) if wrapped is not None else None
        return await self._around.work(self._judge, peer, header, shown)

    def _judge(self, peer: Peer, header: str, shown: bytes | None = None) -> tuple[web.Response | None, str | None]:
        """A 401 that goes on with the exchange or ends it, or else the token that ends it well and goes along."""
        scheme, _, credential = header.partition(" ")
        try:
            match scheme.casefold():
                case "" if peer.known:
                    return None, None
                case "basic" if self._secure:
                    peer.basic(credential.strip())
                    return None, None
                case _ if scheme == _MUTUAL and self._secure:
                    peer.certificate(shown, self._certificate_users)
                    return None, None
                case "negotiate" | "ntlm":
                    token = peer.negotiate(credential.strip())
                case _:
                    return self._unauthorized(), None
        except Refused:
            peer.user = None
            return self._unauthorized(), None
        answer = f"{scheme} {token}" if token else None
        return (None, answer) if peer.known else (self._unauthorized(answer), None)

    def _unauthorized(self, goes_on: str | None = None) -> web.Response:
        response = web.Response(status=401)
        for offer in [goes_on] if goes_on else ["Negotiate", *(['Basic realm="WSMAN"'] if self._secure else [])]:
            response.headers.add("WWW-Authenticate", offer)
        return response

    async def _answer(self, request: web.BaseRequest, peer: Peer, body: bytes) -> web.StreamResponse:
        if not body:  # clients authenticate with an empty request first
            return web.Response(status=200, headers={"Content-Type": _SOAP_TYPE})
        sealed = is_sealed(request.headers.get("Content-Type", ""))
        context = peer.sealing if sealed else None
        if sealed and context is None:
            return web.Response(status=400)
        if not sealed and not self._secure:  # AllowUnencrypted is off, as on every Windows by default
            return web.Response(status=500, text="Unencrypted traffic is not allowed.")
        try:
            content = unseal(context, body) if context is not None else body
        except BadSeal as problem:
            return web.Response(status=400, text=str(problem))
        reply = await self._service.handle(content, peer.user or "")
        if reply.cut or not self._allowed():
            return self._abort(request)
        if context is None:
            return web.Response(status=reply.status, body=reply.content, headers={"Content-Type": _SOAP_TYPE})
        sealed_reply = seal(context, reply.content)
        return web.Response(status=reply.status, body=sealed_reply, headers={"Content-Type": CONTENT_TYPE})

    def _abort(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)
