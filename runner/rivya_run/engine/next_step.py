"""What to do next for a take: a pure function of what is on record, what is wanted, and how things are now.

A run is a driver: it asks for the next step, carries it out, and asks again until the take is done. Nothing but
the journal has to survive between two steps, so a killed run is continued by asking again.

===============  ==================================================  ==========================================
on record        and                                                 next step
===============  ==================================================  ==========================================
anything         takes that it is made from aren't there             Wait
nothing,         it may be created                                   Send, a new create
GIVEN_UP         creating has stopped, or this one was turned away   Done
SENT             not sent in this run, its window is open            Send, the same bytes with the same key
                 not sent in this run, its window has passed         MarkUnknown
                 sent in this run                                    Done: the next run sends it again
RUNNING          there is time                                       Poll
                 the time is up, or no answer tells how it is        Done: the next run asks
FINISHED,        a file is missing                                   Fetch
STORED           all is here, or it can't be had now                 Done
FAILED, REFUSED  this run may try again, creating goes on            Send, a new create
                 otherwise                                           Done
TASK_MISSING     there is time: it may be found by now               Poll
                 otherwise                                           Done: a person decides
UNKNOWN                                                              Done: a person decides
WITHDRAWN        in this run                                         Done: the next run may create
===============  ==================================================  ==========================================

The rule that everything else serves: **a create that may have been paid for, and a task that exists, are never
followed by a new create.** Only a person's word (GIVEN_UP) or the end of the task without charge allows one.

A value that follows the length of a sound waits as for a take that it is made from. There is room for what comes: a
take that waits for a person's decision or for a guard to pass is a Wait for something else than takes; a check on a
stored clip is a step between Fetch and Done. Another driver, on another machine, needs this function and a way to
carry out each step.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from rivya_run.journal.attempt import (
    DOWNLOADING,
    FOLLOWED_STATES,
    UNDECIDED_STATES,
    Attempt,
    AttemptState,
    TakeStatus,
    TaskStatus,
)
from rivya_run.journal.take_entry import out_of_credits, take_status
from rivya_run.planning.plan import Awaited, Parent


class Ending(StrEnum):
    """How a take ended in this run, as far as the exit code is concerned."""

    DONE = "done"
    FAILED = "failed"
    UNFINISHED = "unfinished"
    UNKNOWN = "unknown"
    OUT_OF_CREDITS = "out_of_credits"
    NO_ROOM = "no_room"
    SKIPPED = "skipped"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one take. ``message`` says why, where it isn't done, ``awaits`` whose decision it waits for."""

    ending: Ending
    status: TakeStatus
    message: str = ""
    code: str | None = None
    awaits: Awaited | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Send a create: a new one, or ``again`` the one that is on record as sent, byte for byte."""

    again: bool


@dataclass(frozen=True, slots=True)
class MarkUnknown:
    """Put on record that nobody can tell what became of the create: it may not be sent again any more."""


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask for the task ``at`` that time (monotonic seconds)."""

    at: float


