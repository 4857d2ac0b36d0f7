"""The API's JSON bodies, read tolerantly into the records of the wire. Pure; any JSON gives a value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from rivya_run.records import Json
from rivya_run.records.history import MOST_CREDITS
from rivya_run.records.wire import ApiError, ListedModel, Task, TaskStatus, UploadedFile
from rivya_run.storyboard.language import URL_PATTERN

_LONGEST_ID = 512
_LONGEST_URL = 8192
_MOST_URLS = 64
_SENDABLE = re.compile(URL_PATTERN)
_STATUSES = {status.value: status for status in TaskStatus if status is not TaskStatus.OTHER}


def read_task(body: Json, *, asked_for: str | None = None) -> Task | None:
    """The task of a create or status reply, or None where the body holds none that can be followed.

    A status reply may leave its id out, but may not speak of another task than the one ``asked_for``.
    """
    found = _holder(body, ("task", "generation", "data"), "id", "status")
    if found is None:
        return None
    task_id = _id(found.get("id")) or asked_for
    if task_id is None or (asked_for is not None and task_id != asked_for):
        return None
    raw_status = _text(found.get("status")) or ""
    if asked_for is not None and not raw_status:
        return None
    return Task(
        id=task_id,
        status=_STATUSES.get(raw_status.strip().lower(), TaskStatus.OTHER),
        raw_status=raw_status[:100],
        model=_text(found.get("model")),
        reserved_credits=_credits(found.get("reserved_credits")),
        final_credits=_credits(found.get("final_credits")),
        created_at=_text(found.get("created_at")),
        updated_at=_text(found.get("updated_at")),
        urls=_urls(found.get("result")),
        error=_task_error(found.get("error")),
    )


def read_file(body: Json) -> UploadedFile | None:
    """The reply to an upload, or None without a URL that a create may carry; only that field is sure to be there."""
    found = _holder(body, ("file", "data"), "url")
    url = _url(found.get("url")) if found else None
    if found is None or url is None or _SENDABLE.fullmatch(url) is None:
        return None
    return UploadedFile(
        url=url,
        file_id=_id(_first(found, "id", "file_id", "fileId")),
        duration_token=_text(_first(found, "duration_token", "durationToken")),
        mime_type=_text(_first(found, "mime_type", "mimeType", "content_type")),
    )


def read_credits(body: Json) -> float | None:
    """The balance of ``GET /api/v1/credits``."""
    found = _holder(body, ("data",), "current_credits")
    return None if found is None else _number(found.get("current_credits"))


def read_models(body: Json) -> list[ListedModel] | None:
    """The list of ``GET /api/v1/models``; entries without an id are left out. None where it is no list."""
    entries = body.get("data") if isinstance(body, dict) else body
    if not isinstance(entries, list):
        return None
    return [model for entry in entries if (model := _model(entry)) is not None]


def _model(entry: Json) -> ListedModel | None:
    model_id = _id(entry.get("id")) if isinstance(entry, dict) else None
    if model_id is None or not isinstance(entry, dict):
        return None
    longest = _number(entry.get("max_prompt_length"))
    needs_files = entry.get("requires_files_api")
    return ListedModel(
        id=model_id,
        display_name=_text(entry.get("display_name")),
        category=_text(entry.get("category")),
        base_credits=_number(entry.get("base_credits")),
        billing_type=_text(entry.get("billing_type")),
        max_prompt_length=None if longest is None else int(longest),
        api_status=_text(entry.get("api_status")),
        api_input_status=_text(entry.get("api_input_status")),
        requires_files_api=needs_files if isinstance(needs_files, bool) else None,
    )


def error_code(body: Json) -> str | None:
    """The ``error.code`` of an HTTP error body, or None where it isn't one of the API's."""
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else body.get("code")
    return _text(code)


def read_error(body: Json, *, status: int, excerpt: str, request_id: str | None) -> ApiError:
    """What an error answer says; without a code of the API's it is called ``http_<status>``."""
    holder: Json = body.get("error") if isinstance(body, dict) else None
    if not isinstance(holder, dict):
        holder = body if isinstance(body, dict) else {}
    text = holder.get("error")
    message = _text(holder.get("message")) or _text(text) or excerpt.strip()
    return ApiError(
        code=error_code(body) or f"http_{status}",
        message=clean(message)[:2000] or f"the server answered with HTTP status {status} and nothing else",
        request_id=_text(_first(holder, "requestId", "request_id")) or request_id,
        http_status=status,
    )


def _task_error(error: Json) -> ApiError | None:
    if isinstance(error, str) and error.strip():
        return ApiError(code="generation_failed", message=clean(error)[:2000])
    if not isinstance(error, dict) or not error:
        return None
    return ApiError(
        code=_text(error.get("code")) or "generation_failed",
        message=(_text(error.get("message")) or "the task failed without saying why")[:2000],
        request_id=_text(_first(error, "requestId", "request_id")),
    )


def _holder(body: Json, wrappers: Iterable[str], *fields: str) -> dict[str, Json] | None:
    """The object with one of the fields: the body itself, or what it wraps under one of the names."""
    if not isinstance(body, dict):
        return None
    inner = [wrapped for name in wrappers if isinstance(wrapped := body.get(name), dict)]
    return next((found for found in (body, *inner) if any(name in found for name in fields)), None)


def _first(found: dict[str, Json], *names: str) -> Json:
    return next((found[name] for name in names if found.get(name) is not None), None)


def _urls(result: Json) -> tuple[str, ...]:
    """The result's URLs in their order, each once; ``primary_url`` leads where the list lacks it."""
    if not isinstance(result, dict):
        return ()
    listed = result.get("urls")
    urls = [url for entry in listed if (url := _url(entry))] if isinstance(listed, list) else []
    primary = _url(result.get("primary_url"))
    if primary is not None and primary not in urls:
        urls.insert(0, primary)
    return tuple(dict.fromkeys(urls))[:_MOST_URLS]


def _url(value: Json) -> str | None:
    if not isinstance(value, str) or len(value) > _LONGEST_URL:
        return None
    url = value.strip()
    plain = url.isprintable() and " " not in url and not any("\ud800" <= mark <= "\udfff" for mark in url)
    return url if plain and url.lower().startswith(("https://", "http://")) else None


def _id(value: Json) -> str | None:
    """An id that can stand in a path: text (or a whole number) without controls, not ``.`` or ``..``."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**20 else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text or len(text) > _LONGEST_ID or not text.isprintable() or text in (".", ".."):
        return None
    return None if text != clean(text) else text


def _text(value: Json) -> str | None:
    return clean(value)[:4000] if isinstance(value, str) and value else None


def _number(value: Json) -> float | None:
    """A finite number of at least 0, also when written as text; whole ones as int would be are kept equal."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _credits(value: Json) -> float | None:
    """What one take costs; more than any can cost is no amount, and would spoil every sum."""
    number = _number(value)
    return number if number is not None and number <= MOST_CREDITS else None


def clean(text: str) -> str:
    """Text without lone surrogates, which no file and no terminal can take."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
