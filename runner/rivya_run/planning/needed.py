"""Which takes a run is to see to: those of the shots that it asks for, and those that these are to be made from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from typing import TypeAlias

from rivya_run.planning.lineage import Lineage, ResolvedParents, parents_of
from rivya_run.planning.plan import SPENDING, WORKING, Action, SkipReason, Step
from rivya_run.storyboard.model import Shot, Storyboard
from rivya_run.storyboard.selection import Selection

_Take: TypeAlias = tuple[str, int]


class Needed:
    """Says of each take whether it is wanted. While a plan is made, all that the shots of the ``selection`` could be
    made from are (``settle`` hasn't been called); then only the takes that they are made from."""

    def __init__(
        self,
        storyboard: Storyboard,
        selection: Selection | None,
        takes_of: Callable[[Shot], Iterable[int]],
    ) -> None:
        """``takes_of`` tells the numbers of the takes that are planned of a shot."""
        self._takes_of = takes_of
        self._shots = {shot.id: shot for shot in storyboard.shots}
        self._asked: Collection[str] = self._shots if selection is None else selection.shots
        self._near = self._ancestors(selection.excluded if selection is not None else ())
        self._brought: dict[_Take, str] | None = None

    def left_out(self, shot: Shot, take: int) -> SkipReason | None:
        """Why a person doesn't want this take now."""
        if shot.skip:
            return SkipReason.SKIPPED
        if shot.id in self._asked:
            return None
        if self._brought is None:
            return None if shot.id in self._near else SkipReason.NOT_SELECTED
        return None if (shot.id, take) in self._brought else SkipReason.NOT_SELECTED

    def with_purpose(self, step: Step) -> Step:
        """The step with whom it is for in its reason."""
        whom = (self._brought or {}).get((step.shot.id, step.take))
        return replace(step, reason=f"{step.reason}; for {whom}") if whom is not None else step

    def settle(
        self,
        steps: MutableMapping[_Take, Step],
        lineage: Lineage,
        step_of: Callable[[Shot, int, ResolvedParents], Step],
    ) -> None:
        """Choose, of the plan in which everything near was wanted, the takes that are needed: those that what is to
        be created is made from, and those whose state keeps it from being made. The others are left out."""
        levels = lineage.levels() if self._near else []
        brought: dict[_Take, str] = {}
        self._brought = brought
        for shot, take in self._all(reversed(levels)):
            whom = shot.id if shot.id in self._asked else brought.get((shot.id, take))
            if whom is not None:
                near = (one for one in self._needs(steps[shot.id, take], steps) if one[0] in self._near)
                brought.update({one: whom for one in near if one not in brought})
        for shot, take in self._all(levels):
            if (shot.id, take) in brought:
                steps[shot.id, take] = self.with_purpose(steps[shot.id, take])
            elif shot.id in self._near:
                steps[shot.id, take] = step_of(shot, take, lineage.resolve(shot, steps))

    def _needs(self, step: Step, steps: Mapping[_Take, Step]) -> Iterator[_Take]:
        """The takes that have to be there before a step, or that are in its way."""
        if step.action in SPENDING:
            made_from = [(one.shot, one.take or 1) for one in step.needs]
            yield from (one for one in made_from if steps[one].wanted and steps[one].action in WORKING)
            return
        in_its_way: set[Action] = set()
        if step.action is Action.WAIT:
            in_its_way = {Action.WAIT}
        elif step.skip_reason is SkipReason.BLOCKED:
            in_its_way = {Action.DECIDE, Action.SKIP}
        for parent in (self._shots[name] for name in parents_of(step.shot)):
            # A person is to choose: of what waits for an approval all takes are made.
            to_choose = step.action is Action.WAIT and parent.needs_approval
            for take in self._takes_of(parent):
                found = steps[parent.id, take]
                if found.wanted and (found.action in in_its_way or (to_choose and found.action in WORKING)):
                    yield parent.id, take

    def _ancestors(self, excluded: Collection[str]) -> frozenset[str]:
        found: set[str] = set()
        waiting = [*self._asked] if len(self._asked) < len(self._shots) else []
        while waiting:
            for parent in parents_of(self._shots[waiting.pop()]):
                if parent not in found and parent not in self._asked and parent not in excluded:
                    found.add(parent)
                    waiting.append(parent)
        return frozenset(found)

    def _all(self, levels: Iterable[Iterable[Shot]]) -> Iterator[tuple[Shot, int]]:
        return ((shot, take) for level in levels for shot in level for take in self._takes_of(shot))
