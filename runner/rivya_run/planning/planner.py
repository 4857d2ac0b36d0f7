"""From a storyboard and history to a plan: pure, so that what is shown is what is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass, field, replace

from rivya_run.journal.attempt import UNDECIDED_STATES, Attempt, AttemptState
from rivya_run.journal.fingerprint import client_request_id
from rivya_run.journal.fold import History
from rivya_run.journal.take_entry import out_of_credits, stopped_by
from rivya_run.models.table import ModelTable
from rivya_run.planning.cast_changes import changed_members
from rivya_run.planning.families import Families
from rivya_run.planning.lineage import Lineage, ResolvedParents
from rivya_run.planning.matching import Matching, Wanted
from rivya_run.planning.needed import Needed
from rivya_run.planning.next_action import next_action
from rivya_run.planning.order import priorities
from rivya_run.planning.other_storyboards import BoardChoice, BoardKey
from rivya_run.planning.plan import (
    SPENDING,
    Action,
    Allowance,
    Awaited,
    Parent,
    Plan,
    PlanTotals,
    SkipReason,
    Step,
    allowance,
    estimate,
)
from rivya_run.planning.reasons import changed_since, take_warnings, why_new
from rivya_run.planning.settled import Settled, SettledTake
from rivya_run.planning.tries import MOST_ATTEMPTS, counted_failures, next_number, not_retried, tried
from rivya_run.storyboard.model import FileFacts, Shot, Storyboard
from rivya_run.storyboard.selection import Selection


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """``selected`` None: all shots. ``bad_files`` are outputs that are missing or altered on disk, ``expired`` keys
    of creates so old that the API may have forgotten them, ``shown`` keys of what stands for takes in a manifest."""

    selected: Selection | None = None
    retry_failed: bool = False
    resend_unknown: bool = False
    bad_files: Mapping[str, str] = field(default_factory=dict)
    expired: Collection[str] = ()
    shown: Collection[str] = ()


class Planner:
    def __init__(
        self,
        storyboard: Storyboard,
        tables: Mapping[str, ModelTable],
        history: History,
        facts: Mapping[str, FileFacts],
        options: PlanOptions,
        choices: MutableMapping[BoardKey, BoardChoice] | None = None,
    ) -> None:
        """``choices`` are those of other storyboards, for every reference to one."""
        self._storyboard = storyboard
        self._tables = tables
        self._history = history
        self._facts = facts
        self._options = options
        self._families = Families(storyboard.shots, history)
        self.matching = Matching(history.attempts.values(), self._families.of, options.shown)
        self.settled = Settled(storyboard.made, history, self.matching)
        self._needed = Needed(storyboard, options.selected, self.settled.takes)
        self.lineage = Lineage(
            storyboard, tables, history, facts, self.matching, self._families, self.settled, choices
        )
        self._steps: dict[tuple[str, int], Step] = {}
        self._unresolved = {shot.id for shot in storyboard.made if shot.approved is None}

    def plan(self) -> Plan:
        """All steps, in storyboard order."""
        claimed = -1
        # Once more where a child turned out not to want what was kept for it, until that changes nothing.
        while claimed < 0 or (claimed < len(self.matching.claims) and self._may_be_served()):
            claimed = len(self.matching.claims)
            # Level by level, since a child's fingerprint needs the file of its parent.
            for level in self.lineage.levels():
                self._plan_level(level)
        self._needed.settle(self._steps, self.lineage, self._step)
        steps = tuple(
            self._steps[shot.id, take] for shot in self._storyboard.shots for take in self.settled.takes(shot)
        )
        orphans = tuple(attempt.client_request_id for attempt in self.matching.unclaimed() if attempt.open)
        cast_changes = changed_members(steps, self._families.before)
        changed = self.lineage.other_storyboards.changed.items()
        other_choices = tuple((board, shot, len(shots)) for (board, shot), shots in changed)
        plan = Plan(self._storyboard.id, steps, orphans, self._totals(steps), cast_changes, other_choices)
        return replace(plan, totals=replace(plan.totals, budget=self._allowance(plan)))

    def _allowance(self, plan: Plan) -> Allowance | None:
        most = self._storyboard.max_credits
        if most is None:
            return None
        return allowance(most, self._history.at_stake(), (step for _, step in priorities(plan)))

    def replan(self, step: Step) -> Step:
        """The step of a take again, now that its parents are there or are known not to come."""
        resolved = self.lineage.resolve(step.shot, self._steps)
        known = [(step.shot, resolved)]
        # Others whose own would do for it have the first say, where they can be known by now as well.
        known += [
            (other, self.lineage.resolve(other, self._steps)) for other in self._rivals(step.shot, resolved)
        ]
        self._unresolved -= {shot.id for shot, found in known if found.fingerprint is not None}
        wanted = [take for shot, found in known for take in _all_takes(shot, found)]
        self.matching.match(wanted, guarded=self._unresolved)
        again = self._needed.with_purpose(self._step(step.shot, step.take, resolved))
        self._steps[step.shot.id, step.take] = again
        return again

    def _rivals(self, shot: Shot, resolved: ResolvedParents) -> list[Shot]:
        """The shots that may still turn out to want what would serve this one."""
        families = {self._families.of(one.shot) for one in self.matching.free(resolved.serving)}
        waiting = sorted(self._unresolved - {shot.id}) if families else []
        return [self._steps[name, 1].shot for name in waiting if self._families.of(name) in families]

    def chosen(self, shot: str, take: int | None) -> Parent | str:
        """What a reference from another storyboard to a shot of this one means now; see ``Lineage.chosen``."""
        parent = self._storyboard.shot(shot)
        assert parent is not None
        return self.lineage.chosen(parent, take, self._steps)

    def awaits(self, shot: Shot, chosen: Parent | str) -> Awaited | None:
        """The decision that has to come before anything is made from what ``chosen`` says of a shot."""
        return self.lineage.awaits(shot, chosen if isinstance(chosen, Parent) else None, self._steps)

    def served(self, shot: str, take: int, key: str) -> None:
        """Tell the plan that a take is finished, so that takes made from it can be resolved."""
        self.matching.claims[shot, take] = key

    def gave_up(self, step: Step, reason: str) -> None:
        self._steps[step.shot.id, step.take] = replace(
            step, action=Action.SKIP, reason=reason, skip_reason=step.skip_reason or SkipReason.EXHAUSTED
        )

    def _may_be_served(self) -> bool:
        """Whether something is to be paid for while there is something that no take has."""
        return bool(self.matching.unclaimed()) and any(one.action in SPENDING for one in self._steps.values())

    def _plan_level(self, shots: list[Shot]) -> None:
        """Plan shots that don't depend on each other; all their parents are planned."""
        resolved = {shot.id: self.lineage.resolve(shot, self._steps) for shot in shots}
        wanted = [take for shot in shots for take in _all_takes(shot, resolved[shot.id])]
        self._unresolved -= {shot.id for shot in shots if resolved[shot.id].fingerprint is not None}
        self.matching.match(wanted, guarded=self._unresolved)
        for shot in shots:
            if shot.skip:
                self.settled.keep_last(shot)
            self.settled.take_along(shot, resolved[shot.id].serving)
            for take in self.settled.takes(shot):
                self._steps[shot.id, take] = self._step(shot, take, resolved[shot.id])

    def _step(self, shot: Shot, take: int, resolved: ResolvedParents) -> Step:
        settled = self.settled.of(shot.id)
        if settled is not None:
            return self._settled_step(settled, resolved)
        key = self.matching.key_for(shot.id, take)
        if key is None:
            return self._step_without(resolved.shot, take, resolved)
        return self._step_with(take, resolved, self._history.attempts[key])

    def _settled_step(self, settled: SettledTake, resolved: ResolvedParents) -> Step:
        """The step of the take that is approved: it is kept, and nothing else is made for the shot."""
        shot = resolved.shot
        if settled.attempt is None:
            left_out = self._needed.left_out(shot, settled.take)
            words = left_out.value if left_out is not None else settled.trouble
            awaited = Awaited(settled.trouble, shot.id, approve=False)
            return _at_rest(shot, settled.take, resolved, Action.WAIT, words, left_out, awaits=awaited)
        attempt = self._history.attempts[settled.attempt.client_request_id]
        own = replace(attempt, shot=shot.id, take=settled.take) if settled.shared else attempt
        step = replace(self._step_with(settled.take, resolved, own), needs=(), boards=())
        words = "approved"
        if attempt.fingerprint not in resolved.serving:
            uploads = self._history.uploads.values()
            changed = changed_since(attempt, shot, resolved.parents, resolved.boards, uploads, self._facts)
            words += f"; changed since: {', '.join(changed)}" if changed else ""
        words += f"; it is {attempt.shot}/{attempt.take}" if settled.shared else ""
        more = step.action is not Action.REUSE or step.moves_from is not None
        return replace(step, reason=f"{step.reason}; {words}" if more else words)

    def _step_with(self, take: int, resolved: ResolvedParents, attempt: Attempt) -> Step:
        """The step of a take that an attempt serves."""
        shot = resolved.serving.get(attempt.fingerprint, resolved.shot)
        action, reason = next_action(attempt, self._options.bad_files, self._options.expired)
        moved = (attempt.shot, attempt.take) != (shot.id, take)
        if moved and attempt.shot != shot.id:
            renamed = f"renamed from {attempt.shot}"
            reason = renamed if action is Action.REUSE else f"{reason}; {renamed}"
        # Only what a run has put on record as unknown, and so has shown, is given up: of a create that merely looks
        # too old by this machine's clock, nobody was told to look for its task.
        shown = attempt.state in UNDECIDED_STATES
        left_out = self._needed.left_out(shot, take)
        held = shot.approved is not None or resolved.blocked or resolved.awaits
        again_is_meant = self._options.resend_unknown and not left_out and not held
        if action is Action.DECIDE and shown and again_is_meant:
            again = self._creating(
                resolved.shot, take, resolved, Action.RETRY, "outcome unknown, to be paid for again"
            )
            # The old attempt stays on record: it may have been paid for, and counts as spent.
            return replace(again, gives_up=attempt.client_request_id)
        stops = stopped_by(shot, attempt)
        if stops:
            picked = "picked, but " if shot.pick == take else ""
            reason = f"{reason}; {picked}stopped until it is approved: {', '.join(stops)}"
        return Step(
            shot,
            take,
            action,
            reason,
            credits=attempt.estimate if attempt.state is AttemptState.SENT else 0,
            credits_basis=None,
            needs=resolved.needs,
            request_key=attempt.client_request_id,
            fingerprint=attempt.fingerprint,
            number=attempt.number,
            attempt_key=attempt.client_request_id,
            moves_from=(attempt.shot, attempt.take) if moved else None,
            skip_reason=left_out,
            warnings=tuple(take_warnings(attempt.outputs, shot.params, shot.checks)),
            alike=resolved.alike,
            boards=resolved.boards,
        )

    def _step_without(self, shot: Shot, take: int, resolved: ResolvedParents) -> Step:
        """The step of a take that nothing serves."""
        left_out = self._needed.left_out(shot, take)
        if left_out is not None:
            return _at_rest(shot, take, resolved, Action.SKIP, left_out.value, left_out)
        if resolved.awaits is not None:
            return _at_rest(shot, take, resolved, Action.WAIT, resolved.awaits.words, awaits=resolved.awaits)
        if resolved.blocked is not None:
            return _at_rest(shot, take, resolved, Action.SKIP, resolved.blocked, SkipReason.BLOCKED)
        failed = self._tried(shot, take, resolved)
        if not failed:
            before = self._families.before(shot)
            known = resolved.reason if before else None
            uploads, now = self._history.uploads.values(), resolved.fitted.now
            parents, boards = resolved.parents, resolved.boards
            reason = known or why_new(shot, take, parents, before, uploads, self._facts, now, boards)
            words = "; ".join([reason, *resolved.fitted.estimates])
            return self._creating(shot, take, resolved, Action.CREATE, words)
        last = failed[-1]
        code = last.error.code if last.error else last.state.value
        # Nothing was made and nothing was charged, so it is a first create again and no retry.
        if out_of_credits(last):
            return self._creating(shot, take, resolved, Action.CREATE, "the wallet was empty before")
        if last.state is AttemptState.GIVEN_UP:
            return self._creating(shot, take, resolved, Action.RETRY, "outcome unknown, to be paid for again")
        failures = counted_failures(failed)
        why_not = None if self._options.retry_failed else not_retried(failures)
        if why_not is not None:
            words = f"attempt {last.number} failed: {code}; {why_not}"
            return _at_rest(shot, take, resolved, Action.SKIP, words, SkipReason.EXHAUSTED)
        return self._creating(shot, take, resolved, Action.RETRY, f"attempt {last.number} failed: {code}")

    def _tried(self, shot: Shot, take: int, resolved: ResolvedParents) -> list[Attempt]:
        asked = resolved.alike | {resolved.fingerprint}
        return tried(self._families.of_take(shot, take), asked, resolved.fingerprint)

    def _creating(
        self, shot: Shot, take: int, resolved: ResolvedParents, action: Action, reason: str
    ) -> Step:
        cost = estimate(self._tables[shot.model], shot.params, self._history.prices)
        digest = resolved.fingerprint
        number = 1 if digest is None else self.next_number(shot.id, take, digest)
        tries = max(1, MOST_ATTEMPTS - len(counted_failures(self._tried(shot, take, resolved))))
        return Step(
            shot,
            take,
            action,
            reason,
            credits=cost.credits,
            credits_basis=cost.basis,
            needs=resolved.needs,
            request_key=None
            if digest is None
            else client_request_id(self._storyboard.id, shot.id, take, digest, number),
            fingerprint=digest,
            number=number,
            tries_left=tries,
            table_date=cost.read_on,
            dearer=cost.dearer,
            alike=resolved.alike,
            boards=resolved.boards,
        )

    def next_number(self, shot: str, take: int, digest: str) -> int:
        """The number of the next attempt at a take; see ``tries.next_number``."""
        return next_number(self._history, self._storyboard.id, shot, take, digest)

    def _totals(self, steps: tuple[Step, ...]) -> PlanTotals:
        counts = Counter(step.action for step in steps)
        spent = self._history.spent()
        now = sum(step.credits or 0 for step in steps)
        retries = sum(
            (step.credits or 0) * (step.tries_left - 1) for step in steps if step.action in SPENDING
        )
        return PlanTotals(tuple((action, counts[action]) for action in Action), now, spent, now + retries)


def _all_takes(shot: Shot, resolved: ResolvedParents) -> list[Wanted]:
    if not resolved.serving or shot.approved is not None:
        return []
    best, *others = resolved.serving
    return [Wanted(shot.id, take, best, shot.skip, tuple(others)) for take in range(1, shot.takes + 1)]


def _at_rest(
    shot: Shot,
    take: int,
    resolved: ResolvedParents,
    action: Action,
    words: str,
    why: SkipReason | None = None,
    *,
    awaits: Awaited | None = None,
) -> Step:
    """The step of a take for which nothing is done in this run."""
    return Step(
        shot,
        take,
        action,
        words,
        credits=0,
        credits_basis=None,
        needs=resolved.needs,
        fingerprint=resolved.fingerprint,
        alike=resolved.alike,
        boards=resolved.boards,
        tries_left=0 if why is SkipReason.EXHAUSTED else 1,
        skip_reason=why,
        awaits=awaits,
    )
