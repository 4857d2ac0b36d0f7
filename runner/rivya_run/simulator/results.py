"""The results origin: media files with Range, ETag and URLs that expire."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from rivya_run.simulator.clips import Abandoned
from rivya_run.simulator.context import CutReply, Dropped, Endpoint, Late, SimulatorContext, page
from rivya_run.simulator.render_cache import Content
from rivya_run.simulator.tasks import SimulatedTask

_RANGE = re.compile(r"^bytes=(?=\d|-\d)(\d*)-(\d*)$")
_CHUNK = 256 * 1024  # bytes sent at once
_ERRORS = {"403": 403, "404": 404, "410": 410, "429": 429, "500": 500, "503": 503}


def results_app(context: SimulatorContext) -> Router:
    results = _Results(context)
    download = Endpoint(context, "results", "download", results.identity, results.download)
    elsewhere = Endpoint(context, "results", "elsewhere", lambda request: "", results.elsewhere)
    return Router(
        routes=[
            Route("/results/{id}/{number:int}.{extension}", download, methods=["GET"]),
            Route("/{path:path}", elsewhere),
        ]
    )


def result_urls(context: SimulatorContext, task: SimulatedTask, now: float) -> list[str]:
    """The URLs of a task's files; with a lifetime, fresh ones each time they are asked for."""
    extension = context.render_cache.extension(task)
    urls = []
    for number in range(1, task.files + 1):
        url = f"{context.results_url}/results/{task.id}/{number}.{extension}"
        if context.options.url_lifetime is not None:
            expires = f"{now + context.options.url_lifetime:.3f}"
            url += f"?expires={expires}&signature={_signature(context, task.id, expires)}"
        urls.append(url)
    return urls


def _signature(context: SimulatorContext, task_id: str, expires: str) -> str:
    return hashlib.sha256(f"{context.options.seed}|{task_id}|{expires}".encode()).hexdigest()[:24]


class ServedFile(Response):
    """A file or a part of it, sent in chunks."""

    def __init__(
        self, content: Content, start: int, stop: int, *, part: bool, etag: str, ends: Callable[[], None]
    ) -> None:
        self._ends = ends
        super().__init__(status_code=206 if part else 200, media_type=content.mime_type)
        self.body = memoryview(content.body)[start:stop]
        self.headers["content-length"] = str(stop - start)
        self.headers["etag"] = etag
        self.headers["accept-ranges"] = "bytes"
        if part:
            self.headers["content-range"] = f"bytes {start}-{stop - 1}/{len(content.body)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = memoryview(self.body)
        for start in range(0, len(body), _CHUNK):
            if start + _CHUNK >= len(body):
                self._ends()
            chunk = bytes(body[start : start + _CHUNK])
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class _Results:
    def __init__(self, context: SimulatorContext) -> None:
        self._context = context
        self._served: Counter[tuple[str, int]] = Counter()

    def identity(self, request: Request) -> str:
        """The identity of the task's create, with the file's number."""
        create = self._context.state.identity_of(request.path_params["id"])
        return f"{create}/{request.path_params['number']}"

    async def elsewhere(self, request: Request, fault: str | None) -> Response:
        """Anything else, uploaded files among it: their content is not kept."""
        await request.body()
        return Response("nothing here\n", 404, media_type="text/plain")

    async def download(self, request: Request, fault: str | None) -> Response:
        """GET /results/{task}/{number}.{extension}."""
        context, connection_faults = self._context, self._context.connection_faults["results"]
        if fault == "lost":
            return Dropped(connection_faults)
        if fault == "html":
            return page()
        if fault in _ERRORS:
            return Response("no\n", _ERRORS[fault], media_type="text/plain")
        moved = _moved(request, fault)
        if moved is not None:
            return RedirectResponse(moved, 302)
        task = context.state.result_of(request.path_params["id"], context.now())
        if task is None or not 1 <= request.path_params["number"] <= task.files:
            return Response("not found\n", 404, media_type="text/plain")
        if not self._fresh(request):
            return Response("the URL has expired\n", 403, media_type="text/plain")
        served = self._served[request.path_params["id"], request.path_params["number"]]
        if context.options.serves is not None and served >= context.options.serves:
            return Response("it was served already\n", context.options.served_status, media_type="text/plain")
        try:
            content = await context.render_cache.content(task, request.path_params["number"])
        except Abandoned:
            return Dropped(connection_faults)
        context.notify(request, "decided")
        whole = self._file(request, content, fault)
        if fault == "cut":
            return CutReply(whole, connection_faults)
        return Late(whole, context.options.slow_seconds) if fault == "slow" else whole

    def _fresh(self, request: Request) -> bool:
        if self._context.options.url_lifetime is None:
            return True
        expires = request.query_params.get("expires", "")
        wanted = _signature(self._context, request.path_params["id"], expires)
        return request.query_params.get("signature") == wanted and self._context.now() < float(expires)

    def _file(self, request: Request, content: Content, fault: str | None) -> Response:
        """The whole file, or the part that a Range header asks for."""
        size = len(content.body)
        name = request.path_params["id"], request.path_params["number"]

        def ends() -> None:
            self._served[name] += 1

        changes = f"-{self._context.traffic.counts['download']}" if fault == "etag" else ""
        etag = f'"{content.etag}{changes}"'
        start, stop = 0, size // 2 if fault == "short" else size
        asked = None
        if fault not in ("short", "no-range") and request.headers.get("if-range", etag) == etag:
            asked = _RANGE.match(request.headers.get("range", ""))
        if asked is not None and asked[1]:
            start, stop = int(asked[1]), min(size, int(asked[2]) + 1 if asked[2] else size)
        elif asked is not None:
            start = max(0, size - int(asked[2]))
        if start >= stop:
            return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
        return ServedFile(content, start, stop, part=asked is not None, etag=etag, ends=ends)


def _moved(request: Request, fault: str | None) -> str | None:
    """Where a redirecting fault sends the client; one that followed is not sent away again."""
    if fault == "redirect-loop":
        return str(request.url)
    if fault not in ("redirect", "redirect-foreign") or "moved" in request.query_params:
        return None
    url = request.url.include_query_params(moved="1")
    if fault == "redirect-foreign":
        url = url.replace(hostname="localhost" if url.hostname != "localhost" else "127.0.0.1")
    return str(url)
