"""Which shots ``--only`` and ``--exclude`` mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import board, shot
from rivya_run.errors import UsageError
from rivya_run.storyboard.selection import Selection, selected_shots

BOARD = board(
    shot("sh010", scene="intro", tags=("hero", "wide")),
    shot("sh020", scene="intro"),
    shot("pack-black", tags=("hero",)),
)


def chosen(*only: str, exclude: tuple[str, ...] = ()) -> set[str] | None:
    """The ids that are left."""
    [found] = selected_shots([BOARD], only, exclude)
    return set(found.shots) if found is not None else None


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("sh010", {"sh010"}),
        ("sh*", {"sh010", "sh020"}),
        ("sh0[12]0", {"sh010", "sh020"}),
        ("tag:hero", {"sh010", "pack-black"}),
        ("tag:w?de", {"sh010"}),
        ("scene:intro", {"sh010", "sh020"}),
        ("scene:i*", {"sh010", "sh020"}),
    ],
)
def test_patterns_are_globs_over_ids_tags_and_scenes(pattern: str, expected: set[str]) -> None:
    """``tag:`` and ``scene:`` say what the glob is over."""
    assert chosen(pattern) == expected


def test_without_patterns_nothing_is_left_out() -> None:
    """None, which also means shots that come later."""
    assert chosen() is None


def test_several_patterns_add_up_and_exclude_wins() -> None:
    """``--only`` is any of them, less what any ``--exclude`` names."""
    assert chosen("sh010", "tag:hero") == {"sh010", "pack-black"}
    assert chosen("scene:intro", exclude=("tag:wide",)) == {"sh020"}
    assert chosen(exclude=("pack-*",)) == {"sh010", "sh020"}


@pytest.mark.parametrize("pattern", ["sh01", "tag:heroes", "scene:outro", "SH010"])
def test_a_pattern_that_matches_nothing_is_a_slip(pattern: str) -> None:
    """It is named, in ``--only`` as in ``--exclude``, with what was probably meant."""
    for only, exclude in ((pattern,), ()), ((), (pattern,)):
        with pytest.raises(UsageError) as caught:
            selected_shots([BOARD], only, exclude)
        assert pattern in caught.value.message
        assert caught.value.hint


def test_a_pattern_may_be_meant_for_another_storyboard() -> None:
    """With several storyboards, matching in one of them is enough."""
    found = selected_shots([BOARD, board(shot("other"))], ("other",), ())
    assert found == [Selection(frozenset()), Selection(frozenset({"other"}))]


@given(st.sampled_from(["sh*", "*0", "tag:hero", "scene:intro", "*"]))
def test_only_and_exclude_part_the_shots(pattern: str) -> None:
    """What ``--only`` takes is what ``--exclude`` leaves out."""
    taken, left = chosen(pattern), chosen(exclude=(pattern,))
    assert taken is not None
    assert left is not None
    assert taken | left == {one.id for one in BOARD.shots}
    assert not taken & left
