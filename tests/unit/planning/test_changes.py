"""What changed between two states of a storyboard."""

from __future__ import annotations

from examples import MODEL, board, child, from_file, shot, table
from rivya_run.planning.changes import TakeChange, changes, contents
from rivya_run.storyboard.model import Fit, Storyboard

TABLES = {MODEL: table()}


def between(
    before: Storyboard,
    after: Storyboard,
    was: dict[str, str] | None = None,
    now: dict[str, str] | None = None,
) -> list[tuple[str, str]]:
    """(kind, take) of each change; ``was`` and ``now`` are digests of files."""
    found: list[TakeChange] = changes(
        before, contents(before, TABLES, was or {}), after, contents(after, TABLES, now or {}), TABLES, {}
    )
    return [(one.kind.value, f"{one.shot}/{one.take}") for one in found]


def test_nothing_changed_is_nothing() -> None:
    """Order, scenes, labels and notes are not part of what is made."""
    before = board(shot("a"), shot("b", scene="x"))
    assert between(before, board(shot("b", scene="y", notes="n"), shot("a"))) == []


def test_new_changed_and_removed_takes_are_told_apart() -> None:
    """A prompt changed, a shot added, a take taken away."""
    before = board(shot("a", takes=2), shot("b"))
    after = board(shot("a", "another prompt"), shot("b"), shot("c"))
    assert between(before, after) == [("changed", "a/1"), ("new", "c/1"), ("removed", "a/2")]


def test_a_rename_costs_nothing() -> None:
    """The same content under another name is the same take."""
    assert between(board(shot("a", "p")), board(shot("z", "p"))) == [("renamed", "z/1")]


def test_a_changed_parent_changes_its_children() -> None:
    """What is made from another shot is made anew with it."""
    before = board(shot("a"), child("b", "a"))
    assert between(before, board(shot("a", "other"), child("b", "a"))) == [
        ("changed", "a/1"),
        ("changed", "b/1"),
    ]


def test_new_content_of_a_file_changes_the_takes_that_use_it() -> None:
    """The path is not what counts."""
    one = board(shot("a", references=(from_file("r.png"),)))
    assert between(one, one, {"r.png": "1"}, {"r.png": "2"}) == [("changed", "a/1")]
    assert between(one, one, {"r.png": "1"}, {"r.png": "1"}) == []


def test_the_credits_of_a_change_are_those_of_making_it() -> None:
    """Base credits, or what the API took before."""
    before, after = board(), board(shot("a"))
    [new] = changes(before, {}, after, contents(after, TABLES, {}), TABLES, {})
    assert (new.credits, new.basis) == (10, "base")


def test_a_length_that_follows_a_sound_is_part_of_what_is_asked_for() -> None:
    """Another sound, another pad, another text of the sound; not its name."""

    def follows(
        sound: str = "vo", pad: float = 0.5, said: str = "said", file: str | None = None
    ) -> Storyboard:
        fit = Fit(sound, pad, 1, 1, "", file)
        return board(shot("a", fits={"duration": fit}), shot(sound, said))

    assert between(follows(), follows()) == []
    assert between(follows(), follows(pad=1)) == [("changed", "a/1")]
    assert between(follows(), follows(said="other")) == [("changed", "a/1"), ("changed", "vo/1")]
    assert between(follows(), follows("speech")) == [("renamed", "speech/1")]
    own = follows(file="v.wav")
    assert between(own, own, {"v.wav": "1"}, {"v.wav": "2"}) == [("changed", "a/1")]
