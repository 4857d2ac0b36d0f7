"""Which commands make sense now: one rule, by where the takes stand."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import attempt, board, history_of, planner, shot
from rivya_run.journal.attempt import ApiError, AttemptState
from rivya_run.planning.next_commands import (
    MOST_PROPOSED,
    Lacking,
    Standing,
    Typed,
    next_commands,
    standings,
)
from rivya_run.planning.plan import Awaited

TYPED = Typed("my board.yaml", ("--outputs", "out"), ("--only", "a*"))


BOARD = Typed("b.yaml")


def lines(*found: Standing, typed: Typed = BOARD, planned: bool = False) -> list[str]:
    return [one.command for one in next_commands(found, typed, planned=planned)]


def waits(shot: str, storyboard: str | None = None, *, approve: bool = True) -> Standing:
    return Standing("z", 1, Lacking.DECISION, awaits=Awaited("waits", shot, storyboard, approve))


@pytest.mark.parametrize(
    ("lacking", "expected"),
    [
        (Lacking.NOTHING, ["rivya-run report b.yaml", "rivya-run export b.yaml"]),
        (Lacking.UNKNOWN, ["rivya-run adopt b.yaml a TASK_ID", "rivya-run b.yaml --resend-unknown --only a"]),
        (Lacking.NEW, ["rivya-run plan b.yaml", "rivya-run b.yaml"]),
        (Lacking.UNFINISHED, ["rivya-run b.yaml"]),
        (Lacking.FAILED, ["rivya-run b.yaml"]),
        (Lacking.HELD, ["rivya-run b.yaml --retry-failed --only a"]),
        (Lacking.CREDITS, ["rivya-run b.yaml"]),
        (Lacking.BUDGET, ["rivya-run b.yaml"]),
        (Lacking.ROOM, ["rivya-run b.yaml"]),
    ],
)
def test_what_a_take_lacks_has_its_commands(lacking: Lacking, expected: list[str]) -> None:
    """One take of a shot, and what to type."""
    assert lines(Standing("a", 1, lacking)) == expected


def test_a_plan_proposes_an_animatic_before_anything_was_paid() -> None:
    """For no money first; not where something is there already, nor where it is simulated."""
    new = Standing("a", 1, Lacking.NEW, credits=10)
    assert lines(new, planned=True) == ["rivya-run b.yaml --simulate", "rivya-run b.yaml"]
    assert lines(new, Standing("b", 1, Lacking.NOTHING), planned=True) == ["rivya-run b.yaml"]
    assert lines(new, typed=Typed("b.yaml", ("--simulate",)), planned=True) == ["rivya-run b.yaml --simulate"]
    assert [one.why for one in next_commands([new], Typed("b.yaml"), planned=True)][1] == (
        "make 1 take for about 10 credits"
    )


def test_what_was_simulated_is_a_film_before_it_is_paid_for() -> None:
    """Page and cut of the animatic, then the plan of the real thing."""
    typed = Typed("b.yaml", ("--simulate",))
    assert lines(Standing("a", 1, Lacking.NOTHING), typed=typed) == [
        "rivya-run report b.yaml --simulate",
        "rivya-run export b.yaml --simulate",
        "rivya-run plan b.yaml",
    ]


def test_an_approval_that_is_missing_is_looked_for_then_written_then_the_run_goes_on() -> None:
    """Of a shot that is there; of one that is still to be made, nothing can be approved yet."""
    there = Standing("key", 1, Lacking.NOTHING)
    expected = ["rivya-run review b.yaml", "rivya-run approve b.yaml key", "rivya-run b.yaml"]
    assert lines(there, waits("key")) == expected
    to_come = Standing("key", 1, Lacking.UNFINISHED)
    assert lines(to_come, waits("key")) == ["rivya-run b.yaml"]


def test_the_storyboard_is_named_whose_shot_is_to_be_approved() -> None:
    """As it is typed from here, not as it is from the project root."""
    typed = Typed("b.yaml", other=lambda path: f"../{path}")
    assert lines(waits("mira", "cast/cast.yaml"), typed=typed) == [
        "rivya-run review ../cast/cast.yaml",
        "rivya-run approve ../cast/cast.yaml mira",
        "rivya-run b.yaml",
    ]
    not_yet = Standing("z", 1, Lacking.DECISION, awaits=Awaited("waits", "mira", "cast.yaml", made=False))
    assert lines(not_yet) == ["rivya-run cast.yaml", "rivya-run b.yaml"]


def test_an_approval_that_is_no_use_can_be_given_up() -> None:
    """The file that it names isn't on record here."""
    assert lines(waits("key", approve=False)) == ["rivya-run unapprove b.yaml key", "rivya-run b.yaml"]


