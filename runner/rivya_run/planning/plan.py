"""What a run would do: one step for each take, why, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from rivya_run.journal.fingerprint import price_key
from rivya_run.journal.fold import LEAST
from rivya_run.json_types import Json
from rivya_run.models.prices import dearer_params
from rivya_run.models.table import ModelTable
from rivya_run.storyboard.model import Shot


class Action(StrEnum):
    """What is done for a take.

    CREATE    a new task is paid for          RESUME  a task exists, or a create is to be resent
    DOWNLOAD  paid, a file is missing         REUSE   all is there
    RETRY     the last attempt failed         DECIDE  the outcome is unknown: a person decides
    SKIP      nothing, for the reason given
    WAIT      nothing yet: a person decides first whether what it is made from is good
    """

    CREATE = "create"
    RESUME = "resume"
    DOWNLOAD = "download"
    REUSE = "reuse"
    RETRY = "retry"
    DECIDE = "decide"
    SKIP = "skip"
    WAIT = "wait"


RESTING = frozenset({Action.REUSE, Action.SKIP, Action.WAIT})
"""Actions for which nothing is done in a run."""

SPENDING = frozenset({Action.CREATE, Action.RETRY})
"""Actions that create a task."""

WORKING = SPENDING | {Action.RESUME, Action.DOWNLOAD}
"""Actions that end with files on disk."""


class SkipReason(StrEnum):
    """Why a run makes nothing for a take.

    SKIPPED       the storyboard has ``skip: true``    NOT_SELECTED  the command names other shots
    BLOCKED       its parent is not coming             EXHAUSTED     it failed, and isn't tried again by itself
    """

    SKIPPED = "skip: true"
    NOT_SELECTED = "not selected"
    BLOCKED = "blocked"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class Parent:
    """A take that another one is made from. ``take`` None: its pick, decided when it is there."""

    shot: str
    take: int | None
    sha256: str | None = None

    @property
    def label(self) -> str:
        """``key010/1``, as plans and messages write it."""
        return f"{self.shot}/{self.take}" if self.take is not None else self.shot


@dataclass(frozen=True, slots=True)
class Awaited:
    """The decision that a take waits for: ``words`` say which, it is about ``shot`` of ``storyboard`` (its file from
    the project root; None: this one). ``approve``: an approval is missing; else the one that is written is no use.
    ``made``: as far as is known there is something that can be approved."""

    words: str
    shot: str
    storyboard: str | None = None
    approve: bool = True
    made: bool = True


@dataclass(frozen=True, slots=True)
class BoardTake:
    """A take of another storyboard, whose file is ``storyboard`` from the project root; ``sha256`` is the identity of
    its output, None as long as that is still being made."""

    storyboard: str
    shot: str
    take: int
    sha256: str | None = None

    @property
    def label(self) -> str:
        """``cast/cast.yaml mira-sheet/1``, as plans and messages write it."""
        return f"{self.storyboard} {self.shot}/{self.take}"


@dataclass(frozen=True, slots=True)
class Step:
    """One take of the plan. ``shot`` has values for what follows a sound: estimates as long as that isn't there.

    ``attempt_key`` is the attempt that serves it (to resume, fetch or reuse), ``request_key`` the client
    request id of the next create; both are None where they can't be known yet. ``fingerprint`` is None for a
    take whose parent doesn't exist yet. ``moves_from`` is the shot and take whose attempt it takes over,
    ``gives_up`` the key of an unknown attempt that is paid for again. A take that isn't ``wanted`` (skipped,
    not selected) doesn't count towards the exit code.
    ``boards`` are takes of other storyboards that it is made from, ``awaits`` is the decision that it waits for.
    ``alike`` are fingerprints of the same with other values where one follows a sound: they fail together.
    ``dearer`` are params with which it may cost more than ``credits``, the table's base.
    ``tries_left`` is how many further creates could follow without ``--retry-failed``. ``warnings`` are what is
    odd about files that are there, in words.
    """

    shot: Shot
    take: int
    action: Action
    reason: str
    credits: float | None
    credits_basis: str | None
    needs: tuple[Parent, ...] = ()
    request_key: str | None = None
    fingerprint: str | None = None
    number: int = 1
    attempt_key: str | None = None
    moves_from: tuple[str, int] | None = None
    gives_up: str | None = None
    skip_reason: SkipReason | None = None
    tries_left: int = 1
    table_date: str | None = None
    warnings: tuple[str, ...] = ()
    alike: frozenset[str] = frozenset()
    boards: tuple[BoardTake, ...] = ()
    awaits: Awaited | None = None
    dearer: tuple[str, ...] = ()

    def asks_for(self, fingerprint: str) -> bool:
        """Whether an attempt of this fingerprint was one at this take as it is asked for now."""
        return fingerprint == self.fingerprint or fingerprint in self.alike

    @property
    def waits(self) -> bool:
        """Whether it is made from other takes, which may have to come first."""
        return bool(self.needs or self.boards)

    @property
    def from_storyboards(self) -> tuple[tuple[str, str, int, str], ...]:
        """What it is made from of other storyboards, as it is put on record."""
        return tuple((one.storyboard, one.shot, one.take, one.sha256 or "") for one in self.boards)

    @property
    def wanted(self) -> bool:
        """Whether it counts towards the exit code: a person hasn't left it out."""
        return self.skip_reason not in {SkipReason.SKIPPED, SkipReason.NOT_SELECTED}

    @property
    def label(self) -> str:
        """``sh010/2``."""
        return f"{self.shot.id}/{self.take}"


