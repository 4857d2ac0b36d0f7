"""The API's JSON bodies, read tolerantly into tasks, files, models and errors. Pure; any JSON gives a value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from rivya_run.journal.attempt import MOST_CREDITS, ApiError, Task, TaskStatus
from rivya_run.json_types import Json
from rivya_run.models.sync import ListedModel
from rivya_run.provider.interface import UploadedFile
from rivya_run.provider.origin import LONGEST_URL, result_url, why_unsafe
from rivya_run.storyboard.model import URL_PATTERN

_LONGEST_ID = 512  # characters; it has to fit into a URL
_MOST_URLS = 64  # results of one task that are fetched: a bound on what a broken answer can ask for
_SENDABLE = re.compile(URL_PATTERN)
_STATUSES = {status.value: status for status in TaskStatus if status is not TaskStatus.OTHER}
_ENDS = frozenset(
    ["aborted", "canceled", "cancelled", "error", "errored", "expired", "failure", "rejected", "timed_out"]
)
"""Words that other services have for a task that came to nothing."""

_WRAPPERS = (
    "data",
    "task",
    "generation",
    "result",
    "response",
    "payload",
    "body",
    "item",
    "output",
    "job",
    "file",
)
_LISTS = ("data", "items", "tasks", "generations", "results", "files", "models", "result")
_REQUEST_ID = "req_"
"""How the API's ids of requests begin: never a task's."""

_DEEPEST = 5  # levels of wrapping that are searched: gateways add one or two
_MOST_HELD = 100  # objects of a level that are looked at: a bound for hostile answers


def read_task(body: Json, *, asked_for: str | None = None, origin: str = "") -> Task | None:
    """The task of a create or status reply, or None where the body holds none that can be followed.

    The body may wrap it, with an id and a status of its own: the object that looks most like a task is taken, by
    the published fields. Two that look equally like tasks and are different ones are none. A status reply may
    leave its id out, but may not speak of another task than the one ``asked_for``. ``origin`` is the API's
    address, which relative URLs of results go by.
    """
    found = _asked_task(body, asked_for) if asked_for is not None else _created_task(body)
    if found is None:
        return None
    task_id = asked_for or _id(found.get("id")) or ""
    raw_status = _text(found.get("status")) or ""
    urls, places = _urls(found.get("result"), f"{origin}/api/v1/generations/{quote(task_id, safe='')}")
    error = _task_error(found.get("error"))
    return Task(
        id=task_id,
        status=_status(found) or _by_what_is_there(raw_status, bool(urls), error is not None),
        raw_status=raw_status[:100],
        model=_text(found.get("model")),
        reserved_credits=_credits(found.get("reserved_credits")),
        final_credits=_credits(found.get("final_credits")),
        created_at=_text(found.get("created_at")),
        updated_at=_text(found.get("updated_at")),
        urls=urls,
        places=places,
        error=error,
    )


def _by_what_is_there(word: str, has_urls: bool, has_error: bool) -> TaskStatus:
    """How a task is whose status isn't a published word: files say that it succeeded, an error that it ended.

    An error alone doesn't, since a task that goes on may tell of one: only beside a word for an end.
    """
    if has_urls and not has_error:
        return TaskStatus.SUCCEEDED
    ended = has_error and not has_urls and word.strip().lower().replace("-", "_") in _ENDS
    return TaskStatus.FAILED if ended else TaskStatus.OTHER


def read_file(body: Json, *, origin: str = "") -> UploadedFile | None:
    """The reply to an upload, or None without a URL that a create may carry (or with several); only that is sure."""
    found = _most(
        [(_file_fields(one), one) for one in _held(body) if _file_url(one, origin) is not None],
        lambda one: _file_url(one, origin),
    )
    url = _file_url(found, origin) if found else None
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
    told = {number for one in _held(body) if (number := _number(one.get("current_credits"))) is not None}
    return told.pop() if len(told) == 1 else None


def read_models(body: Json) -> list[ListedModel] | None:
    """The list of ``GET /api/v1/models``; entries without an id are left out. None where it is no list."""
    lists = [body] if isinstance(body, list) else []
    lists += [found for one in _held(body) for name in _LISTS if isinstance(found := one.get(name), list)]
    read = [[model for entry in entries if (model := _model(entry)) is not None] for entries in lists]
    return max(read, key=len, default=None)


def names_a_task(body: Json) -> bool:
    """Whether an answer holds an id that may be a task's, be it in an object that tells of an error."""
    return any(_task_id(one) is not None for one in _held(body))


