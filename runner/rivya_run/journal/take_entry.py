"""One take as the manifest writes it, and back: what a colleague's manifest says becomes history again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from msgspec import UNSET, Struct, UnsetType, to_builtins
from msgspec.structs import fields as fields_of

from rivya_run.journal.attempt import ApiError, Attempt, AttemptState, Output, TakeStatus, failed_checks
from rivya_run.journal.fingerprint import compact, price_key
from rivya_run.journal.manifest_form import BoardParent, Earlier, Error, File, Parent, StatusSeen
from rivya_run.json_types import Json
from rivya_run.storyboard.model import Shot

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
    AttemptState.TASK_MISSING: TakeStatus.UNKNOWN,
    AttemptState.GIVEN_UP: TakeStatus.UNKNOWN,
}

_STATE_OF = {
    TakeStatus.PLANNED: AttemptState.WITHDRAWN,
    TakeStatus.SENT: AttemptState.SENT,
    TakeStatus.PENDING: AttemptState.RUNNING,
    TakeStatus.SUCCEEDED: AttemptState.STORED,
    TakeStatus.UNKNOWN: AttemptState.UNKNOWN,
}
_IN_OTHER_SHAPE = {"fingerprint", "parents", "from_storyboards", "timeline", "outputs", "error"}
_ALIKE = frozenset(field.name for field in fields(Attempt)) & set(Earlier.__struct_fields__) - _IN_OTHER_SHAPE
"""What an attempt and its entry call the same, and mean the same by: it is copied."""
_OPTIONAL = {one.name for one in fields_of(Earlier) if one.default is UNSET}
_OUTPUT_FIELDS = {"path", "url", "bytes", "sha256", "mime_type", "removed", "first_sha256", "first_seconds"}


def sent_params(attempt: Attempt) -> dict[str, Any]:
    """The params that an attempt asks for, without its references; none where its body isn't known."""
    request = json.loads(attempt.body) if attempt.body else {}
    return {key: value for key, value in (request.get("params") or {}).items() if key != REFERENCES}


def stopped_by(shot: Shot, attempt: Attempt) -> tuple[str, ...]:
    """The checks that its file didn't pass and that keep an attempt of a shot from being used; none once approved."""
    if shot.approved is not None or not shot.checks.stop or attempt.state is not AttemptState.STORED:
        return ()
    return tuple(code for code in failed_checks(attempt.outputs[0]) if code in shot.checks.stop)


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
    entry: dict[str, Json] = entry_of_earlier(attempt, attempts=())
    return entry | {"attempts": [entry_of_earlier(one) for one in earlier]}


def entry_of_earlier(attempt: Attempt, attempts: tuple[()] | UnsetType = UNSET) -> dict[str, Json]:
    """The entry of an attempt that stands in the one of a later attempt."""
    # A task that failed made nothing that counts, should the API have said otherwise before.
    files = () if attempt.state is AttemptState.FAILED else attempt.outputs
    error = attempt.error
    form = Earlier(
        status=take_status(attempt),
        fingerprint=_PREFIX + attempt.fingerprint,
        attempt=attempt.number,
        attempts=attempts,
        request=json.loads(attempt.body) if attempt.body else None,
        estimated_credits=whole(attempt.estimate),
        parents=tuple(Parent(shot=shot, take=take, sha256=sha) for shot, take, sha in attempt.parents),
        from_storyboards=tuple(_board_parent(*one) for one in attempt.from_storyboards) or UNSET,
        timeline=tuple(StatusSeen(status=status, at=at) for status, at in attempt.timeline),
        error=Error(code=error.code, message=error.message, request_id=error.request_id) if error else None,
        given_up=True if attempt.state is AttemptState.GIVEN_UP else UNSET,
        **_copied(attempt),
    )
    entry: dict[str, Json] = written(form)
    return entry | {"outputs": [_entry_of_output(output) for output in files]}


def _board_parent(storyboard: str, shot: str, take: int, sha256: str) -> BoardParent:
    return BoardParent(storyboard=storyboard, shot=shot, take=take, sha256=sha256)


def _copied(known: Attempt | Earlier) -> dict[str, Any]:
    """What both call the same. None, or nothing, where it may be left out of an entry isn't written."""
    found = {name: getattr(known, name) for name in _ALIKE}
    return {
        name: value
        for name, value in found.items()
        if value is not UNSET and (value not in (None, ()) or name not in _OPTIONAL)
    }


def written(form: Struct) -> dict[str, Any]:
    """A form as JSON has it."""
    found: dict[str, Any] = to_builtins(form)
    return found


def _entry_of_output(output: Output) -> dict[str, Json]:
    """One file, its measured facts beside path and checksum."""
    form = File(
        path=output.path,
        url=output.url,
        bytes=output.bytes,
        sha256=output.sha256,
        mime_type=output.mime_type,
        first_sha256=UNSET if output.first_sha256 is None else output.first_sha256,
        first_seconds=UNSET if output.first_seconds is None else output.first_seconds,
        removed=output.removed or UNSET,
    )
    return written(form) | dict(output.media or {})


def attempt_of_entry(shot: str, entry: Earlier, raw: Mapping[str, Any]) -> Attempt:
    """The attempt that an entry of a manifest tells of, which has a key; ``raw`` is the same as it was read."""
    request, state, error = entry.request, _state(entry), entry.error
    params = dict(request.get("params") or {}) if request else {}
    params.pop(REFERENCES, None)
    model = entry.model or str((request or {}).get("model") or "")
    # A take that is planned although a create was refused met an empty wallet.
    refused = PAYMENT_REQUIRED if entry.status is TakeStatus.PLANNED else None
    return Attempt(
        shot=shot,
        fingerprint=str(entry.fingerprint).removeprefix(_PREFIX),
        number=entry.attempt or 1,
        body=compact(request) if request else "",
        state=state,
        estimate=None if entry.estimated_credits is UNSET else entry.estimated_credits,
        price_key=price_key(model, params) if request else None,
        urls=tuple(output.url or "" for output in entry.outputs),
        outputs=tuple(map(_output, entry.outputs, raw.get("outputs") or ())),
        error=ApiError(error.code, error.message, error.request_id, refused) if error else None,
        parents=tuple((one.shot, one.take, one.sha256) for one in entry.parents or ()),
        from_storyboards=tuple(
            (one.storyboard, one.shot, one.take, one.sha256) for one in entry.from_storyboards or ()
        ),
        timeline=tuple((one.status, one.at) for one in entry.timeline or ()),
        **{**_copied(entry), "model": model},
    )


def _state(entry: Earlier) -> AttemptState:
    if entry.given_up:
        return AttemptState.GIVEN_UP
    if entry.status is TakeStatus.FAILED or (entry.status is TakeStatus.PLANNED and entry.error):
        return AttemptState.FAILED if entry.task_id else AttemptState.REFUSED
    if entry.status is TakeStatus.UNKNOWN and entry.task_id:
        return AttemptState.TASK_MISSING
    return _STATE_OF[entry.status]


def _output(file: File, raw: Mapping[str, Any]) -> Output:
    return Output(
        path=file.path,
        url=file.url,
        bytes=file.bytes,
        sha256=file.sha256,
        mime_type=file.mime_type,
        media={key: value for key, value in raw.items() if key not in _OUTPUT_FIELDS} or None,
        removed=bool(file.removed),
        first_sha256=file.first_sha256 or None,
        first_seconds=file.first_seconds or None,
    )
