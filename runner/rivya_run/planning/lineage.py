"""Which takes a shot is made from, and so what its fingerprint is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter

from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt, AttemptState
from rivya_run.journal.fingerprint import file_identity, fingerprint, url_identity
from rivya_run.journal.fold import History
from rivya_run.journal.take_entry import stopped_by
from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable
from rivya_run.planning.families import Families
from rivya_run.planning.fitting import Fitted, Fitting, Steps
from rivya_run.planning.matching import Matching
from rivya_run.planning.other_storyboards import BoardChoice, BoardKey, OtherStoryboards, board_references
from rivya_run.planning.plan import SPENDING, WORKING, Action, Awaited, BoardTake, Parent
from rivya_run.planning.settled import Settled
from rivya_run.storyboard.model import (
    BoardReference,
    FileFacts,
    FileReference,
    Shot,
    ShotReference,
    Storyboard,
    UrlReference,
)


@dataclass(frozen=True, slots=True)
class ResolvedParents:
    """What a shot is made from. ``fingerprint`` is None while a parent doesn't exist; then ``reason`` says
    which parent is to be made, or ``blocked`` why it never will be.

    ``awaits`` says which decision has to come before anything is made from them.
    ``fitted`` is the shot with the values that follow sounds, ``boards`` what it is made from of other storyboards.
    ``serving`` is what serves it, by fingerprint, the best
    first; ``alike`` what else it was tried with.
    """

    fitted: Fitted
    fingerprint: str | None = None
    parents: tuple[Parent, ...] = ()
    reason: str | None = None
    blocked: str | None = None
    awaits: Awaited | None = None
    boards: tuple[BoardTake, ...] = ()
    serving: Mapping[str, Shot] = field(default_factory=dict)
    alike: frozenset[str] = frozenset()

    @property
    def shot(self) -> Shot:
        """The shot as it would be made."""
        return self.fitted.shot

    @property
    def needs(self) -> tuple[Parent, ...]:
        """All takes that it waits for: what it is made from, in the order of its references, then the sounds."""
        return (*self.parents, *self.fitted.sounds)


class Lineage:
    """Resolves references to shots, by what is on disk and what is planned."""

    def __init__(
        self,
        storyboard: Storyboard,
        tables: Mapping[str, ModelTable],
        history: History,
        facts: Mapping[str, FileFacts],
        matching: Matching,
        families: Families,
        settled: Settled,
        choices: MutableMapping[BoardKey, BoardChoice] | None = None,
    ) -> None:
        """``choices`` are those of other storyboards, for every reference to one."""
        self._shots = {shot.id: shot for shot in storyboard.shots}
        self._order = storyboard.made
        self._defaults = {model: table.defaults() for model, table in tables.items()}
        self._history = history
        self._facts = facts
        self._matching = matching
        self._families = families
        self._settled = settled
        gone = [attempt for attempt in history.attempts.values() if attempt.shot not in self._shots]
        self._parents_of_the_gone = _parents_newest_first(gone)
        self.other_storyboards = OtherStoryboards(
            self._shots, history, families, choices if choices is not None else {}
        )
        self._fitting = Fitting(self._shots, tables, history, facts, matching, families, settled)

    def levels(self) -> list[list[Shot]]:
        """Shots such that each level depends on earlier ones only; the reader has refused circles."""
        sorter = TopologicalSorter({shot.id: parents_of(shot) for shot in self._order})
        sorter.prepare()
        place = {shot.id: index for index, shot in enumerate(self._order)}
        levels: list[list[Shot]] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready(), key=place.__getitem__)
            levels.append([self._shots[name] for name in ready])
            sorter.done(*ready)
        return levels

    def resolve(self, shot: Shot, steps: Steps) -> ResolvedParents:
        """The parents of a shot and its fingerprint, as far as they can be known."""
        found = self._resolve(shot, steps)
        return replace(found, awaits=self._awaits(shot, found, steps))

    def _awaits(self, shot: Shot, found: ResolvedParents, steps: Steps) -> Awaited | None:
        """The decision that has to come before anything new is made from what a shot is made from."""
        known = {parent.shot: parent for parent in found.needs}
        for name in parents_of(shot):
            if name in known or found.blocked is not None:
                awaited = self.awaits(self._shots[name], known.get(name), steps)
                if awaited is not None:
                    return awaited
        return self.other_storyboards.awaits(shot)

    def awaits(self, parent: Shot, chosen: Parent | None, steps: Steps) -> Awaited | None:
        """The decision that has to come before anything new is made from a shot, of which this take is ``chosen``."""
        if parent.needs_approval:
            return Awaited(f"waits for the approval of {parent.id}", parent.id)
        settled = self._settled.of(parent.id)
        if settled is not None and settled.attempt is None:
            return Awaited(f"waits for {parent.id}: {settled.trouble}", parent.id, approve=False)
        takes = [chosen.take or 1] if chosen is not None else self._settled.takes(parent)
        for take in takes:
            step = steps.get((parent.id, take))
            if step is not None and step.action is Action.WAIT:
                return step.awaits
        stops = self.stopped(parent.id, chosen.take or 1) if chosen is not None else ()
        if not stops:
            return None
        return Awaited(f"waits for the approval of {parent.id}/{takes[0]}: {', '.join(stops)}", parent.id)

    def stopped(self, shot: str, take: int) -> tuple[str, ...]:
        """The checks that keep what serves a take from being used."""
        key = self._matching.key_for(shot, take)
        return stopped_by(self._shots[shot], self._history.attempts[key]) if key is not None else ()

    def _resolve(self, shot: Shot, steps: Steps) -> ResolvedParents:
        fitted = self._fitting.of(shot, steps)
        parents: list[Parent] = []
        waiting: Parent | None = None
        for reference in shot.references:
            if not isinstance(reference, ShotReference):
                continue
            parent = self._parent(shot, reference, steps)
            if isinstance(parent, str):
                return ResolvedParents(fitted, None, tuple(parents), blocked=parent)
            parents.append(parent)
            if parent.sha256 is None:
                waiting = waiting or parent
        found = ResolvedParents(fitted, None, tuple(parents), blocked=fitted.blocked)
        waiting = waiting or fitted.waiting
        if waiting is not None:
            blocked = found.blocked or self.other_storyboards.without(shot)
            return replace(found, reason=_why_waiting(waiting, steps), blocked=blocked)
        if fitted.blocked is not None and len(fitted.needs) < len(shot.fits):
            return found  # a sound is not coming

        def serving(takes: Sequence[BoardTake]) -> Mapping[str, Shot]:
            return self._fitting.serving(fitted, lambda variant: self.fingerprint(variant, parents, takes))

        boards = self.other_storyboards.of(shot, serving)
        found = replace(found, boards=boards.takes, blocked=fitted.blocked or boards.blocked)
        if boards.waiting is not None or len(boards.takes) < len(board_references(shot)):
            return replace(found, reason=boards.waiting)

        def digest(variant: Shot) -> str:
            return self.fingerprint(variant, parents, boards.takes)

        return replace(
            found,
            fingerprint=digest(fitted.shot) if fitted.blocked is None else None,
            serving=self._fitting.serving(fitted, digest),
            alike=self._fitting.alike(shot, digest),
        )

    def fingerprint(
        self, shot: Shot, parents: Sequence[Parent] = (), boards: Sequence[BoardTake] = ()
    ) -> str:
        """The fingerprint, given one parent with its content for each reference to a shot, in order; and so for
        those to other storyboards."""
        made_from, made_elsewhere = iter(parents), iter(boards)
        identities: list[dict[str, Json]] = []
        for reference in shot.references:
            if isinstance(reference, FileReference):
                identities.append(file_identity(self._facts[reference.path].sha256, reference.frame))
            elif isinstance(reference, UrlReference):
                identities.append(url_identity(reference.url, reference.kind, reference.id))
            else:
                of_another = isinstance(reference, BoardReference)
                taken = next(made_elsewhere) if of_another else next(made_from)
                identities.append(file_identity(taken.sha256 or "", reference.frame))
        return fingerprint(shot.model, shot.prompt, shot.params, self._defaults[shot.model], identities)

    def _parent(self, child: Shot, reference: ShotReference, steps: Steps) -> Parent | str:
        """The take that this reference means now, or why there will be none."""
        parent = self._shots[reference.shot]
        settled = self._settled.of(parent.id)
        if settled is not None and settled.attempt is None and parent.approved is not None:
            for sha in self._made_from(child):
                if sha.startswith(parent.approved.digits):
                    return Parent(parent.id, settled.take, sha)
        # Without a pick any take will do; the one that the child was made from keeps its fingerprint, and its clip.
        elif settled is None and reference.take is None and parent.pick is None:
            stored = self._stored_of(parent.id, range(1, parent.takes + 1))
            for sha in self._made_from(child):
                for take, found in stored.items():
                    if sha == found:
                        return Parent(parent.id, take, sha)
        return self.chosen(parent, reference.take, steps)

    def chosen(self, parent: Shot, take: int | None, steps: Steps) -> Parent | str:
        """The take of a shot that a reference to it means, a written ``take`` first; or why there will be none."""
        asked = take or parent.pick
        takes = [*self._settled.takes(parent)]
        if asked is not None and self._settled.of(parent.id) is None:
            takes = [asked]
        stored = self._stored_of(parent.id, takes)
        good = [take for take in stored if not self.stopped(parent.id, take)]
        lacking = [take for take in takes if take not in stored]
        coming = [take for take in lacking if steps[parent.id, take].action in WORKING]
        if coming and not good:
            return Parent(parent.id, coming[0])
        if stored:
            take = min(good or stored)
            return Parent(parent.id, take, stored[take])
        return f"parent {parent.id}/{takes[0]}: {steps[parent.id, takes[0]].reason}"

    def _stored_of(self, shot: str, takes: Iterable[int]) -> dict[int, str]:
        return {take: sha for take in takes if (sha := self._stored(shot, take)) is not None}

    def _stored(self, shot: str, take: int) -> str | None:
        """Identity of the first output of what serves this take, if it is there."""
        key = self._matching.key_for(shot, take)
        attempt = self._history.attempts[key] if key is not None else None
        if attempt is None or attempt.state is not AttemptState.STORED or not attempt.outputs:
            return None
        return attempt.outputs[0].identity

    def _made_from(self, child: Shot) -> list[str]:
        """Contents that this shot's own takes were made from, newest first; then those of shots that are gone,
        since it may be one of them under a new name."""
        return [*_parents_newest_first(self._families.attempts(child)), *self._parents_of_the_gone]


def _parents_newest_first(attempts: Iterable[Attempt]) -> list[str]:
    """Contents that attempts which can still serve a take were made from."""
    useful = [attempt for attempt in attempts if attempt.parents and attempt.state in CLAIMABLE_STATES]
    useful.sort(key=lambda attempt: attempt.sent_at or attempt.created_at or "", reverse=True)
    return [sha for attempt in useful for _, _, sha in attempt.parents]


def parents_of(shot: Shot) -> list[str]:
    """Ids of the shots that this one is made from, or whose length it follows."""
    made_from = [reference.shot for reference in shot.references if isinstance(reference, ShotReference)]
    return made_from + [fit.shot for fit in shot.fits.values() if fit.file is None]


def _why_waiting(parent: Parent, steps: Steps) -> str:
    step = steps[parent.shot, parent.take or 1]
    if step.action in SPENDING:
        return f"parent {parent.shot} will be made again"
    return f"parent {parent.shot} is not finished yet"
