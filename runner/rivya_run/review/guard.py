"""Who may read the page and decide on it: the page itself, in the browser of whoever was told its address.

Any web page can make a browser send requests to this machine, any program on it can open the port, and any name can
be made to lead here. So each request has to know the token, be for our own name, and not come from another page.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES: Final = ("127.0.0.1", "localhost")
_READING: Final = ("GET", "HEAD")
_HTTP_PORT: Final = 80  # browsers leave it out

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address has the token in it
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""With every answer that doesn't say otherwise. The styles are those of the browser around a single clip."""


class Guard:
    """Lets requests through to ``app``, their paths without the token; all others end here."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == _HTTP_PORT else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        _, token, *rest = str(scope["path"]).split("/", 2)
        refusal = self._refusal(scope["method"], Headers(scope=scope))
        if refusal is not None:
            await PlainTextResponse(refusal, 403)(scope, receive, with_headers)
        elif not rest or not compare_digest(token.encode(), self._token):
            await PlainTextResponse("not found", 404)(scope, receive, with_headers)
        else:
            await self._app({**scope, "path": f"/{rest[0]}"}, receive, with_headers)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "this server has another name"  # one that leads here for a page that wants to read ours
        if (origins or method not in _READING) and origins != [f"http://{hosts[0]}"]:
            return "this isn't for other pages"
        navigation = method == "GET" and headers.get("sec-fetch-dest") == "document"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not navigation:
            return "this isn't for other pages"
        return None
