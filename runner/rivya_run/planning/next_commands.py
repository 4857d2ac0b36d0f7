"""What a person can type next: the one rule for plans, for status and for the end of a run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rivya_run.journal.attempt import UNDECIDED_STATES
from rivya_run.journal.fold import History
from rivya_run.planning.plan import SPENDING, Action, Awaited, Plan, SkipReason, Step
from rivya_run.text import counted, credits_in_words

MOST_PROPOSED = 8
"""Commands of one kind that are proposed; with more, those that are typed for all takes at once will do."""

_ACCEPTS = {"status": ("--simulate", "--outputs"), "validate": ("--allow-outside",)}
"""The options of a place that a command takes; the others take all."""


class Lacking(StrEnum):
    """What a take lacks.

    NOTHING  it is there                          UNKNOWN     word of what became of its create
    NEW      a create                             UNFINISHED  what is under way, or was not begun
    FAILED   another attempt, which a run makes   HELD        another attempt, which a person has to ask for
    CREDITS  credits in the wallet                BUDGET      room in a budget
    ROOM     room on the disk                     DECISION    the approval of what it is made from
    """

    NOTHING = "nothing"
    UNKNOWN = "unknown"
    NEW = "new"
    UNFINISHED = "unfinished"
    FAILED = "failed"
    HELD = "held"
    CREDITS = "credits"
    BUDGET = "budget"
    ROOM = "room"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a take stands. ``several``: its shot has more takes. ``task_id`` is of a create whose outcome is unknown;
    ``key`` its key where no take asks for it now. ``credits`` are what a create is thought to cost. ``odd``: its
    files aren't what was asked for."""

    shot: str
    take: int
    lacking: Lacking
    several: bool = False
    task_id: str | None = None
    key: str | None = None
    awaits: Awaited | None = None
    credits: float = 0
    odd: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """How a person names a storyboard: ``options`` mean the same output folder, ``selection`` the same takes.
    ``other`` names another storyboard by its path from the project root."""

    file: str
    options: tuple[str, ...] = ()
    selection: tuple[str, ...] = ()
    other: Callable[[str], str] = str

    def line(self, *words: str, file: str | None = None) -> str:
        """A command with this storyboard after its name; a first word that is an option belongs to a run."""
        name = words[:1] if words and not words[0].startswith("-") else ()
        rest = words[len(name) :]
        chosen = self.selection if name in {(), ("plan",)} and "--only" not in rest else ()
        return shlex.join(("rivya-run", *name, file or self.file, *rest, *chosen, *self._options_of(*name)))

    def without(self, option: str) -> Typed:
        return replace(self, options=tuple(one for one in self.options if one != option))

    def _options_of(self, name: str = "run") -> Iterator[str]:
        accepted = _ACCEPTS.get(name)
        options = iter(self.options)
        for option in options:
            words = (option, next(options)) if option == "--outputs" else (option,)
            if accepted is None or option in accepted:
                yield from words


@dataclass(frozen=True, slots=True)
class NextCommand:
    """A command line to copy, and what it is for."""

    why: str
    command: str


def standings(plan: Plan, history: History) -> list[Standing]:
    """Where the takes of a plan stand, and the creates with an unknown outcome that none of them asks for."""
    found = [_standing(step, plan, history) for step in plan.steps]
    return [*filter(None, found), *unused_creates(history, {step.attempt_key for step in plan.steps})]


def unused_creates(history: History, used: Iterable[str | None]) -> list[Standing]:
    """The creates with an unknown outcome but those with the keys that are ``used``."""
    known = set(used)
    return [
        Standing(one.shot, one.take, Lacking.UNKNOWN, True, one.task_id, one.client_request_id)
        for one in history.attempts.values()
        if one.state in UNDECIDED_STATES and one.client_request_id not in known
    ]


def _standing(step: Step, plan: Plan, history: History) -> Standing | None:
    """None for a take that isn't wanted, or that waits for what its parent lacks."""
    if step.action is Action.DECIDE:
        attempt = history.attempts.get(step.attempt_key or "")
        task = attempt.task_id if attempt is not None else None
        return Standing(step.shot.id, step.take, Lacking.UNKNOWN, step.shot.takes > 1, task)
    if not step.wanted or step.skip_reason is SkipReason.BLOCKED:
        return None
    if step.action in SPENDING:
        lacking = Lacking.BUDGET if step.label in plan.totals.beyond else Lacking.NEW
    else:
        lacking = {
            Action.REUSE: Lacking.NOTHING,
            Action.SKIP: Lacking.HELD,
            Action.WAIT: Lacking.DECISION,
        }.get(step.action, Lacking.UNFINISHED)
    several, cost = step.shot.takes > 1, step.credits or 0
    return Standing(step.shot.id, step.take, lacking, several, awaits=step.awaits, credits=cost)