def _created_task(body: Json) -> dict[str, Json] | None:
    """What a create made: an object with a task's id. An id beside an error and nothing else is no task's."""
    ranked = []
    for one in _held(body):
        if _task_id(one) is None:
            continue
        fields = _task_fields(one)
        if _status(one) is None and not fields and isinstance(one.get("error"), dict | str):
            continue
        ranked.append(((_status(one) is not None, fields), one))
    return _most(ranked, _task_id)


def _asked_task(body: Json, asked_for: str) -> dict[str, Json] | None:
    """What tells how the task ``asked_for`` is: an object with a status, and with its id or none."""
    told = [one for one in _held(body) if _text(one.get("status"))]
    if any(_id(one.get("id")) == asked_for for one in told):
        told = [one for one in told if _id(one.get("id")) in (asked_for, None)]
    ranked = [
        ((_status(one) is not None, _id(one.get("id")) == asked_for, _task_fields(one)), one) for one in told
    ]
    found = _most(ranked, lambda one: (_id(one.get("id")), _text(one.get("status"))))
    return found if found is not None and _id(found.get("id")) in (asked_for, None) else None


def _most(
    ranked: Sequence[tuple[Any, dict[str, Json]]], who: Callable[[dict[str, Json]], object]
) -> dict[str, Json] | None:
    """The first object of the highest rank, or None where others of that rank are about something else."""
    best = max((rank for rank, _ in ranked), default=None)
    found = [one for rank, one in ranked if rank == best]
    return found[0] if len({who(one) for one in found}) == 1 else None


def _task_id(found: dict[str, Json]) -> str | None:
    task_id = _id(found.get("id"))
    return None if task_id is None or task_id.lower().startswith(_REQUEST_ID) else task_id


def _status(found: dict[str, Json]) -> TaskStatus | None:
    return _STATUSES.get((_text(found.get("status")) or "").strip().lower())


def _task_fields(found: dict[str, Json]) -> int:
    """How many fields it has that only a task has: ids, dates and errors are in many an envelope too."""
    result = found.get("result")
    return (
        (_text(found.get("model")) is not None)
        + (_number(found.get("reserved_credits")) is not None)
        + (_number(found.get("final_credits")) is not None)
        + (isinstance(result, dict) and ("urls" in result or "primary_url" in result))
    )


def _file_fields(found: dict[str, Json]) -> int:
    names = ("duration_token", "durationToken", "mime_type", "mimeType", "content_type", "file_id", "fileId")
    return sum(_text(found.get(name)) is not None for name in names) + (_id(found.get("id")) is not None)


def _file_url(found: dict[str, Json], origin: str) -> str | None:
    """The URL of an upload, which goes back to the API as it came; only a relative one is made whole."""
    told = found.get("url")
    if not isinstance(told, str) or not told.strip():
        return None
    url = clean(told.strip())
    if not url.lower().startswith(("https://", "http://")):
        url = result_url(url, f"{origin}/api/v1/files")
    whole = url.lower().startswith(("https://", "http://")) and len(url) <= LONGEST_URL
    return url if whole else None


