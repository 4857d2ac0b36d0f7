"""What each event of the journal makes of an attempt. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypedDict

from rivya_run.journal.attempt import Attempt, AttemptState, Output, Upload
from rivya_run.journal.events import (
    Adopted,
    Created,
    Failed,
    FrameTaken,
    GivenUp,
    Intended,
    JournalEvent,
    MarkedUnknown,
    NotFetched,
    Observed,
    Reassigned,
    Refused,
    Removed,
    Stored,
    Succeeded,
    TaskMissing,
    Uploaded,
    Withdrawn,
)
from rivya_run.journal.stills import moved, with_still, without_still
from rivya_run.journal.task import ApiError

NOT_FETCHED = "not_fetched"
"""The code of a take that is paid for and not here."""


class _Told(TypedDict):
    reserved: float | None
    final: float | None
    updated_at: str | None


def _told(known: Attempt, event: Observed | Succeeded | Failed) -> _Told:
    """What an answer tells of a task; what it leaves out stays as it was known."""
    return {
        "reserved": event.reserved if event.reserved is not None else known.reserved,
        "final": event.final if event.final is not None else known.final,
        "updated_at": event.updated_at or known.updated_at,
    }


def upload_of(at: str, event: Uploaded) -> Upload:
    """A file that was sent."""
    return Upload(
        event.sha256,
        event.kind,
        event.model,
        event.path,
        event.mime_type,
        event.bytes,
        event.url,
        event.file_id,
        event.duration_token,
        event.uploaded_at or at,
    )


def intended(at: str, event: Intended) -> Attempt:
    """A create that is about to be sent: from here on it may have been paid for."""
    return Attempt(
        event.key,
        event.shot,
        event.take,
        event.fingerprint,
        event.number,
        event.model,
        event.body,
        AttemptState.SENT,
        at,
        estimate=event.estimate,
        price_key=event.price_key,
        parents=event.parents,
        api_sent_at=event.api_sent_at,
    )


def adopted(at: str, event: Adopted, known: Attempt | None) -> Attempt:
    """A task that a person tied to a take, whose create may be on record or not."""
    base = known or Attempt(
        event.key,
        event.shot,
        event.take,
        event.fingerprint,
        event.number,
        event.model,
        event.body,
        AttemptState.RUNNING,
        None,
    )
    return replace(
        base,
        shot=event.shot,
        take=event.take,
        state=AttemptState.RUNNING,
        task_id=event.task_id,
        reserved=event.reserved,
        final=event.final,
        created_at=event.created_at or at,
        updated_at=event.updated_at,
        error=None,
        lost=False,
        timeline=((event.status, event.created_at or at),),
    )


def _withdrawn(known: Attempt, event: Withdrawn, at: str) -> Attempt:
    return replace(known, state=AttemptState.WITHDRAWN, withdrawn=event.reason, updated_at=at)


def _refused(known: Attempt, event: Refused, at: str) -> Attempt:
    error = ApiError(event.code, event.message, event.request_id, event.http_status)
    return replace(known, state=AttemptState.REFUSED, error=error, updated_at=at)


def _created(known: Attempt, event: Created, at: str) -> Attempt:
    return replace(
        known,
        state=AttemptState.RUNNING,
        task_id=event.task_id,
        reserved=event.reserved,
        final=event.final,
        created_at=event.created_at,
        updated_at=event.updated_at,
        error=None,
        timeline=(*known.timeline, (event.status, at)),
    )


def _observed(known: Attempt, event: Observed, at: str) -> Attempt:
    return replace(
        known,
        state=AttemptState.RUNNING if known.state is AttemptState.UNKNOWN else known.state,
        lost=False,
        error=None,
        **_told(known, event),
        timeline=(*known.timeline, (event.status, at)),
    )


def _succeeded(known: Attempt, event: Succeeded, at: str) -> Attempt:
    first = known.state not in {AttemptState.FINISHED, AttemptState.STORED}
    return replace(
        known,
        state=known.state if known.state is AttemptState.STORED else AttemptState.FINISHED,
        lost=False,
        error=None,
        urls=event.urls,
        places=event.places,
        lasted=event.lasted if event.lasted is not None else known.lasted,
        ran=event.ran if event.ran is not None else known.ran,
        **_told(known, event),
        timeline=(*known.timeline, ("downloading", at)) if first else known.timeline,
    )


def _not_fetched(known: Attempt, event: NotFetched, at: str) -> Attempt:
    return replace(known, error=ApiError(NOT_FETCHED, event.message), updated_at=at)


def _failed(known: Attempt, event: Failed, at: str) -> Attempt:
    return replace(
        known,
        state=AttemptState.FAILED,
        lost=False,
        error=ApiError(event.code, event.message),
        **_told(known, event),
        timeline=(*known.timeline, ("failed", at)),
    )


def _task_missing(known: Attempt, event: TaskMissing, at: str) -> Attempt:
    error = ApiError("not_found", event.message, event.request_id)
    return replace(known, state=AttemptState.UNKNOWN, lost=True, error=error, updated_at=at)


def _stored(known: Attempt, event: Stored, at: str) -> Attempt:
    first = known.outputs[event.index].identity if event.index < len(known.outputs) else event.sha256
    output = Output(
        event.path,
        event.url,
        event.bytes,
        event.sha256,
        event.mime_type,
        event.mtime_ns,
        event.media,
        first_sha256=first if first != event.sha256 else None,
    )
    outputs = (*known.outputs[: event.index], output, *known.outputs[event.index + 1 :])
    complete = len(outputs) >= event.of
    newly = complete and known.state is not AttemptState.STORED
    return replace(
        known,
        state=AttemptState.STORED if complete else known.state,
        outputs=outputs,
        error=None,
        timeline=(*known.timeline, ("stored", at)) if newly else known.timeline,
    )


def _reassigned(known: Attempt, event: Reassigned, at: str) -> Attempt:
    return replace(
        known,
        shot=event.shot,
        take=event.take,
        outputs=tuple(moved(output, event.paths) for output in known.outputs),
    )


def _marked_unknown(known: Attempt, event: MarkedUnknown, at: str) -> Attempt:
    error = ApiError(event.code, event.message, event.request_id)
    return replace(known, state=AttemptState.UNKNOWN, error=error, updated_at=at)


def _given_up(known: Attempt, event: GivenUp, at: str) -> Attempt:
    return replace(known, state=AttemptState.GIVEN_UP, lost=False, updated_at=at)


def _removed(known: Attempt, event: Removed, at: str) -> Attempt:
    outputs = tuple(
        replace(output, removed=True) if output.path == event.path else without_still(output, event.path)
        for output in known.outputs
    )
    return replace(known, outputs=outputs)


def _frame_taken(known: Attempt, event: FrameTaken, at: str) -> Attempt:
    if not known.outputs:
        return known
    first = with_still(known.outputs[0], event.frame, event.path, event.sha256, event.bytes)
    return replace(known, outputs=(first, *known.outputs[1:]))


CHANGES: dict[type[JournalEvent], Callable[[Attempt, Any, str], Attempt]] = {
    Withdrawn: _withdrawn,
    Refused: _refused,
    Created: _created,
    Observed: _observed,
    Succeeded: _succeeded,
    NotFetched: _not_fetched,
    Failed: _failed,
    TaskMissing: _task_missing,
    Stored: _stored,
    Reassigned: _reassigned,
    MarkedUnknown: _marked_unknown,
    GivenUp: _given_up,
    Removed: _removed,
    FrameTaken: _frame_taken,
}
"""What each event makes of an attempt that is known: (attempt, event, when) -> attempt."""
