"""The requests of a served page: itself, whether there is a newer one, its files, and decisions."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from rivya_run.errors import RivyaError, UsageError
from rivya_run.media.types import by_suffix
from rivya_run.project.plan import RunOptions
from rivya_run.review.guard import NAMES, Guard
from rivya_run.review.shown import Decision, ShownPage, in_words
from rivya_run.text import visible

_MOST: Final = 4096  # bytes of a decision
_DIGITS: Final = re.compile(r"[0-9a-f]{8,64}")
_TOKEN_BYTES: Final = 32
_BACKLOG: Final = 64  # connections that wait: a browser opens six
_GRACE: Final = (
    1  # seconds for what is being answered when the server ends: a paused clip would take for ever
)
_PAGE_POLICY: Final = "frame-ancestors 'none'"  # all else stands in the page itself, as on one from disk
_DECISIONS: Final[dict[str, Decision]] = {"pick": "pick", "approve": "approve", "unapprove": "unapprove"}


def serve(
    storyboard: Path,
    options: RunOptions,
    port: int,
    *,
    began: Callable[[str], None],
    tell: Callable[[str], None],
) -> None:
    """Serve the page until a signal comes. ``began`` gets its address, ``tell`` each decision that was written.

    Raises UsageError where the port is taken, RivyaError where there is nothing to show.
    """
    page = ShownPage(storyboard, options)
    with _listening(port) as listening:
        page.begin()
        token, port = secrets.token_urlsafe(_TOKEN_BYTES), listening.getsockname()[1]
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)
        config = uvicorn.Config(
            Guard(review_app(page, tell), port, token),
            http="h11",
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )
        began(f"http://{NAMES[0]}:{port}/{token}/")
        uvicorn.Server(config).run(sockets=[listening])


def _listening(port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((NAMES[0], port))
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        raise UsageError(f"port {port} can't be used: {error.strerror or error}") from error
    return found


def review_app(page: ShownPage, tell: Callable[[str], None]) -> Starlette:
    """What the guard lets through to; ``tell`` is given what each decision came to, and bugs, each once."""
    answers = _Answers(page, tell)
    return Starlette(
        exception_handlers={Exception: answers.bug},
        routes=[
            Route("/", answers.document),
            Route("/state", answers.state),
            Route("/file/{name}/{shown}", answers.file),
            *(Route(f"/{what}", answers.decide, methods=["POST"]) for what in _DECISIONS),
        ],
    )


class _Answers:
    def __init__(self, page: ShownPage, tell: Callable[[str], None]) -> None:
        self._page = page
        self._tell = tell
        self._bugs: set[str] = set()

    async def document(self, request: Request) -> Response:
        await run_in_threadpool(self._page.look)
        headers = {"Content-Security-Policy": _PAGE_POLICY}
        return Response(self._page.html, media_type="text/html", headers=headers)

    async def state(self, request: Request) -> Response:
        await run_in_threadpool(self._page.look)
        return JSONResponse({"revision": str(self._page.revision), "problem": self._page.problem or ""})

    async def file(self, request: Request) -> Response:
        found = await run_in_threadpool(self._page.file, request.path_params["name"])
        if found is None:
            return PlainTextResponse("not found", 404)
        media = by_suffix(found.suffix)
        if media is None:  # nothing that a browser is to show, whatever it is
            return FileResponse(found, media_type="application/octet-stream", filename=found.name)
        return FileResponse(found, media_type=media.mime_type)

    async def decide(self, request: Request) -> Response:
        asked = await _asked(request)
        if isinstance(asked, Response):
            return asked
        try:
            written = await run_in_threadpool(self._page.decide, *asked)
        except RivyaError as error:
            return JSONResponse({"error": in_words(error)}, 409)
        self._tell(written)
        return JSONResponse({"written": written})

    async def bug(self, request: Request, error: Exception) -> Response:
        said = f"internal error: {type(error).__name__}: {visible(str(error))}"
        if said not in self._bugs:
            self._bugs.add(said)
            self._tell(said)
        return JSONResponse({"error": said}, 500)


async def _asked(request: Request) -> tuple[Decision, str, str] | Response:
    """What is to be decided of which shot, and by which digits; or why that can't be told."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return JSONResponse({"error": "a decision is sent as application/json"}, 415)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST:
            return JSONResponse({"error": "a decision is shorter than that"}, 413)
    try:
        asked = json.loads(body)
        shot, digits = asked["shot"], asked["digits"]
        if isinstance(shot, str) and _DIGITS.fullmatch(digits):
            return _DECISIONS[request.url.path.rpartition("/")[2]], shot, digits
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return JSONResponse({"error": "a decision names a shot, and a take by its digits"}, 400)