@dataclass(frozen=True, slots=True)
class Fetch:
    """Download what the task made and is not here."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until these takes have come to an end in this run."""

    takes: tuple[Parent, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more is to be done for the take in this run."""

    outcome: Outcome


NextStep: TypeAlias = Send | MarkUnknown | Poll | Fetch | Wait | Done


@dataclass(frozen=True, slots=True)
class WantedTake:
    """What the plan wants of a take in this run.

    ``may_create``: a new create may be paid for. ``waits_for`` are the takes that it is made from and that haven't
    ended yet. ``settled`` is the outcome of a take for which nothing is to be done.
    """

    may_create: bool = False
    waits_for: tuple[Parent, ...] = ()
    settled: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """How things are at this moment, and what this run has done for the take so far.

    ``time``, ``deadline`` and ``ask_at`` (when to ask for the task next) are monotonic seconds. ``window_left`` are
    the seconds for which the create may be sent again. ``stopped``: creating has stopped, and why. ``turned_away``:
    the next create got no permit, or can't be made. ``creates_left`` is how many more creates may follow a failure
    in this run. ``sent``: the create was sent for as long as there was time. ``unlearnt``: the API answered
    something else than how the task is. ``looked``: asking came to its end. ``fetched``: so did fetching;
    ``not_fetched`` is why a file could not be had.
    """

    time: float
    deadline: float
    window_left: float = 0.0
    stopped: Outcome | None = None
    turned_away: Outcome | None = None
    creates_left: int = 0
    ask_at: float = 0.0
    sent: bool = False
    looked: bool = False
    unlearnt: str | None = None
    fetched: bool = False
    not_fetched: str | None = None


def next_step(attempt: Attempt | None, wanted: WantedTake, now: Now) -> NextStep:
    """What to do next for a take that ``attempt`` serves (None: nothing does), see the table above."""
    if wanted.waits_for:
        return Wait(wanted.waits_for)
    if wanted.settled is not None:
        return Done(wanted.settled)
    if attempt is None or attempt.state is AttemptState.GIVEN_UP:
        return _new_create(attempt, wanted, now)
    match attempt.state:
        case AttemptState.SENT if not now.sent:
            return Send(again=True) if now.window_left > 0 else MarkUnknown()
        case AttemptState.RUNNING | AttemptState.TASK_MISSING if _is_followed(attempt, now):
            return Poll(min(now.ask_at, now.deadline))
        case AttemptState.FINISHED | AttemptState.STORED if not now.fetched:
            return Fetch()
        case AttemptState.FAILED | AttemptState.REFUSED if now.creates_left > 0:
            return _new_create(attempt, wanted, now)
    return Done(outcome_of(attempt, now))


def _new_create(attempt: Attempt | None, wanted: WantedTake, now: Now) -> NextStep:
    """A create that pays, where nothing that was paid for is left."""
    ended = now.turned_away or now.stopped
    if ended is not None:
        return Done(ended)
    if not wanted.may_create:
        return Done(outcome_of(attempt, now))
    return Send(again=False)


def _is_followed(attempt: Attempt, now: Now) -> bool:
    """Whether there is a task to ask for, and time for it. One that wasn't found may be found by now."""
    return attempt.state in FOLLOWED_STATES and not now.looked and now.time < now.deadline


def outcome_of(attempt: Attempt | None, now: Now) -> Outcome:
    """How a take stands in this run, by the state of what serves it."""
    status = take_status(attempt)
    if attempt is None:
        return Outcome(Ending.UNFINISHED, status, "not finished")
    if now.not_fetched is not None:
        return Outcome(Ending.UNFINISHED, status, f"paid, not fetched: {now.not_fetched}")
    message = attempt.error.message if attempt.error else ""
    code = attempt.error.code if attempt.error else None
    if attempt.state is AttemptState.STORED:
        return Outcome(Ending.DONE, status)
    if out_of_credits(attempt):
        return Outcome(Ending.OUT_OF_CREDITS, status, message, code)
    if attempt.state in {AttemptState.FAILED, AttemptState.REFUSED}:
        return Outcome(Ending.FAILED, status, message, code)
    if attempt.state in UNDECIDED_STATES:
        return Outcome(Ending.UNKNOWN, status, message, code)
    if attempt.state is AttemptState.WITHDRAWN and now.stopped is not None:
        return now.stopped
    ending = Ending.UNFINISHED
    if attempt.state is AttemptState.SENT and now.stopped is not None:
        ending = now.stopped.ending
    waiting = {
        AttemptState.SENT: _unanswered(attempt),
        AttemptState.RUNNING: _still(attempt, now.unlearnt),
        AttemptState.WITHDRAWN: "its create never arrived"
        + (f": {attempt.withdrawn}" if attempt.withdrawn else ""),
    }
    return Outcome(ending, status, waiting.get(attempt.state, "not finished"))


def _unanswered(attempt: Attempt) -> str:
    """What is known of a create that may have been paid for, and is sent again."""
    said = attempt.error
    if said is None:
        return "no answer to its create yet: sent again by the next run"
    request = f", request {said.request_id}" if said.request_id else ""
    return (
        "no answer says yet what became of its create: sent again by the next run; "
        f"the last one: {said.message} [{said.code}{request}]"
    )


def _still(attempt: Attempt, unlearnt: str | None) -> str:
    """What is known of a task that hasn't come to an end in this run."""
    if unlearnt is not None:
        return f"the state of its task is not known, the next run continues: {unlearnt}"
    last = attempt.timeline[-1][0].strip().lower() if attempt.timeline else ""
    if last == TaskStatus.SUCCEEDED:
        return "paid, not fetched: the API reports success, but names no file; the next run asks again"
    if last and last not in {*TaskStatus, DOWNLOADING}:
        return f"the API calls its task {last[:100]!r}, and tells no file: the next run asks again"
    return "its task is still running: the next run continues"
