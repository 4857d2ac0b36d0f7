"""Reuse as a matching: which attempt, paid for or on its way, serves which take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence, Set
from dataclasses import dataclass

from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt, AttemptState
from rivya_run.journal.fingerprint import was_made_for
from rivya_run.journal.fold import History
from rivya_run.planning.plan import Plan, Step

# The further an attempt has come, the less can still go wrong with it; an unknown one may not exist at all.
_PREFERENCE = {
    AttemptState.STORED: 0,
    AttemptState.FINISHED: 1,
    AttemptState.RUNNING: 2,
    AttemptState.SENT: 3,
    AttemptState.UNKNOWN: 4,
    AttemptState.TASK_MISSING: 4,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A take that is asked for. A ``passive`` one (of a skipped shot) keeps what it has and takes no more.

    ``others`` are fingerprints that do as well, for a value that follows a sound: the earlier the better.
    """

    shot: str
    take: int
    fingerprint: str
    passive: bool = False
    others: tuple[str, ...] = ()


class Matching:
    """Each wanted take claims at most one attempt with its fingerprint; each attempt serves one take.

    In this order, for all takes before the next rule: its own shot and take; its own shot; its family (what other
    versions have, or had); what no present shot claims. ``guarded`` names shots whose fingerprints aren't known yet:
    what they have isn't given away, and what their families have only within these. ``family_of`` tells the family
    of any shot's id. What ``keep_for`` names goes to no other shot, but back to the one that it was made for. Of two
    tasks of one create that one serves whose key is ``shown``, in every folder: what is made of it is paid for once.
    """

    def __init__(
        self,
        attempts: Iterable[Attempt],
        family_of: Callable[[str], str] = str,
        shown: Collection[str] = (),
    ) -> None:
        self._family_of = family_of
        self._free: dict[str, list[Attempt]] = {}
        self.claims: dict[tuple[str, int], str] = {}
        self._kept_for: set[str] = set()
        self._staying: set[str] = set()
        for attempt in attempts:
            if attempt.state in CLAIMABLE_STATES:
                self._free.setdefault(attempt.fingerprint, []).append(attempt)
        for found in self._free.values():
            found.sort(key=lambda one: (_PREFERENCE[one.state], one.client_request_id not in shown))

    def claim(self, shot: str, take: int, attempt: Attempt) -> None:
        """Let a take have an attempt, whatever is asked for."""
        self.claims[shot, take] = attempt.client_request_id
        if self.is_free(attempt):
            self._free[attempt.fingerprint].remove(attempt)

    def settle(self, shot: str, take: int, attempt: Attempt, *, stays: bool) -> None:
        """Let an approved take have an attempt. It may serve another take as well: if it ``stays``, one of the shot
        whose own it is."""
        self.claims[shot, take] = attempt.client_request_id
        if stays:
            self._staying.add(attempt.client_request_id)

    def keep_for(self, shot: str) -> None:
        """What this shot has goes to no other one, that apart which it was made for."""
        self._kept_for.add(shot)

    def match(self, wanted: Sequence[Wanted], guarded: Set[str] = frozenset()) -> None:
        """Let these takes claim what fits them."""
        # Rule by rule for all takes, not take by take for all rules: otherwise the first take in the storyboard
        # could take what belongs to a later one, which would then be paid for again.
        for take in wanted:
            self._claim(take, _same_take)
        for take in wanted:
            self._claim(take, _same_shot)
        # A guarded shot may still turn out to want its own: its parents aren't known yet.
        for take in wanted:
            self._claim(
                take,
                lambda take, one: (
                    one.shot not in guarded and self._may_move(take, one) and self._same_family(take, one)
                ),
            )
        families = {self._family_of(shot) for shot in guarded}
        for take in wanted:
            if not take.passive:
                self._claim(
                    take,
                    lambda take, one: self._family_of(one.shot) not in families and self._may_move(take, one),
                )

    def key_for(self, shot: str, take: int) -> str | None:
        return self.claims.get((shot, take))

    def is_free(self, attempt: Attempt) -> bool:
        """Whether no take has claimed it as its own."""
        return attempt in self._free.get(attempt.fingerprint, ())

    def free(self, fingerprints: Iterable[str]) -> list[Attempt]:
        """Attempts with one of these fingerprints that no take has claimed."""
        return [attempt for digest in fingerprints for attempt in self._free.get(digest, ())]

    def unclaimed(self) -> list[Attempt]:
        claimed = {*self.claims.values()}
        return [one for found in self._free.values() for one in found if one.client_request_id not in claimed]

    def _may_move(self, take: Wanted, attempt: Attempt) -> bool:
        """Whether a take of another shot may have it than the one that has it."""
        if was_made_for(attempt.client_request_id, take.shot):
            return True
        return attempt.shot not in self._kept_for and attempt.client_request_id not in self._staying

    def _same_family(self, take: Wanted, attempt: Attempt) -> bool:
        return self._family_of(attempt.shot) == self._family_of(take.shot)

    def _claim(self, take: Wanted, fits: Callable[[Wanted, Attempt], bool]) -> None:
        if (take.shot, take.take) in self.claims:
            return
        for digest in (take.fingerprint, *take.others):
            found = self._free.get(digest, [])
            for index, attempt in enumerate(found):
                if fits(take, attempt):
                    self.claims[take.shot, take.take] = attempt.client_request_id
                    del found[index]
                    return


def _same_take(take: Wanted, attempt: Attempt) -> bool:
    return (attempt.shot, attempt.take) == (take.shot, take.take)


def _same_shot(take: Wanted, attempt: Attempt) -> bool:
    return attempt.shot == take.shot


def shown_attempt(step: Step, history: History) -> str | None:
    """The key of the attempt that the manifest shows for a planned take: what serves it, else its last try."""
    if step.attempt_key is not None:
        return step.attempt_key
    if step.fingerprint is None or step.shot.approved is not None:
        return None  # another file than the one that is approved doesn't stand for it
    mine = [a for a in history.of_take(step.shot.id, step.take) if step.asks_for(a.fingerprint)]
    last = max(mine, key=lambda a: (a.fingerprint == step.fingerprint, a.number), default=None)
    return last.client_request_id if last is not None else None


def serving_of(plan: Plan, history: History) -> dict[tuple[str, int], str]:
    """The key of the attempt that the manifest shows, for each (shot, take) of a plan that has one."""
    return {
        (step.shot.id, step.take): key
        for step in plan.steps
        if (key := shown_attempt(step, history)) is not None
    }
