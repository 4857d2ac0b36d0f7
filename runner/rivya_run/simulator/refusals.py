"""The errors of the API: code, HTTP status and body, as its errors page publishes them; and who is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from rivya_run.json_types import Json
from rivya_run.media.types import recognise
from rivya_run.models.catalog import Catalog
from rivya_run.models.table import KindLimit, ModelTable
from rivya_run.models.values import REFERENCES_KEY, Rejected, judge_value
from rivya_run.simulator.options import SimulatorOptions

#: Code -> (HTTP status, message). ``insufficient_credits`` has no published status: it is an option.
CODES: Mapping[str, tuple[int, str]] = {
    "public_api_disabled": (503, "The public API is temporarily disabled."),
    "api_key_missing": (401, "A valid Bearer API key is required."),
    "api_key_invalid": (401, "The API key cannot be verified."),
    "api_key_revoked": (401, "The API key was revoked."),
    "api_key_expired": (401, "The API key has expired."),
    "api_scope_denied": (403, "The API key lacks the scope for this request."),
    "rate_limited": (429, "Too many requests in the current window."),
    "validation_failed": (400, "The request is not valid."),
    "not_found": (404, "There is no such thing, or it is not yours."),
    "idempotency_conflict": (409, "The idempotency key was used with another request."),
    "insufficient_credits": (402, "Not enough credits."),
    "internal_error": (500, "Something went wrong."),
    "bad_gateway": (502, "The upstream did not answer."),
    "service_unavailable": (503, "The service is not available right now."),
}


class Refusal(Exception):
    """The API says no. ``headers`` go with the reply (``Retry-After``)."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        known_status, known_message = CODES[code]
        self.code = code
        self.message = message or known_message
        self.status = status or known_status
        self.headers = dict(headers or {})
        super().__init__(f"{self.code}: {self.message}")

    def body(self, request_id: str) -> dict[str, Json]:
        """The published error body: ``{"error": {"code", "message", "requestId"}}``."""
        return {"error": {"code": self.code, "message": self.message, "requestId": request_id}}


def throttled(retry_after: str | None, message: str | None = None) -> Refusal:
    """A 429, with ``Retry-After`` where its text is given."""
    headers = None if retry_after is None else {"Retry-After": retry_after}
    return Refusal("rate_limited", message, headers=headers)


KEY_PREFIX = "rvya_sk_"
SHARED_ACCOUNT = "default"


class AccountLimits:
    """Decides whether a request comes in. ``disabled`` and ``refused_keys`` may change while it runs."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.disabled = False
        self.refused_keys = dict(options.refused_keys)
        self._options = options
        self._tokens: dict[str, tuple[float, float]] = {}

    def account_of(self, authorization: str | None) -> str:
        """The account of a request's ``Authorization`` header. Raises Refusal."""
        if self.disabled:
            raise Refusal("public_api_disabled")
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Refusal("api_key_missing")
        if key in self.refused_keys:
            raise Refusal(self.refused_keys[key])
        known = key == self._options.key if self._options.key is not None else key.startswith(KEY_PREFIX)
        if not known:
            raise Refusal("api_key_invalid")
        return key if self._options.account_per_key else SHARED_ACCOUNT

    def admit(self, account: str, now: float) -> None:
        """Count a request against the account's rate: a bucket of one second's worth. Raises Refusal."""
        rate = self._options.rate_limit
        if rate is None:
            return
        room = max(1.0, rate)
        tokens, since = self._tokens.get(account, (room, now))
        tokens = min(room, tokens + max(0.0, now - since) * rate)
        self._tokens[account] = (tokens - 1 if tokens >= 1 else tokens, now)
        if tokens < 1:
            raise throttled(self._options.retry_after)


MOST_TRACE_CHARACTERS = 128  # of client_request_id, as published
_MB = 1024 * 1024
_KINDS = ("image", "video", "audio")
_ITEM_KEYS = frozenset({"url", "kind", "name", "mimeType", "durationSeconds", "durationToken"})
_FILE_PATH = re.compile(r"^/files/(file_[A-Za-z0-9]+)(?:/|$)")

