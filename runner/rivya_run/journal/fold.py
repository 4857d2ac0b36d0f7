"""The fold of the journal: what every attempt has come to, what was uploaded, what things cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TypeAlias

from msgspec.structs import asdict

from rivya_run.journal.attempt import Attempt, AttemptState, attributed_as
from rivya_run.journal.events import (
    Adopted,
    Entry,
    FrameTaken,
    Intended,
    RunStarted,
    Stored,
    TakenIn,
    Uploaded,
)
from rivya_run.journal.judging import Nonsense, formed, is_file_of_shot, judge_attempt, salvaged
from rivya_run.journal.manifest_form import Upload
from rivya_run.journal.sending_age import Moment, seconds_since
from rivya_run.journal.take_entry import attempt_of_entry
from rivya_run.journal.transitions import adopted, changed, intended
from rivya_run.times import seconds_of

LEAST = 1.0
"""Credits that a create counts as, while caps are held, of whose cost nothing is known."""

_UNANSWERED = frozenset({AttemptState.SENT, AttemptState.UNKNOWN, AttemptState.GIVEN_UP})
_UNDECIDED = _UNANSWERED - {AttemptState.GIVEN_UP}

UploadKey: TypeAlias = tuple[str, str, str]
"""(sha256, kind, model): contents are uploaded once for each kind and model policy."""


class History:
    """Everything the journal says, kept up to date one entry at a time. No I/O.

    ``attempts`` maps client request ids to attempts in the order in which they were first heard of. ``passed_over``
    has what an earlier version took in from a manifest although it makes no sense, and nothing has put right since:
    the line's number and the reason, by key.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.attempts: dict[str, Attempt] = {}
        self.uploads: dict[UploadKey, Upload] = {}
        self.prices: dict[str, float] = {}
        self.base_url: str | None = None
        self.storyboard_path: str | None = None
        self.storyboard_sha256: str | None = None
        self.storyboard_inputs: Mapping[str, str] = {}
        self.updated_at: str | None = None
        self.passed_over: dict[str, tuple[int, str]] = {}
        self._of_shot: dict[str, list[str]] = {}
        self._keys_of_task: dict[str, tuple[str, ...]] = {}
        self._spent = 0.0
        self._at_stake = 0.0
        self._unanswered: dict[str | None, dict[str, Attempt]] = {}  # by price key
        self._set_back = 0.0  # seconds that the wall clock went back from one entry to the next, in all
        self._set_back_before: dict[str, float] = {}  # what of it an attempt's sending came after
        for entry in entries:
            self.apply(entry)

    def apply(self, entry: Entry) -> None:
        """Take one entry in. Events of attempts that were never heard of are ignored."""
        if self.updated_at is not None and entry.at < self.updated_at:
            self._set_back += _seconds_back(self.updated_at, entry.at)
        self.updated_at = entry.at
        match entry.event:
            case RunStarted() as event:
                self.base_url = event.base_url
                self.storyboard_path = event.storyboard_path
                self.storyboard_sha256 = event.storyboard_sha256
                self.storyboard_inputs = event.storyboard_inputs
            case Uploaded() as event:
                self._put_upload(entry.at, event)
            case Intended() as event:
                self._set_back_before[event.key] = self._set_back
                self._put(intended(entry.at, event))
            case Adopted() as event:
                self._put(adopted(entry.at, event, self.attempts.get(event.key)))
            case TakenIn() as event:
                self._take_in(entry, event)
            case Stored(path=path) | FrameTaken(path=path) if not is_file_of_shot(path):
                pass  # named by a manifest before those were judged: the file is fetched again, under another name
            case event:
                known = self.attempts.get(event.key)
                if known is not None:
                    self._put(changed(known, event, entry.at))
                    self.passed_over.pop(event.key, None)

    def spent(self) -> float:
        """Credits that everything ever cost, as far as the API has said."""
        return self._spent

    def at_stake(self) -> float:
        """Credits that everything may have cost at most."""
        return self._at_stake

    def stake_of(self, attempt: Attempt) -> float:
        """Credits that an attempt counts as: a create without an answer by what is thought of its cost by now,
        which an answer to another one may have shown. One whose cost nothing shows counts too, so that a cap
        comes to an end."""
        learned = self.prices.get(attempt.price_key or "", 0) if _unanswered(attempt) else 0
        return max(learned, attempt.at_stake, LEAST if attempt.price_unknown else 0)

    def unanswered_unpriced(self) -> list[Attempt]:
        """Creates without an answer, at prices that the API never showed; not those that a person gave up."""
        groups = (found for kind, found in self._unanswered.items() if kind not in self.prices)
        return [one for group in groups for one in group.values() if one.state in _UNDECIDED]

    def is_unanswered_unpriced(self, attempt: Attempt) -> bool:
        """Whether an attempt is one of these."""
        priced = attempt.price_key in self.prices
        return attempt.task_id is None and attempt.state in _UNDECIDED and not priced

    def seconds_since_sent(self, attempt: Attempt, now: Moment) -> float | None:
        """How long ago a create was sent first, as ``sending_age`` judges it; None: nobody can tell."""
        wall = seconds_of(attempt.sent_at)
        sent = Moment(wall, seconds_of(attempt.api_sent_at)) if wall is not None else None
        latest = seconds_of(self.updated_at)
        last_step = max(0.0, latest - now.wall) if latest is not None else 0.0
        set_back = self._set_back - self._set_back_before.get(attempt.client_request_id, 0.0) + last_step
        return seconds_since(sent, now, set_back=set_back)

    def of_take(self, shot: str, take: int) -> list[Attempt]:
        """Attempts that serve this take, whatever they asked for, in the order in which they were made."""
        mine = (self.attempts[key] for key in self._of_shot.get(shot, ()))
        return [one for one in mine if one.take == take]

    def of_shot(self, shot: str) -> list[Attempt]:
        """Attempts that serve any take of this shot, take by take."""
        mine = (self.attempts[key] for key in self._of_shot.get(shot, ()))
        return sorted(mine, key=lambda one: one.take)

    @property
    def shots(self) -> tuple[str, ...]:
        """The ids of all shots that attempts serve."""
        return tuple(self._of_shot)

    def keys_of_task(self, task_id: str) -> set[str]:
        """Keys of the attempts that this task serves: one, unless the API mixed something up."""
        return set(self._keys_of_task.get(task_id, ()))

    def _take_in(self, entry: Entry, event: TakenIn) -> None:
        """What a manifest knew. Manifests were recorded unjudged once: nonsense must not block a folder for ever."""
        key, found = str(event.key), event.entry
        try:
            judged = judge_attempt(found, event.shot)
        except Nonsense as nonsense:
            self.passed_over[key] = (entry.number, str(nonsense))
            rest = salvaged(found, event.shot)
            if rest is None or key in self.attempts:
                return
            judged, found = rest, {}
        else:
            self.passed_over.pop(key, None)
        attempt = attempt_of_entry(event.shot, judged, found)
        # Sent by another machine: where its clock was ahead of the one that took it in, that is a step back.
        self._set_back_before[key] = self._set_back - _seconds_back(attempt.sent_at, entry.at)
        self._put(attributed_as(attempt, self.attempts.get(key)))

    def _put_upload(self, at: str, event: Uploaded) -> None:
        """A file that can be used again; one that makes no sense is sent again, which costs nothing."""
        with suppress(Nonsense):
            upload = formed(asdict(event) | {"uploaded_at": event.uploaded_at or at}, Upload)
            self.uploads[upload.sha256, upload.kind, upload.model] = upload

    def _put(self, attempt: Attempt) -> None:
        before = self.attempts.get(attempt.client_request_id)
        if before is None or (before.shot, before.take) != (attempt.shot, attempt.take):
            if before is not None:
                self._of_shot[before.shot].remove(before.client_request_id)
            self._of_shot.setdefault(attempt.shot, []).append(attempt.client_request_id)
        self.attempts[attempt.client_request_id] = attempt
        if attempt.task_id is not None:
            keys = self._keys_of_task.get(attempt.task_id, ())
            if attempt.client_request_id not in keys:
                self._keys_of_task[attempt.task_id] = (*keys, attempt.client_request_id)
        if before is not None:
            self._spent -= before.spent
            self._at_stake -= self.stake_of(before)
            self._unanswered.get(before.price_key, {}).pop(before.client_request_id, None)
        self._spent += attempt.spent
        self._at_stake += self.stake_of(attempt)
        if _unanswered(attempt):
            self._unanswered.setdefault(attempt.price_key, {})[attempt.client_request_id] = attempt
        if attempt.price_key is not None and tells_price(attempt):
            self._learn_price(attempt.price_key, attempt.reserved_credits or 0)

    def _learn_price(self, price_key: str, credits: float) -> None:
        """A price: what has no answer yet counts by it from now on."""
        waiting = self._unanswered.get(price_key, {}).values()
        self._at_stake -= sum(self.stake_of(one) for one in waiting)
        self.prices[price_key] = credits
        self._at_stake += sum(self.stake_of(one) for one in waiting)


def _seconds_back(before: str | None, after: str | None) -> float:
    """Seconds from one time of the records back to another; 0 where it isn't earlier."""
    one, other = seconds_of(before), seconds_of(after)
    return max(0.0, one - other) if one is not None and other is not None else 0.0


def _unanswered(attempt: Attempt) -> bool:
    return attempt.task_id is None and attempt.state in _UNANSWERED


def tells_price(attempt: Attempt) -> bool:
    """Whether what was reserved for an attempt is the price of its model and params.

    A task that failed, for an empty wallet say, may show 0; only one that succeeded was really free.
    """
    made = attempt.state in {AttemptState.FINISHED, AttemptState.STORED}
    return bool(attempt.reserved_credits) or (attempt.reserved_credits is not None and made)
