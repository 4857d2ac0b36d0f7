"""The fold of the journal: what every attempt has come to, what was uploaded, what things cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from rivya_run.history.take_entry import attempt_of_entry
from rivya_run.media.stills import moved, with_still
from rivya_run.records.history import Attempt, AttemptState, Output, Upload
from rivya_run.records.journal import (
    Adopted,
    Created,
    Entry,
    Failed,
    FrameTaken,
    GivenUp,
    Intended,
    JournalEvent,
    MarkedUnknown,
    Observed,
    Reassigned,
    Refused,
    Removed,
    RunStarted,
    Stored,
    Succeeded,
    TakenIn,
    TaskMissing,
    Uploaded,
    Withdrawn,
)
from rivya_run.records.wire import ApiError

_UNANSWERED = frozenset({AttemptState.SENT, AttemptState.UNKNOWN, AttemptState.GIVEN_UP})
_UNDECIDED = _UNANSWERED - {AttemptState.GIVEN_UP}

UploadKey = tuple[str, str, str]
"""(sha256, kind, model): contents are uploaded once for each kind and model policy."""


class History:
    """Everything the journal says, kept up to date one entry at a time. No I/O.

    ``attempts`` maps client request ids to attempts in the order in which they were first heard of.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.attempts: dict[str, Attempt] = {}
        self.uploads: dict[UploadKey, Upload] = {}
        self.prices: dict[str, float] = {}
        self.base_url: str | None = None
        self.storyboard_path: str | None = None
        self.updated_at: str | None = None
        self._of_shot: dict[str, dict[int, list[str]]] = {}
        self._keys_of_task: dict[str, set[str]] = {}
        self._spent = 0.0
        self._at_stake = 0.0
        self._unanswered: dict[str | None, dict[str, Attempt]] = {}  # by price key
        for entry in entries:
            self.apply(entry)

    def apply(self, entry: Entry) -> None:
        """Take one entry in. Events of attempts that were never heard of are ignored."""
        self.updated_at = entry.at
        event = entry.event
        if isinstance(event, RunStarted):
            self.base_url = event.base_url
            self.storyboard_path = event.storyboard_path
        elif isinstance(event, Uploaded):
            upload = _upload(entry.at, event)
            self.uploads[upload.sha256, upload.kind, upload.model] = upload
        elif isinstance(event, Intended):
            self._put(_intended(entry.at, event))
        elif isinstance(event, Adopted):
            self._put(_adopted(entry.at, event, self.attempts.get(event.key)))
        elif isinstance(event, TakenIn):
            self._put(attempt_of_entry(event.shot, event.entry))
        else:
            known = self.attempts.get(event.key)
            if known is not None:
                self._put(_CHANGES[type(event)](known, event, entry.at))

    def spent(self) -> float:
        """Credits that everything ever cost, as far as the API has said."""
        return self._spent

    def at_stake(self) -> float:
        """Credits that everything may have cost at most."""
        return self._at_stake

    def stake_of(self, attempt: Attempt) -> float:
        """Credits that an attempt counts as: a create without an answer by what is thought of its cost by now,
        which an answer to another one may have told."""
        told = self.prices.get(attempt.price_key or "", 0) if _unanswered(attempt) else 0
        return max(told, attempt.at_stake)

    def unanswered_unpriced(self) -> list[Attempt]:
        """Creates without an answer, at prices that the API never told; not those that a person gave up."""
        groups = (found for kind, found in self._unanswered.items() if kind not in self.prices)
        return [one for group in groups for one in group.values() if one.state in _UNDECIDED]

    def of_take(self, shot: str, take: int) -> list[Attempt]:
        """Attempts that serve this take, whatever they asked for, in the order in which they were made."""
        return [self.attempts[key] for key in self._of_shot.get(shot, {}).get(take, ())]

    def of_shot(self, shot: str) -> list[Attempt]:
        """Attempts that serve any take of this shot, take by take."""
        takes = self._of_shot.get(shot, {})
        return [self.attempts[key] for take in sorted(takes) for key in takes[take]]

    def keys_of_task(self, task_id: str) -> set[str]:
        """Keys of the attempts that this task serves: one, unless the API mixed something up."""
        return set(self._keys_of_task.get(task_id, ()))

    def _put(self, attempt: Attempt) -> None:
        before = self.attempts.get(attempt.key)
        if before is None or (before.shot, before.take) != (attempt.shot, attempt.take):
            if before is not None:
                self._of_shot[before.shot][before.take].remove(before.key)
            self._of_shot.setdefault(attempt.shot, {}).setdefault(attempt.take, []).append(attempt.key)
        self.attempts[attempt.key] = attempt
        if attempt.task_id is not None:
            self._keys_of_task.setdefault(attempt.task_id, set()).add(attempt.key)
        if before is not None:
            self._spent -= before.spent
            self._at_stake -= self.stake_of(before)
            self._unanswered.get(before.price_key, {}).pop(before.key, None)
        self._spent += attempt.spent
        self._at_stake += self.stake_of(attempt)
        if _unanswered(attempt):
            self._unanswered.setdefault(attempt.price_key, {})[attempt.key] = attempt
        if attempt.price_key is not None and _tells_price(attempt):
            self._told(attempt.price_key, attempt.reserved or 0)

    def _told(self, price_key: str, credits: float) -> None:
        """A price: what has no answer yet counts by it from now on."""
        waiting = self._unanswered.get(price_key, {}).values()
        self._at_stake -= sum(self.stake_of(one) for one in waiting)
        self.prices[price_key] = credits
        self._at_stake += sum(self.stake_of(one) for one in waiting)