def test_a_create_that_no_take_asks_for_is_named_by_its_key_and_holds_nothing_up() -> None:
    """Its task may be adopted; paying again for it makes no sense."""
    old = Standing("gone", 2, Lacking.UNKNOWN, True, "task_1", "key_1")
    assert lines(Standing("a", 1, Lacking.NOTHING), old) == [
        "rivya-run adopt b.yaml gone task_1 --take 2 --key key_1",
        "rivya-run report b.yaml",
        "rivya-run export b.yaml",
    ]


def test_a_command_takes_only_the_options_that_it_has() -> None:
    """``status`` looks at no file outside, ``validate`` at no output folder."""
    typed = Typed("b.yaml", ("--simulate", "--outputs", "o", "--allow-outside"))
    assert typed.line("status") == "rivya-run status b.yaml --simulate --outputs o"
    assert typed.line("validate") == "rivya-run validate b.yaml --allow-outside"
    assert typed.line("review") == "rivya-run review b.yaml --simulate --outputs o --allow-outside"


STANDINGS = st.lists(
    st.builds(
        Standing,
        st.sampled_from(["a", "b", "c d"]),
        st.integers(1, 3),
        st.sampled_from(list(Lacking)),
        st.booleans(),
        st.none() | st.just("task"),
        st.none() | st.just("key"),
        st.none()
        | st.builds(Awaited, st.just("waits"), st.sampled_from("ab"), st.none() | st.just("x.yaml")),
        st.integers(0, 10).map(float),
        st.booleans(),
    ),
    max_size=40,
)


@given(STANDINGS, st.booleans())
def test_commands_can_be_copied_are_few_and_each_is_there_once(found: list[Standing], planned: bool) -> None:
    """Words as a shell reads them; a thousand takes make no thousand lines; the output folder is never left out."""
    commands = lines(*found, typed=TYPED, planned=planned)
    assert len(set(commands)) == len(commands) <= 3 * MOST_PROPOSED
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "rivya-run"
        assert words[words.index("--outputs") + 1] == "out"
        assert {"my board.yaml", "x.yaml"} & set(words)
        assert "--resend-unknown" not in words or any(one.lacking is Lacking.UNKNOWN for one in found)
        assert "--retry-failed" not in words or any(one.lacking is Lacking.HELD for one in found)


def test_a_plan_tells_where_its_takes_stand() -> None:
    """There, to be made, tried too often; and a create that no take asks for any more."""
    failed = ApiError("generation_failed", "no")
    tried = attempt(shot("c"), 1, AttemptState.FAILED, final_credits=5, error=failed)
    gone = attempt(shot("gone"), 1, AttemptState.UNKNOWN)
    known = history_of(attempt(shot("a")), tried, gone)
    plan = planner(board(shot("a"), shot("b"), shot("c"), shot("d", skip=True)), known).plan()
    assert [(one.shot, one.lacking, one.key) for one in standings(plan, known)] == [
        ("a", Lacking.NOTHING, None),
        ("b", Lacking.NEW, None),
        ("c", Lacking.HELD, None),
        ("gone", Lacking.UNKNOWN, gone.client_request_id),
    ]
