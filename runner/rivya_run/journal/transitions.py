"""What each event of the journal makes of an attempt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from sys import intern
from typing import Any, TypeAlias

from rivya_run.journal.attempt import (
    DOWNLOADING,
    UNDECIDED_STATES,
    ApiError,
    Attempt,
    AttemptState,
    Output,
    attributed_as,
    moved,
    with_checks,
    with_still,
    without_still,
)
from rivya_run.journal.events import (
    Adopted,
    Checked,
    Created,
    Failed,
    FrameTaken,
    GivenUp,
    Intended,
    LeftOpen,
    MarkedUnknown,
    NotFetched,
    Observed,
    Reassigned,
    Refused,
    Removed,
    Stored,
    Succeeded,
    TaskMissing,
    Withdrawn,
)

NOT_FETCHED = "not_fetched"
"""The code of a take that is paid for and not here."""


OfCreate: TypeAlias = Withdrawn | LeftOpen | Refused | MarkedUnknown | GivenUp
OfTask: TypeAlias = Created | Observed | Succeeded | Failed | TaskMissing
OfFiles: TypeAlias = NotFetched | Stored | Reassigned | Removed | FrameTaken | Checked


_FIELDS = frozenset(field.name for field in fields(Attempt))


_ALIKE = ("model", "price_key", "client", "scene", "via")
"""What is the same in many attempts."""


def _facts(event: Intended | Adopted | OfTask) -> dict[str, Any]:
    """What an event tells of an attempt: its fields that an attempt has under the same name."""
    facts = {name: getattr(event, name) for name in event.__struct_fields__ if name in _FIELDS}
    return facts | {name: _shared(facts[name]) for name in _ALIKE if name in facts}


def _added(event: OfTask) -> dict[str, Any]:
    """The same where a task is known: what an answer leaves out stays as it was."""
    return {name: value for name, value in _facts(event).items() if value not in (None, "")}


def intended(at: str, event: Intended) -> Attempt:
    """A create that is about to be sent: from here on it may have been paid for."""
    return Attempt(client_request_id=event.key, state=AttemptState.SENT, sent_at=at, **_facts(event))


def adopted(at: str, event: Adopted, known: Attempt | None) -> Attempt:
    """A task that a person tied to a take, whose create may be on record or not."""
    facts = _facts(event) | {"created_at": event.created_at or at}
    state, timeline = AttemptState.RUNNING, ((intern(event.status), event.created_at or at),)
    if known is None:
        return Attempt(client_request_id=event.key, state=state, sent_at=None, timeline=timeline, **facts)
    return attributed_as(replace(known, state=state, error=None, timeline=timeline, **facts), known)


Change: TypeAlias = OfCreate | OfTask | OfFiles
"""The events that change an attempt which is known."""


def changed(known: Attempt, event: Change, at: str) -> Attempt:
    """What an event makes of an attempt. ``at`` is when it was recorded."""
    match event:
        case Withdrawn() | LeftOpen() | Refused() | MarkedUnknown() | GivenUp():
            return replace(_after_create(known, event), updated_at=at)
        case Created() | Observed() | Succeeded() | Failed() | TaskMissing():
            return _after_task(known, event, at)
        case NotFetched() | Stored() | Reassigned() | Removed() | FrameTaken() | Checked():
            return _after_files(known, event, at)


def _after_create(known: Attempt, event: OfCreate) -> Attempt:
    """No task came of it, or nobody knows."""
    match event:
        case Withdrawn():
            return replace(known, state=AttemptState.WITHDRAWN, withdrawn=event.reason)
        case LeftOpen():
            return replace(known, error=ApiError(event.code, event.message, event.request_id))
        case Refused():
            error = ApiError(event.code, event.message, event.request_id, event.http_status)
            return replace(known, state=AttemptState.REFUSED, error=error)
        case MarkedUnknown():
            error = ApiError(event.code, event.message, event.request_id)
            missing = known.state is AttemptState.TASK_MISSING
            return replace(known, state=known.state if missing else AttemptState.UNKNOWN, error=error)
        case GivenUp():
            return replace(known, state=AttemptState.GIVEN_UP)


def _after_task(known: Attempt, event: OfTask, at: str) -> Attempt:
    """What the API has said of its task."""
    match event:
        case Created():
            return replace(
                known,
                state=AttemptState.RUNNING,
                error=None,
                timeline=(*known.timeline, (intern(event.status), at)),
                **_facts(event),
            )
        case Observed():  # one that was missing, or unknown, is found again
            state = AttemptState.RUNNING if known.state in UNDECIDED_STATES else known.state
            passed = (*known.timeline, (intern(event.status), at))
            return replace(known, state=state, error=None, timeline=passed, **_added(event))
        case Succeeded():
            return _succeeded(known, event, at)
        case Failed():
            return replace(
                known,
                state=AttemptState.FAILED,
                error=ApiError(event.code, event.message),
                **_added(event),
                timeline=(*known.timeline, ("failed", at)),
            )
        case TaskMissing():
            error = ApiError("not_found", event.message, event.request_id)
            return replace(known, state=AttemptState.TASK_MISSING, error=error, updated_at=at)


def _succeeded(known: Attempt, event: Succeeded, at: str) -> Attempt:
    """Its files can be fetched; those that are here stay, should its URLs have been renewed."""
    first = known.state not in {AttemptState.FINISHED, AttemptState.STORED}
    return replace(
        known,
        state=known.state if known.state is AttemptState.STORED else AttemptState.FINISHED,
        error=None,
        **_added(event),
        timeline=(*known.timeline, (DOWNLOADING, at)) if first else known.timeline,
    )


def _after_files(known: Attempt, event: OfFiles, at: str) -> Attempt:
    """What became of its files."""
    outputs = known.outputs
    match event:
        case NotFetched():
            return replace(known, error=ApiError(NOT_FETCHED, event.message), updated_at=at)
        case Stored():
            return _stored(known, event, at)
        case Reassigned():
            outputs = tuple(moved(output, event.paths) for output in outputs)
            return replace(known, shot=event.shot, take=event.take, family=event.family, outputs=outputs)
        case Removed():
            path = event.path
            return replace(
                known,
                outputs=tuple(
                    replace(output, removed=True) if output.path == path else without_still(output, path)
                    for output in outputs
                ),
            )
        case FrameTaken():
            main = tuple(
                with_still(output, event.frame, event.path, event.sha256, event.bytes)
                for output in outputs[:1]
            )
            return replace(known, outputs=main + outputs[1:])
        case Checked():
            checks = [_shared(one) for one in event.checks]
            return replace(
                known,
                outputs=tuple(
                    with_checks(output, checks) if output.sha256 == event.sha256 else output
                    for output in outputs
                ),
            )


def _shared(value: Any) -> Any:
    """The same with one copy in memory of each text: what is measured of ten thousand clips has the same names."""
    if isinstance(value, str):
        return intern(value)
    if isinstance(value, Mapping):
        return {intern(str(name)): _shared(one) for name, one in value.items()}
    return value


def _stored(known: Attempt, event: Stored, at: str) -> Attempt:
    """A file is here; other bytes than the first change nothing for what was made from those, or follows them."""
    outputs = known.outputs
    before = outputs[event.index] if event.index < len(outputs) else None
    first = before.identity if before is not None else event.sha256
    # One that may have been cut off says nothing of how long it is.
    whole = before is not None and "doubt" not in (before.media or {})
    output = Output(
        event.path,
        event.url,
        event.bytes,
        event.sha256,
        _shared(event.mime_type),
        event.mtime_ns,
        _shared(event.media),
        first_sha256=first if first != event.sha256 else None,
    )
    if whole and before is not None and before.seconds not in (None, output.seconds):
        output = replace(output, first_seconds=before.seconds)
    outputs = (*outputs[: event.index], output, *outputs[event.index + 1 :])
    complete = len(outputs) >= event.of
    newly = complete and known.state is not AttemptState.STORED
    return replace(
        known,
        state=AttemptState.STORED if complete else known.state,
        outputs=outputs,
        error=None,
        timeline=(*known.timeline, ("stored", at)) if newly else known.timeline,
    )
