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

    def __init__(self, storyboard: Storyboard, selection: Selection | None) -> None:
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

    def words(self, shot: str, take: int, reason: str) -> str:
        """The reason of a step, with whom it is for."""
        whom = (self._brought or {}).get((shot, take))
        return f"{reason}; for {whom}" if whom is not None else reason

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
        for shot, take in _takes(reversed(levels)):
            whom = shot.id if shot.id in self._asked else brought.get((shot.id, take))
            if whom is not None:
                near = (one for one in self._needs(steps[shot.id, take], steps) if one[0] in self._near)
                brought.update({one: whom for one in near if one not in brought})
        for shot, take in _takes(levels):
            if (shot.id, take) in brought:
                step = steps[shot.id, take]
                steps[shot.id, take] = replace(step, reason=self.words(shot.id, take, step.reason))
            elif shot.id in self._near:
                steps[shot.id, take] = step_of(shot, take, lineage.resolve(shot, steps))

    def _needs(self, step: Step, steps: Mapping[_Take, Step]) -> Iterator[_Take]:
        """The takes that have to be there before a step, or that are in its way."""
        if step.action in SPENDING:
            made_from = [(one.shot, one.take or 1) for one in step.needs]
            # A person is to choose: of what waits for an approval all takes are made.
            made_from += [one for one in self._takes_of_parents(step) if self._shots[one[0]].needs_approval]
            yield from (one for one in made_from if steps[one].wanted and steps[one].action in WORKING)
        elif step.skip_reason is SkipReason.BLOCKED:
            parents = self._takes_of_parents(step)
            stuck = {Action.DECIDE, Action.SKIP}
            yield from (one for one in parents if steps[one].wanted and steps[one].action in stuck)

    def _takes_of_parents(self, step: Step) -> list[_Take]:
        parents = [self._shots[name] for name in parents_of(step.shot)]
        return [(parent.id, take) for parent in parents for take in range(1, parent.takes + 1)]

    def _ancestors(self, excluded: Collection[str]) -> frozenset[str]:
        found: set[str] = set()
        waiting = [*self._asked] if len(self._asked) < len(self._shots) else []
        while waiting:
            for parent in parents_of(self._shots[waiting.pop()]):
                if parent not in found and parent not in self._asked and parent not in excluded:
                    found.add(parent)
                    waiting.append(parent)
        return frozenset(found)


def _takes(levels: Iterable[Iterable[Shot]]) -> Iterator[tuple[Shot, int]]:
    return ((shot, take) for level in levels for shot in level for take in range(1, shot.takes + 1))
