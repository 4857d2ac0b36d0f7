"""The API origin: files, generations, status, credits, models, as Rivya publishes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router

from rivya_run.json_types import Json
from rivya_run.simulator.context import CutReply, Dropped, Endpoint, Late, SimulatorContext, half, page, reply
from rivya_run.simulator.refusals import Refusal, judge_create, judge_upload, throttled
from rivya_run.simulator.results import result_urls
from rivya_run.simulator.tasks import SimulatedTask, file_object, model_list, openapi, task_object

#: Reads the request, does what it asks for the account, and replies.
Effect = Callable[[Request, str], Awaitable[Response]]

_UNKNOWN_STATUS = "under_review"
_CHUNK = 1024 * 1024  # bytes read at once


def api_app(context: SimulatorContext) -> Router:
    api = _Api(context)

    def anyone(request: Request) -> str:
        return ""

    def polled(request: Request) -> str:
        return context.state.identity_of(request.path_params["id"])

    def route(
        path: str, method: str, place: str, effect: Effect, identify: Callable[[Request], str] = anyone
    ) -> Route:
        async def answer(request: Request, fault: str | None) -> Response:
            return await api.answer(request, place, effect, fault)

        endpoint = Endpoint(context, "api", place, identify, answer)
        return Route("/api/v1" + path, endpoint, methods=[method])

    return Router(
        routes=[
            route("/generations/{id}", "GET", "status", api.status, polled),
            route("/generations", "POST", "create", api.create, _idempotency_key),
            route("/files", "POST", "upload", api.upload, _length),
            route("/files/{id}", "GET", "file", api.file, _file_id),
            route("/credits", "GET", "credits", api.credits),
            route("/models", "GET", "models", api.models),
            route("/openapi.json", "GET", "openapi", api.openapi),
            Route("/{path:path}", Endpoint(context, "api", "elsewhere", anyone, api.elsewhere)),
        ]
    )


def _idempotency_key(request: Request) -> str:
    return str(request.headers.get("idempotency-key", ""))


def _length(request: Request) -> str:
    # The body is not read yet; the same file sent again is as long as before.
    return str(request.headers.get("content-length", ""))


def _file_id(request: Request) -> str:
    return str(request.path_params["id"])


class _Api:
    """The endpoints. Each does its effect and hands back the whole reply; faults are put around it."""

    def __init__(self, context: SimulatorContext) -> None:
        self._context = context

    async def answer(self, request: Request, place: str, effect: Effect, fault: str | None) -> Response:
        """Admit, act, and reply as the fault has it."""
        context = self._context
        if fault == "refused":
            return Dropped(context.connection_faults["api"])
        account = ""
        try:
            if place not in ("models", "openapi"):
                account = context.gate.account_of(request.headers.get("authorization"))
                context.gate.admit(account, context.now())
        except Refusal:
            await request.body()
            raise
        instead = self._instead(fault)
        if instead is not None:
            body = await request.body()
            if place == "create":
                context.state.refuse(_idempotency_key(request), _sha256(body), f"fault:{fault}")
            return instead
        try:
            response = await effect(request, account)
        finally:
            context.notify(request, "decided")
        return self._spoiled(response, fault)

    def _instead(self, fault: str | None) -> Response | None:
        """The reply of a fault that keeps the request from taking effect."""
        context = self._context
        if fault == "html":
            return page()
        if fault == "502":
            return page(502)
        if fault == "redirect":
            return RedirectResponse(f"{context.results_url}/elsewhere", 307)
        refusals = {
            "500": Refusal("internal_error"),
            "503": Refusal("service_unavailable"),
            "disabled": Refusal("public_api_disabled"),
            "conflict": Refusal("idempotency_conflict", "An earlier request with this key is still running."),
            "missing": Refusal("not_found"),
            "429": throttled(context.options.retry_after),
        }
        return context.refusal(refusals[fault]) if fault in refusals else None

    def _spoiled(self, whole: Response, fault: str | None) -> Response:
        """The reply of a fault that comes after the effect."""
        context, connection_faults = self._context, self._context.connection_faults["api"]
        if fault == "lost":
            return Dropped(connection_faults)
        if fault == "half":
            return half(whole)
        if fault == "cut":
            return CutReply(whole, connection_faults)
        if fault == "lost-html":
            return page()
        if fault == "lost-500":
            return context.refusal(Refusal("internal_error"))
        if fault == "slow":
            return Late(whole, context.options.slow_seconds)
        if fault == "hang":
            return Late(Dropped(connection_faults), context.options.hang_seconds)
        if fault == "unknown":
            return reply({**_parsed(whole), "status": _UNKNOWN_STATUS, "result": None})
        return whole

    async def create(self, request: Request, account: str) -> Response:
        """POST /generations."""
        context, now = self._context, self._context.now()
        body = await request.body()
        key, sha256 = request.headers.get("idempotency-key"), _sha256(body)
        task = context.state.earlier(account, key, sha256, now)
        if task is None:
            try:
                ask = judge_create(
                    body,
                    request.headers.get("content-type", ""),
                    context.catalog,
                    lambda file_id: context.state.known_file(account, file_id, now),
                )
                fate = context.fate(key or ask.client_request_id or "")
                task = context.state.create(account, key, sha256, ask, fate, now)
            except Refusal as refusal:
                context.state.refuse(key, sha256, refusal.code)
                raise
        return reply(self._task(task, now), context.options.create_status)

    async def status(self, request: Request, account: str) -> Response:
        """GET /generations/{id}."""
        now = self._context.now()
        task = self._context.state.task(account, request.path_params["id"], now)
        return reply(self._task(task, now))

    async def upload(self, request: Request, account: str) -> Response:
        """POST /files."""
        context = self._context
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            await request.body()
            raise Refusal("validation_failed", "Content-Type must be multipart/form-data")
        start, digest, size = b"", hashlib.sha256(), 0
        try:
            async with request.form(max_files=1) as form:
                file = form.get("file")
                if not isinstance(file, UploadFile):
                    raise Refusal("validation_failed", "file is required")
                fields = {name: value for name, value in form.items() if isinstance(value, str)}
                fields["name"] = file.filename or "file"
                while chunk := await file.read(_CHUNK):
                    start = start or chunk[:64]
                    digest.update(chunk)
                    size += len(chunk)
        except MultiPartException as error:
            raise Refusal("validation_failed", error.message) from error
        kind, mime = judge_upload(fields, start, size, context.catalog)
        stored = context.state.upload(account, kind, mime, size, digest.hexdigest(), fields, context.now())
        return reply(file_object(stored, context.results_url), context.options.upload_status)

    async def file(self, request: Request, account: str) -> Response:
        """GET /files/{id}."""
        file = self._context.state.file(account, request.path_params["id"], self._context.now())
        return reply(file_object(file, self._context.results_url))

    async def credits(self, request: Request, account: str) -> Response:
        """GET /credits."""
        self._context.state.settle(self._context.now())
        return reply({"current_credits": self._context.state.balance(account)})

    async def models(self, request: Request, account: str) -> Response:
        """GET /models: public."""
        return reply(model_list(self._context.catalog, self._context.options.listed_changes))

    async def openapi(self, request: Request, account: str) -> Response:
        """GET /openapi.json: public."""
        return reply(openapi())

    async def elsewhere(self, request: Request, fault: str | None) -> Response:
        """Any other path or method."""
        await request.body()
        raise Refusal("not_found", "There is no such endpoint here.")

    def _task(self, task: SimulatedTask, now: float) -> dict[str, Json]:
        urls = result_urls(self._context, task, now) if task.status(now) == "succeeded" else []
        return task_object(task, urls, now)


def _parsed(response: Response) -> dict[str, Json]:
    found = json.loads(bytes(response.body))
    return found if isinstance(found, dict) else {}


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
