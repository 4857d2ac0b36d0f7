"""What a run came to and what to do next: unknown outcomes first, each with the command to type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rivya_run.engine.next_step import Ending, Outcome
from rivya_run.journal.attempt import UNDECIDED_STATES, Attempt, AttemptState, TakeStatus
from rivya_run.journal.fold import History
from rivya_run.journal.take_entry import out_of_credits, sent_params
from rivya_run.json_types import Json
from rivya_run.planning.lineage import parents_of
from rivya_run.planning.next_commands import (
    Lacking,
    NextCommand,
    Standing,
    Typed,
    next_commands,
    unused_creates,
)
from rivya_run.planning.plan import Plan, Step
from rivya_run.planning.reasons import take_warnings
from rivya_run.planning.tries import counted_failures, not_retried
from rivya_run.text import counted, credits_in_words, visible
from rivya_run.views.wording import next_lines, sending_in_words

_Groups: TypeAlias = Mapping[Ending, list[tuple[Step, str]]]
"""Takes by their ending, each with why."""

MOST_NAMED = 8
"""Takes of one kind that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One storyboard after a run: how the person ``typed`` it, and its output folder."""

    storyboard: str
    typed: Typed
    folder: str
    plan: Plan
    outcomes: Mapping[tuple[str, int], Outcome]
    history: History


def summary(boards: Sequence[Ended]) -> list[str]:
    """Lines for the person, safe to show on a terminal."""
    lines: list[str] = []
    for board in boards:
        lines += [visible(line) for line in _board(board)]
    return lines


def _board(board: Ended) -> Iterator[str]:
    groups = _grouped(board)
    yield f"{board.storyboard}: {_counts(board, groups)}"
    yield from _unknown(board, groups[Ending.UNKNOWN])
    yield from _unknown_unused(board, groups[Ending.UNKNOWN])
    yield from _out_of_credits(board, groups[Ending.OUT_OF_CREDITS])
    yield from _no_room(board, groups[Ending.NO_ROOM])
    yield from _failed(board, groups[Ending.FAILED])
    yield from _unfinished(board, groups[Ending.UNFINISHED])
    yield from _waiting(board, groups[Ending.WAITING])
    yield from _odd(board, groups[Ending.DONE])
    spent = board.history.spent()
    if any(attempt.outputs for attempt in board.history.attempts.values()):
        yield f"  clips: {board.folder}"
    now = spent - board.plan.totals.spent
    in_this_run = f", {credits_in_words(now)} in this run" if now else ""
    simulated = " (simulated)" if "--simulate" in board.typed.options else ""
    yield f"  spent: {credits_in_words(spent)}{in_this_run}{simulated}"
    yield from (f"  {line}" for line in next_lines(_next(board, groups)))


def next_after(board: Ended) -> list[NextCommand]:
    """What can be typed after a run."""
    return _next(board, _grouped(board))


def _next(board: Ended, groups: _Groups) -> list[NextCommand]:
    found = [
        _standing(board, step, ending, why)
        for ending, some in groups.items()
        if ending is not Ending.SKIPPED
        for step, why in some
    ]
    named = [_last(board, step) for step, _ in groups[Ending.UNKNOWN]]
    keys = {attempt.client_request_id for attempt in named if attempt is not None}
    return next_commands([*found, *unused_creates(board.history, keys)], board.typed)


def _standing(board: Ended, step: Step, ending: Ending, why: str) -> Standing:
    """Where a take stands after the run."""
    lacking = {
        Ending.DONE: Lacking.NOTHING,
        Ending.UNKNOWN: Lacking.UNKNOWN,
        Ending.UNFINISHED: Lacking.UNFINISHED,
        Ending.WAITING: Lacking.DECISION,
        Ending.NO_ROOM: Lacking.ROOM,
        Ending.OUT_OF_CREDITS: Lacking.BUDGET if _capped(why) else Lacking.CREDITS,
        Ending.FAILED: Lacking.HELD if _held_back(board, step) else Lacking.FAILED,
    }[ending]
    attempt = _last(board, step)
    task = attempt.task_id if attempt is not None else None
    outcome = board.outcomes.get((step.shot.id, step.take))
    awaits = outcome.awaits if outcome is not None else None
    odd = lacking is Lacking.NOTHING and bool(_warnings(board, step))
    return Standing(step.shot.id, step.take, lacking, step.shot.takes > 1, task, awaits=awaits, odd=odd)


def _grouped(board: Ended) -> _Groups:
    """Wanted takes by their ending, each with why; those that the run didn't come to are unfinished."""
    groups: dict[Ending, list[tuple[Step, str]]] = {ending: [] for ending in Ending}
    missing: dict[str, Ending] = {}
    for step in board.plan.steps:
        outcome = board.outcomes.get((step.shot.id, step.take))
        if outcome is not None:
            ending = _ending(step, outcome, missing)
            if ending is not Ending.DONE:
                missing[step.shot.id] = ending
            if step.wanted or outcome.ending is Ending.UNKNOWN:
                groups[ending].append((step, _why(board, step, outcome)))
        elif step.wanted:
            groups[Ending.UNFINISHED].append((step, "not begun"))
    return groups