def next_commands(found: Sequence[Standing], typed: Typed, *, planned: bool = False) -> list[NextCommand]:
    """The commands that make sense now, each once, what may have been paid for first.

    ``planned``: the person is looking at what a run would do.
    """
    by_kind = {kind: [one for one in found if one.lacking is kind] for kind in Lacking}
    commands = [
        *_unknown(by_kind[Lacking.UNKNOWN], typed),
        *_retried(by_kind[Lacking.HELD], typed),
        *_made(by_kind, typed, planned=planned),
        *_decided(by_kind, typed),
        *_odd([one for one in found if one.odd], typed),
        *_shown(found, typed),
    ]
    first: dict[str, NextCommand] = {}
    for one in commands:
        first.setdefault(one.command, one)
    return list(first.values())


def _unknown(found: Sequence[Standing], typed: Typed) -> Iterator[NextCommand]:
    for one in found[:MOST_PROPOSED]:
        words = ["--take", str(one.take)] if one.several else []
        words += ["--key", one.key] if one.key is not None else []
        adopt = typed.line("adopt", one.shot, one.task_id or "TASK_ID", *words)
        yield NextCommand(f"if the task of {one.shot}/{one.take} exists", adopt)
    wanted = [one for one in found if one.key is None]
    if wanted:
        again = typed.line("--resend-unknown", *_only(wanted))
        yield NextCommand("if there is no such task, pay again", again)


def _only(found: Sequence[Standing]) -> list[str]:
    """``--only`` for the shots of these takes, as long as that can be read."""
    shots = list(dict.fromkeys(one.shot for one in found))
    return [word for shot in shots for word in ("--only", shot)] if len(shots) <= MOST_PROPOSED else []


def _retried(found: Sequence[Standing], typed: Typed) -> Iterator[NextCommand]:
    if found:
        retry = typed.line("--retry-failed", *_only(found))
        yield NextCommand("retry failed takes that are not retried automatically", retry)


def _made(found: dict[Lacking, list[Standing]], typed: Typed, *, planned: bool) -> Iterator[NextCommand]:
    """The run that makes what is missing, with what has to come before it."""
    new = found[Lacking.NEW]
    real = "--simulate" not in typed.options
    if new and planned and real and not found[Lacking.NOTHING]:
        simulated = replace(typed, options=("--simulate", *typed.options))
        yield NextCommand("first for no money, as an animatic", simulated.line())
    if new and not planned and real:
        yield NextCommand("see what a run would do, and what it costs", typed.line("plan"))
    cost = sum(one.credits for one in new)
    words = {
        Lacking.CREDITS: "add credits at Rivya, then",
        Lacking.ROOM: "make room, then",
        Lacking.NEW: f"make {counted(len(new), 'take')}"
        + (f" for about {credits_in_words(cost)}" if cost and real else ""),
        Lacking.BUDGET: "raise the limit, then",
        Lacking.FAILED: "try again",
        Lacking.UNFINISHED: "continue",
    }
    for kind, why in words.items():
        if found[kind]:
            yield NextCommand(why, typed.line())


def _decided(found: dict[Lacking, list[Standing]], typed: Typed) -> Iterator[NextCommand]:
    """Whose approval is missing: where to look, what to write, and the run that goes on from there."""
    unfinished = {
        one.shot
        for kind, some in found.items()
        for one in some
        if kind is not Lacking.NOTHING and one.key is None
    }
    awaited = dict.fromkeys(one.awaits for one in found[Lacking.DECISION] if one.awaits is not None)
    ready = [
        (one, typed.other(one.storyboard) if one.storyboard is not None else None)
        for one in awaited
        if one.storyboard is not None or not one.approve or one.shot not in unfinished
    ]
    for one, file in ready:
        if not one.made:
            yield NextCommand(f"make {one.shot}", replace(typed, selection=()).line(file=file))
        elif one.approve:
            yield NextCommand("look and approve", typed.line("review", file=file))
    for one, file in ready[:MOST_PROPOSED]:
        if one.approve and one.made:
            why = f"approve the take of {one.shot} that is chosen now"
            yield NextCommand(why, typed.line("approve", one.shot, file=file))
        elif one.made:
            why = f"give up what is approved of {one.shot}"
            yield NextCommand(why, typed.line("unapprove", one.shot, file=file))
    if ready:
        yield NextCommand("then", typed.line())


def _odd(found: Sequence[Standing], typed: Typed) -> Iterator[NextCommand]:
    if found:
        why = f"look at {counted(len(found), 'take')} with warnings"
        yield NextCommand(why, typed.line("status"))


def _shown(found: Sequence[Standing], typed: Typed) -> Iterator[NextCommand]:
    """What is made of takes that are all there."""
    if not found or any(one.lacking is not Lacking.NOTHING for one in found if one.key is None):
        return
    yield NextCommand("look at the takes", typed.line("report"))
    yield NextCommand("make the film", typed.line("export"))
    if "--simulate" in typed.options:
        yield NextCommand("what it would cost", typed.without("--simulate").line("plan"))
