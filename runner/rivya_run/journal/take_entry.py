"""One take as the manifest writes it, and back: what a colleague's manifest says becomes history again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from rivya_run.journal.attempt import Attempt, AttemptState, Output, TakeStatus, Upload
from rivya_run.journal.fingerprint import compact, price_key
from rivya_run.journal.task import ApiError
from rivya_run.json_types import Json

REFERENCES = "referenceMediaItems"
PAYMENT_REQUIRED = 402
_PREFIX = "sha256:"

STATUS_OF: dict[AttemptState, TakeStatus] = {
    AttemptState.SENT: TakeStatus.SENT,
    AttemptState.WITHDRAWN: TakeStatus.PLANNED,
    AttemptState.REFUSED: TakeStatus.FAILED,
    AttemptState.RUNNING: TakeStatus.PENDING,
    AttemptState.FINISHED: TakeStatus.PENDING,
    AttemptState.STORED: TakeStatus.SUCCEEDED,
    AttemptState.FAILED: TakeStatus.FAILED,
    AttemptState.UNKNOWN: TakeStatus.UNKNOWN,
    AttemptState.GIVEN_UP: TakeStatus.UNKNOWN,
}


def take_status(attempt: Attempt | None) -> TakeStatus:
    """What the manifest calls it. A create that an empty wallet refused made nothing: still planned."""
    if attempt is None:
        return TakeStatus.PLANNED
    if attempt.state is AttemptState.REFUSED and out_of_credits(attempt):
        return TakeStatus.PLANNED
    return STATUS_OF[attempt.state]


def out_of_credits(attempt: Attempt) -> bool:
    """Whether it ended because the wallet was empty, in either reading of the API's lifecycle page."""
    return attempt.error is not None and (
        attempt.error.code == "insufficient_credits" or attempt.error.http_status == PAYMENT_REQUIRED
    )


def whole(number: float | None) -> int | float | None:
    """12.0 as 12: credits are counted, not measured."""
    return int(number) if number is not None and float(number).is_integer() else number


def entry_of_attempt(attempt: Attempt, earlier: Sequence[Attempt] = ()) -> dict[str, Json]:
    """The manifest's entry for a take that this attempt serves; ``earlier`` are the ones before it."""
    entry: dict[str, Json] = {
        "take": attempt.take,
        "status": take_status(attempt).value,
        "model": attempt.model,
        "fingerprint": _PREFIX + attempt.fingerprint,
        "client_request_id": attempt.key,
        "attempt": attempt.number,
        "task_id": attempt.task_id,
        "attempts": [entry_of_earlier(one) for one in earlier],
        "request": json.loads(attempt.body) if attempt.body else None,
        "sent_at": attempt.sent_at,
        "reserved_credits": whole(attempt.reserved),
        "final_credits": whole(attempt.final),
        "estimated_credits": whole(attempt.estimate),
        "created_at": attempt.created_at,
        "updated_at": attempt.updated_at,
        "parents": [{"shot": shot, "take": take, "sha256": sha} for shot, take, sha in attempt.parents],
        "timeline": [{"status": status, "at": at} for status, at in attempt.timeline],
        "outputs": [entry_of_output(output) for output in _files_of(attempt)],
        "error": entry_of_error(attempt.error),
    }
    if attempt.api_sent_at is not None:
        entry["api_sent_at"] = attempt.api_sent_at
    return entry | {"given_up": True} if attempt.state is AttemptState.GIVEN_UP else entry


def _files_of(attempt: Attempt) -> tuple[Output, ...]:
    """A task that failed made nothing that counts, should the API have said otherwise before."""
    return () if attempt.state is AttemptState.FAILED else attempt.outputs


def entry_of_earlier(attempt: Attempt) -> dict[str, Json]:
    """The entry of an attempt that stands in the one of a later attempt."""
    entry = entry_of_attempt(attempt)
    del entry["attempts"]
    return entry


def entry_of_output(output: Output) -> dict[str, Json]:
    """One file, its measured facts beside path and checksum."""
    entry: dict[str, Json] = {
        "path": output.path,
        "url": output.url,
        "bytes": output.bytes,
        "sha256": output.sha256,
        "mime_type": output.mime_type,
    }
    if output.first_sha256 is not None:
        entry["first_sha256"] = output.first_sha256
    if output.removed:
        entry["removed"] = True
    return entry | dict(output.media or {})