def _ending(step: Step, outcome: Outcome, missing: Mapping[str, Ending]) -> Ending:
    """A take that was not made for want of its parent has not failed: it waits for what its parent waits for.

    ``missing`` are the shots so far of which a take isn't there.
    """
    if outcome.ending is Ending.FAILED and outcome.status is TakeStatus.PLANNED:
        for parent in parents_of(step.shot):
            ending = missing.get(parent)
            if ending in {Ending.OUT_OF_CREDITS, Ending.NO_ROOM}:
                return ending
            if ending in {Ending.UNFINISHED, Ending.UNKNOWN}:
                return Ending.UNFINISHED
    return outcome.ending


def _why(board: Ended, step: Step, outcome: Outcome) -> str:
    code = f"{outcome.code}: " if outcome.code and outcome.code not in outcome.message else ""
    why = f"{code}{outcome.message}" if outcome.message else outcome.code or ""
    last = _last(board, step) if outcome.ending is Ending.UNFINISHED else None
    withdrawn = last.withdrawn if last is not None and last.state is AttemptState.WITHDRAWN else None
    return f"{why}: {withdrawn}" if withdrawn and withdrawn not in why else why


def _counts(board: Ended, groups: _Groups) -> str:
    words = {
        Ending.DONE: "done",
        Ending.UNKNOWN: "unknown",
        Ending.FAILED: "failed",
        Ending.UNFINISHED: "not finished",
        Ending.WAITING: "waiting for a decision",
        Ending.OUT_OF_CREDITS: "not made: out of credits",
        Ending.NO_ROOM: "not made: no disk space",
    }
    wanted = sum(len(groups[ending]) for ending in words)
    counts = [f"{len(groups[ending])} {word}" for ending, word in words.items() if groups[ending]]
    if len(counts) == 1 and len(groups[Ending.DONE]) == wanted:
        return f"{counted(wanted, 'take')}, all there"
    return f"{counted(wanted, 'take')}{': ' if counts else ''}{', '.join(counts)}"


def _listed(found: Sequence[tuple[Step, str]], command: str) -> Iterator[str]:
    """Takes with why; many with the same reason are one line."""
    if len(found) > 3 and len({why for _, why in found}) == 1:
        yield f"    {counted(len(found), 'take')}: {found[0][1]}"
        return
    for step, why in found[:MOST_NAMED]:
        yield f"    {step.label}{'  ' if why else ''}{why}"
    if len(found) > MOST_NAMED:
        yield f"    and {len(found) - MOST_NAMED:,} more: {command}"


def _unknown(board: Ended, found: Sequence[tuple[Step, str]]) -> Iterator[str]:
    if not found:
        return
    yield "  unknown: these may have been paid for and are never resent automatically"
    for step, why in found[:MOST_NAMED]:
        attempt = _last(board, step)
        yield f"    {step.label}  {why}"
        if attempt is not None:
            cost = attempt.at_stake or None
            yield f"      {sending_in_words(attempt.task_id, attempt.client_request_id, attempt.sent_at, cost)}"
    if len(found) > MOST_NAMED:
        yield f"    and {len(found) - MOST_NAMED:,} more: {board.typed.line('status')}"


