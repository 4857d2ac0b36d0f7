"""Takes that wait for those of another storyboard of the same run."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from rivya_run.engine.take_ends import TakeEnds
from rivya_run.planning.other_storyboards import BoardChoice, BoardKey, board_references, key_of
from rivya_run.planning.plan import Parent, Step
from rivya_run.project.other_choices import BoardResults
from rivya_run.storyboard.model import BoardReference, Storyboard


@dataclass(frozen=True, slots=True)
class Running:
    """A storyboard of this run, what it has made so far, and which of its takes have ended."""

    storyboard: Storyboard
    made: BoardResults
    ends: TakeEnds


@dataclass(frozen=True, slots=True)
class OtherTakes:
    """The storyboards of a run by their files, for the takes of one whose paths start from ``root``; ``choices`` are
    those that it is planned by."""

    running: MutableMapping[Path, Running]
    root: Path
    choices: MutableMapping[BoardKey, BoardChoice]

    async def settle(self, step: Step) -> None:
        """Return when every take that this one is made from has ended; what was chosen then is among the choices."""
        for reference in board_references(step.shot):
            while (waiting := _awaited(self.choices[key_of(reference)])) is not None:
                other = self.running[(self.root / self.choices[key_of(reference)].storyboard).resolve()]
                await other.ends.wait_for(waiting)
                self.choices[key_of(reference)] = self._chosen(reference, other)

    def _chosen(self, reference: BoardReference, other: Running) -> BoardChoice:
        """What the other one chooses now; another of its takes may still be coming."""
        asked = BoardChoice(self.choices[key_of(reference)].storyboard)
        shot = other.storyboard.shot(reference.shot)
        assert shot is not None, "what isn't there isn't waited for"
        found = other.made.choice(asked, shot, reference.take, coming=True)
        awaited = _awaited(found)
        if awaited is None or other.ends.missing([awaited]):
            return found
        return other.made.choice(asked, shot, reference.take, coming=False)


def _awaited(choice: BoardChoice) -> Parent | None:
    """The take that is still being made."""
    if choice.take is None or not choice.coming:
        return None
    return Parent(choice.take.shot, choice.take.take)