def entry_of_upload(upload: Upload) -> dict[str, Json]:
    """A reference file that was sent."""
    return {
        "sha256": upload.sha256,
        "path": upload.path,
        "kind": upload.kind,
        "model": upload.model,
        "mime_type": upload.mime_type,
        "bytes": upload.bytes,
        "url": upload.url,
        "file_id": upload.file_id,
        "uploaded_at": upload.uploaded_at,
        "duration_token": upload.duration_token,
    }


def entry_of_error(error: ApiError | None) -> dict[str, Json] | None:
    """code, message, request_id; None where there is no error."""
    if error is None:
        return None
    return {"code": error.code, "message": error.message, "request_id": error.request_id}


def attempt_of_entry(shot: str, entry: Mapping[str, Any]) -> Attempt:
    """The attempt that an entry of a manifest tells of. Raises KeyError, TypeError or ValueError if it can't."""
    request = entry.get("request")
    params = dict(request.get("params") or {}) if request else {}
    params.pop(REFERENCES, None)
    state = _state(entry)
    model = str(entry.get("model") or (request or {}).get("model") or "")
    return Attempt(
        key=str(entry["client_request_id"]),
        shot=shot,
        take=int(entry["take"]),
        fingerprint=str(entry["fingerprint"]).removeprefix(_PREFIX),
        number=int(entry.get("attempt") or 1),
        model=model,
        body=compact(request) if request else "",
        state=state,
        sent_at=entry.get("sent_at"),
        estimate=entry.get("estimated_credits"),
        price_key=price_key(model, params) if request else None,
        task_id=entry.get("task_id"),
        reserved=entry.get("reserved_credits"),
        final=entry.get("final_credits"),
        created_at=entry.get("created_at"),
        updated_at=entry.get("updated_at"),
        urls=tuple(output.get("url") or "" for output in entry.get("outputs") or ()),
        outputs=tuple(_output(output) for output in entry.get("outputs") or ()),
        error=_error(entry),
        lost=state is AttemptState.UNKNOWN and bool(entry.get("task_id")),
        parents=tuple((one["shot"], one["take"], one["sha256"]) for one in entry.get("parents") or ()),
        timeline=tuple((one["status"], one["at"]) for one in entry.get("timeline") or ()),
        api_sent_at=entry.get("api_sent_at"),
    )


def _state(entry: Mapping[str, Any]) -> AttemptState:
    status = TakeStatus(entry["status"])
    if entry.get("given_up"):
        return AttemptState.GIVEN_UP
    if status is TakeStatus.FAILED or (status is TakeStatus.PLANNED and entry.get("error")):
        return AttemptState.FAILED if entry.get("task_id") else AttemptState.REFUSED
    return {
        TakeStatus.PLANNED: AttemptState.WITHDRAWN,
        TakeStatus.SENT: AttemptState.SENT,
        TakeStatus.PENDING: AttemptState.RUNNING,
        TakeStatus.SUCCEEDED: AttemptState.STORED,
        TakeStatus.UNKNOWN: AttemptState.UNKNOWN,
    }[status]


_OUTPUT_FIELDS = {"path", "url", "bytes", "sha256", "mime_type", "removed", "first_sha256"}


def _output(entry: Mapping[str, Any]) -> Output:
    media = {key: value for key, value in entry.items() if key not in _OUTPUT_FIELDS}
    return Output(
        path=str(entry["path"]),
        url=entry.get("url"),
        bytes=int(entry["bytes"]),
        sha256=str(entry["sha256"]),
        mime_type=entry.get("mime_type"),
        media=cast("dict[str, Json]", media) or None,
        removed=bool(entry.get("removed")),
        first_sha256=str(entry["first_sha256"]) if entry.get("first_sha256") else None,
    )


def _error(entry: Mapping[str, Any]) -> ApiError | None:
    """Its error; a take that is planned although a create was refused met an empty wallet (HTTP 402)."""
    error = entry.get("error")
    if not error:
        return None
    refused = PAYMENT_REQUIRED if entry["status"] == TakeStatus.PLANNED else None
    return ApiError(str(error.get("code")), str(error.get("message")), error.get("request_id"), refused)