def _unknown_unused(board: Ended, named: Sequence[tuple[Step, str]]) -> Iterator[str]:
    """Creates that no shot asks for any more: nothing is held up by them, but their clips may have been paid for."""
    of_takes = {attempt.client_request_id for step, _ in named if (attempt := _last(board, step)) is not None}
    unknown = [one for one in board.history.attempts.values() if one.state in UNDECIDED_STATES]
    unused = [one for one in unknown if one.client_request_id not in of_takes]
    if not unused:
        return
    yield "  unknown, and not used by any shot now: these may have been paid for"
    for attempt in unused[:MOST_NAMED]:
        cost = attempt.at_stake or None
        sending = sending_in_words(attempt.task_id, attempt.client_request_id, attempt.sent_at, cost)
        yield f"    {attempt.shot}/{attempt.take}  {sending}"
    if len(unused) > MOST_NAMED:
        yield f"    and {len(unused) - MOST_NAMED:,} more: {board.typed.line('status')}"


def _out_of_credits(board: Ended, found: Sequence[tuple[Step, str]]) -> Iterator[str]:
    if not found:
        return
    capped = any(_capped(why) for _, why in found)
    yield "  out of credits: the budget allows no more" if capped else "  out of credits: the wallet is empty"
    yield from _listed(found, board.typed.line("plan"))


def _capped(why: str) -> bool:
    """Whether it is a budget that has no room, and not the wallet."""
    return "max_credits" in why or "max-credits" in why


def _no_room(board: Ended, found: Sequence[tuple[Step, str]]) -> Iterator[str]:
    if found:
        yield f"  not made, since {found[0][1] or 'the disk is full'}: {counted(len(found), 'take')}"


def _failed(board: Ended, found: Sequence[tuple[Step, str]]) -> Iterator[str]:
    if not found:
        return
    yield "  failed:"
    yield from _listed(found, board.typed.line("status"))


def _held_back(board: Ended, step: Step) -> bool:
    """Whether the next run would leave a failed take alone."""
    last = _last(board, step)
    if last is None or last.state not in {AttemptState.FAILED, AttemptState.REFUSED}:
        return False
    tried = [
        attempt
        for attempt in board.history.of_take(step.shot.id, step.take)
        if (attempt.fingerprint == last.fingerprint or step.asks_for(attempt.fingerprint))
        and attempt.state in {AttemptState.FAILED, AttemptState.REFUSED}
        and not out_of_credits(attempt)
    ]
    return not_retried(counted_failures(tried)) is not None


def _unfinished(board: Ended, found: Sequence[tuple[Step, str]]) -> Iterator[str]:
    if found:
        yield "  not finished:"
        yield from _listed(found, board.typed.line("status"))


def _waiting(board: Ended, found: Sequence[tuple[Step, str]]) -> Iterator[str]:
    if found:
        yield "  waiting for a decision:"
        yield from _listed(found, board.typed.line("plan"))


def _odd(board: Ended, found: Sequence[tuple[Step, str]]) -> Iterator[str]:
    """Takes whose files are not what was asked for: paid, never made again for it, but to be looked at."""
    odd = [(step, "; ".join(words)) for step, _ in found if (words := _warnings(board, step))]
    if odd:
        yield f"  {counted(len(odd), 'take')} with warnings:"
        yield from _listed(odd, board.typed.line("status"))


def _warnings(board: Ended, step: Step) -> list[str]:
    stored = [one for one in _attempts(board, step) if one.state is AttemptState.STORED]
    if not stored:
        return []
    return take_warnings(stored[-1].outputs, _asked(step, stored[-1]), step.shot.checks)


def _asked(step: Step, attempt: Attempt) -> Mapping[str, Json]:
    """The params that an attempt was made with; a plan made before its sound was there has estimates."""
    return sent_params(attempt) if step.shot.fits else step.shot.params


def _attempts(board: Ended, step: Step) -> list[Attempt]:
    """The attempts at what a take asks for; at anything, where that wasn't known before its parents were made."""
    attempts = board.history.of_take(step.shot.id, step.take)
    same = [attempt for attempt in attempts if attempt.fingerprint == step.fingerprint]
    return same or attempts


def _last(board: Ended, step: Step) -> Attempt | None:
    """The attempt that a take came to last."""
    attempts = _attempts(board, step)
    if step.fingerprint is None:  # numbers count from 1 for each of its fingerprints
        return attempts[-1] if attempts else None
    return max(attempts, key=lambda attempt: attempt.number, default=None)