def _held(body: Json) -> list[dict[str, Json]]:
    """The objects of an answer that may be what was asked for: itself, and what it wraps, outer ones first."""
    found: list[dict[str, Json]] = []
    level = [body]
    for _ in range(_DEEPEST):
        inner: list[Json] = []
        for one in level[:_MOST_HELD]:
            if isinstance(one, list):
                inner += one[:_MOST_HELD]
            elif isinstance(one, dict):
                found.append(one)
                names = dict.fromkeys(_WRAPPERS + _LISTS)
                inner += [one[name] for name in names if isinstance(one.get(name), dict | list)]
        level = inner
    return found


def _model(entry: Json) -> ListedModel | None:
    model_id = _id(entry.get("id")) if isinstance(entry, dict) else None
    if model_id is None or not isinstance(entry, dict):
        return None
    longest = _number(entry.get("max_prompt_length"))
    return ListedModel(
        id=model_id,
        display_name=_text(entry.get("display_name")),
        category=_text(entry.get("category")),
        base_credits=_number(entry.get("base_credits")),
        billing_type=_text(entry.get("billing_type")),
        max_prompt_length=None if longest is None else int(longest),
        api_status=_text(entry.get("api_status")),
        api_input_status=_text(entry.get("api_input_status")),
    )


def error_code(body: Json) -> str | None:
    """The ``error.code`` of an HTTP error body, or None where it isn't one of the API's."""
    error = _error_object(body)
    if error is not None and _text(error.get("code")):
        return _text(error.get("code"))
    return _text(body.get("code")) if isinstance(body, dict) and error is None else None


def tells_an_error(body: Json) -> bool:
    """Whether there is an error object with a code: a ``code`` beside data may well be that of a success."""
    error = _error_object(body)
    return error is not None and bool(_text(error.get("code")))


def read_error(body: Json, *, status: int, excerpt: str, request_id: str | None) -> ApiError:
    """What an error answer says; without a code of the API's it is called ``http_<status>``."""
    outer = body if isinstance(body, dict) else {}
    holder = _error_object(body) or outer
    message = _text(holder.get("message")) or _text(holder.get("error")) or excerpt.strip()
    names = ("requestId", "request_id")
    return ApiError(
        code=error_code(body) or f"http_{status}",
        message=clean(message)[:2000] or f"the server answered with HTTP status {status} and nothing else",
        request_id=_text(_first(holder, *names)) or _text(_first(outer, *names)) or request_id,
        http_status=status,
    )


def _error_object(body: Json) -> dict[str, Json] | None:
    """The error of an answer, which may be wrapped as what was asked for may be."""
    for one in _held(body):
        told = one.get("error") or one.get("errors")
        if isinstance(told, list) and told:
            told = told[0]
        if isinstance(told, dict):
            return told
    return None


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


def _first(found: dict[str, Json], *names: str) -> Json:
    return next((found[name] for name in names if found.get(name) is not None), None)


def _urls(result: Json, base: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The result's URLs, each once, and the place of each in the API's list.

    ``primary_url`` is the first, what can't be fetched the last: what can be had is stored before it.
    """
    if not isinstance(result, dict):
        return (), ()
    listed = result.get("urls")
    told = [*(listed if isinstance(listed, list) else ()), result.get("primary_url")]
    read = [result_url(url, base) if isinstance(url, str) and url.strip() else "" for url in told]
    primary = read.pop()
    urls = list(dict.fromkeys(url for url in read if url))
    if primary and primary not in urls:
        urls.insert(0, primary)
    places = sorted(
        range(len(urls)), key=lambda place: (why_unsafe(urls[place]) is not None, urls[place] != primary)
    )[:_MOST_URLS]
    return tuple(urls[place] for place in places), tuple(places)


def _id(value: Json) -> str | None:
    """An id that can stand in a path: text (or a whole number) without controls, not ``.`` or ``..``.

    Nor one with a sign in place of bytes that are no text: it would be another id.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**20 else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text or len(text) > _LONGEST_ID or not text.isprintable() or text in (".", ".."):
        return None
    return None if text != clean(text) or "\ufffd" in text else text


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