#: The limits of uploads that name no model with a policy of its own.
DEFAULT_LIMITS: Mapping[str, KindLimit] = {
    "image": KindLimit("image", 10, ("image/jpeg", "image/png", "image/webp")),
    "video": KindLimit("video", 50, ("video/mp4", "video/quicktime", "video/webm")),
    "audio": KindLimit(
        "audio", 10, ("audio/mpeg", "audio/mp4", "audio/wav", "audio/x-wav", "audio/aac", "audio/ogg")
    ),
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A create that may be done."""

    table: ModelTable
    prompt: str | None
    params: Mapping[str, Json]
    client_request_id: str | None


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What the judge must know of an uploaded file: its kind, and the token that its use must show."""

    kind: str
    duration_token: str | None


#: From a file's id to what is known of it; None when it is not there (any more) or not the account's.
FileLookup = Callable[[str], KnownFile | None]


def judge_create(body: bytes, content_type: str, catalog: Catalog, known_file: FileLookup) -> Ask:
    """The create that a body asks for. Raises Refusal (``validation_failed``)."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise _invalid("Content-Type must be application/json")
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise _invalid("the body must be an object")
    if "files" in document:
        raise _invalid("there is no top-level field 'files': use params.referenceMediaItems")
    model = document.get("model")
    table = catalog.get(model) if isinstance(model, str) else None
    if table is None:
        raise _invalid(f"model: there is no model {model!r}")
    trace = document.get("client_request_id")
    if trace is not None and not isinstance(trace, str):
        raise _invalid("client_request_id must be a string")
    prompt = _judge_prompt(document.get("prompt"), table)
    params = document.get("params", {})
    if not isinstance(params, dict):
        raise _invalid("params must be an object")
    _judge_params(params, table, known_file)
    return Ask(table, prompt, params, trace)


def judge_upload(fields: Mapping[str, str], start: bytes, size: int, catalog: Catalog) -> tuple[str, str]:
    """Kind and MIME type of an uploaded file. Raises Refusal (``validation_failed``)."""
    kind = fields.get("kind", "")
    if kind not in _KINDS:
        raise _invalid("kind must be image, video or audio")
    if len(fields.get("client_request_id", "")) > MOST_TRACE_CHARACTERS:
        raise _invalid(f"client_request_id is longer than {MOST_TRACE_CHARACTERS} characters")
    limit = DEFAULT_LIMITS[kind]
    if model := fields.get("model"):
        table = catalog.get(model)
        if table is None:
            raise _invalid(f"model: there is no model {model!r}")
        limit = _limit(table, kind) or limit
    media = recognise(start)
    if media is None or not media.names & set(limit.mime):
        found = media.mime_type if media is not None else "nothing known"
        raise _invalid(f"file: its signature says {found}, not {', '.join(limit.mime)}")
    if size > limit.max_mb * _MB:
        raise _invalid(f"file: larger than {limit.max_mb:g} MB")
    return kind, media.mime_type


def file_path(file_id: str, name: str) -> str:
    """The path of an uploaded file's URL: what stays the same when a simulator moves to another port."""
    return f"/files/{file_id}/{re.sub(r'[^A-Za-z0-9._-]', '_', name)[-80:] or 'file'}"


def _limit(table: ModelTable, kind: str) -> KindLimit | None:
    if table.references is None:
        if table.complete:
            raise _invalid(f"model: {table.id} takes no reference files")
        return None
    if kind not in table.references.kinds:
        raise _invalid(f"kind: {table.id} takes no {kind} files")
    return next((limit for limit in table.references.limits if limit.kind == kind), None)


def _judge_prompt(prompt: Json, table: ModelTable) -> str | None:
    if prompt is None:
        if table.prompt_required:
            raise _invalid("prompt is required")
        return None
    if not isinstance(prompt, str):
        raise _invalid("prompt must be a string")
    if table.prompt_required and not prompt.strip():
        raise _invalid("prompt must not be blank")
    if table.max_prompt_length is not None and len(prompt) > table.max_prompt_length:
        raise _invalid(f"prompt: more than {table.max_prompt_length} characters")
    return prompt


def _judge_params(params: Mapping[str, Json], table: ModelTable, known_file: FileLookup) -> None:
    for key, value in params.items():
        if key == REFERENCES_KEY:
            _judge_items(value, table, known_file)
            continue
        row = table.row(key)
        if row is None:
            if table.complete:
                raise _invalid(f"params.{key}: {table.id} has no such parameter")
            continue
        judged = judge_value(row, value, None)
        if isinstance(judged, Rejected):
            raise _invalid(f"params.{key}: {judged.message}")
        if judged.value != value or isinstance(judged.value, str) != isinstance(value, str):
            raise _invalid(f"params.{key}: {value!r} must be sent as {judged.value!r}")
    missing = next((row.key for row in table.params if row.required and row.key not in params), None)
    if missing is not None:
        raise _invalid(f"params.{missing} is required by {table.id}")


def _judge_items(items: Json, table: ModelTable, known_file: FileLookup) -> None:
    if not isinstance(items, list):
        raise _invalid(f"params.{REFERENCES_KEY} must be a list")
    policy = table.references
    if items and policy is None and table.complete:
        raise _invalid(f"params.{REFERENCES_KEY}: {table.id} takes no references")
    if policy is not None and len(items) > policy.max_files:
        raise _invalid(f"params.{REFERENCES_KEY}: {table.id} takes at most {policy.max_files}")
    for number, item in enumerate(items):
        where = f"params.{REFERENCES_KEY}[{number}]"
        if not isinstance(item, dict) or not set(item) <= _ITEM_KEYS:
            raise _invalid(f"{where} must be an object of {', '.join(sorted(_ITEM_KEYS))}")
        kind, url = item.get("kind"), item.get("url")
        if kind not in (policy.kinds if policy is not None else _KINDS):
            raise _invalid(f"{where}.kind: {table.id} takes no {kind!r}")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
            raise _invalid(f"{where}.url must be a web address")
        _judge_uploaded(where, url, item, known_file)


def _judge_uploaded(where: str, url: str, item: Mapping[str, Json], known_file: FileLookup) -> None:
    """A URL of the Files API is judged by its path, whatever port it was made for; others are let through."""
    parts = urlsplit(url)
    found = _FILE_PATH.match(parts.path) if parts.hostname in ("127.0.0.1", "localhost", "::1") else None
    if found is None:
        return
    file = known_file(found[1])
    if file is None:
        raise _invalid(f"{where}.url: there is no such file (any more)")
    if file.kind != item.get("kind"):
        raise _invalid(f"{where}.kind: the file was uploaded as {file.kind}")
    if file.duration_token is not None and item.get("durationToken") != file.duration_token:
        raise _invalid(f"{where}.durationToken must be the duration_token of the upload")


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _invalid(message: str) -> Refusal:
    return Refusal("validation_failed", message)