def _unanswered(attempt: Attempt) -> bool:
    return attempt.task_id is None and attempt.state in _UNANSWERED


def _tells_price(attempt: Attempt) -> bool:
    """A task that failed, for an empty wallet say, may show 0; only one that succeeded was really free."""
    made = attempt.state in {AttemptState.FINISHED, AttemptState.STORED}
    return bool(attempt.reserved) or (attempt.reserved is not None and made)


def _upload(at: str, event: Uploaded) -> Upload:
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


def _intended(at: str, event: Intended) -> Attempt:
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
    )


def _adopted(at: str, event: Adopted, known: Attempt | None) -> Attempt:
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
        reserved=event.reserved if event.reserved is not None else known.reserved,
        final=event.final if event.final is not None else known.final,
        updated_at=event.updated_at or known.updated_at,
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
        reserved=event.reserved if event.reserved is not None else known.reserved,
        final=event.final if event.final is not None else known.final,
        updated_at=event.updated_at or known.updated_at,
        timeline=(*known.timeline, ("downloading", at)) if first else known.timeline,
    )


def _failed(known: Attempt, event: Failed, at: str) -> Attempt:
    return replace(
        known,
        state=AttemptState.FAILED,
        lost=False,
        error=ApiError(event.code, event.message),
        reserved=event.reserved if event.reserved is not None else known.reserved,
        final=event.final if event.final is not None else known.final,
        updated_at=event.updated_at or known.updated_at,
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
        replace(output, removed=True) if output.path == event.path else output for output in known.outputs
    )
    return replace(known, outputs=outputs)


def _frame_taken(known: Attempt, event: FrameTaken, at: str) -> Attempt:
    if not known.outputs:
        return known
    first = with_still(known.outputs[0], event.frame, event.path, event.sha256, event.bytes)
    return replace(known, outputs=(first, *known.outputs[1:]))


_CHANGES: dict[type[JournalEvent], Callable[[Attempt, Any, str], Attempt]] = {
    Withdrawn: _withdrawn,
    Refused: _refused,
    Created: _created,
    Observed: _observed,
    Succeeded: _succeeded,
    Failed: _failed,
    TaskMissing: _task_missing,
    Stored: _stored,
    Reassigned: _reassigned,
    MarkedUnknown: _marked_unknown,
    GivenUp: _given_up,
    Removed: _removed,
    FrameTaken: _frame_taken,
}