@dataclass(frozen=True, slots=True)
class Allowance:
    """``budget.max_credits``, what is ``left`` of it, and the takes (``sh010/2``) whose estimates go ``beyond``.

    Of one of the project's budgets also what it is for (``match``), ``per`` which period, and its ``place``.
    """

    most: float
    left: float
    beyond: tuple[str, ...]
    match: str = ""
    per: str = "ever"
    place: str = ""


@dataclass(frozen=True, slots=True)
class PlanTotals:
    """How many steps of each action, and credits: ``now`` (this run), ``spent`` so far, ``worst`` (all retries).

    ``budget`` None: the storyboard sets none. ``budgets`` are those of the project that concern it.
    """

    counts: tuple[tuple[Action, int], ...]
    now: float
    spent: float
    worst: float
    budget: Allowance | None = None
    budgets: tuple[Allowance, ...] = ()

    @property
    def beyond(self) -> set[str]:
        """The takes for which any budget has no room."""
        budgets = (*self.budgets, *([self.budget] if self.budget is not None else []))
        return {label for one in budgets for label in one.beyond}


@dataclass(frozen=True, slots=True)
class Plan:
    """``orphans`` are keys of open attempts that no present take asks for: they are finished into history.

    ``cast_changes`` are members of the cast with another text, and how many shots are made anew for it.
    ``other_choices`` are other storyboards, as written, and shots of theirs with another choice than so many shots
    here were made from.
    """

    storyboard: str
    steps: tuple[Step, ...]
    orphans: tuple[str, ...]
    totals: PlanTotals
    cast_changes: tuple[tuple[str, int], ...] = ()
    other_choices: tuple[tuple[str, str, int], ...] = ()

    @property
    def at_least(self) -> bool:
        """Whether takes may cost more than the base credits of tables, which is all that is known."""
        return any(step.dearer for step in self.steps)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a create is thought to cost: what the API reserved for the same before, else the table's base credits.

    ``credits`` None: nothing is known. ``basis`` is ``observed`` or ``base``; ``read_on`` dates the table, ``dearer``
    are the params with which the base credits are only the least that it may cost."""

    credits: float | None
    basis: str | None
    read_on: str | None
    price_key: str
    dearer: tuple[str, ...] = ()


def estimate(table: ModelTable, params: Mapping[str, Json], prices: Mapping[str, float]) -> Estimate:
    """The cost of one create of this model with these params as sent."""
    key = price_key(table.id, params)
    if key in prices:
        return Estimate(prices[key], "observed", None, key)
    if table.base_credits is None:
        return Estimate(None, None, table.read_on, key)
    return Estimate(table.base_credits, "base", table.read_on, key, dearer_params(table, params))


def allowance(most: float, at_stake: float, creating: Iterable[Step]) -> Allowance:
    """``at_stake`` is what everything so far may have cost; ``creating`` are the creates, in the order of a run."""
    left = room = max(0.0, most - at_stake)
    beyond: dict[str, None] = {}
    for step in creating:
        cost = step.credits if step.credits is not None else LEAST
        if cost > room or any(parent.label in beyond for parent in step.needs):
            beyond[step.label] = None
        else:
            room -= cost
    return Allowance(most, left, tuple(beyond))
