"""In which order takes are started."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, board, child, history_of, planner, shot
from rivya_run.journal.fingerprint import price_key
from rivya_run.planning.forecast import ENOUGH, Timing
from rivya_run.planning.lineage import parents_of
from rivya_run.planning.order import priorities
from rivya_run.planning.plan import Plan, Step
from rivya_run.storyboard.model import Shot

FEW = settings(max_examples=40)


def ordered(plan: Plan, timing: Timing | None = None) -> list[str]:
    """Takes as they are started."""
    found = priorities(plan, timing or Timing(5))
    assert [priority for priority, _ in found] == sorted({priority for priority, _ in found})
    return [step.label for _, step in found]


@st.composite
def forests(draw: st.DrawFn) -> list[Shot]:
    """Shots of several takes in any order, each made from some of those before it."""
    names = [f"s{n}" for n in range(draw(st.integers(1, 7)))]
    shots = [
        child(
            name,
            *draw(st.lists(st.sampled_from(names[:place]), max_size=2)) if place else (),
            takes=draw(st.integers(1, 2)),
        )
        for place, name in enumerate(names)
    ]
    return draw(st.permutations(shots))


@FEW
@given(forests())
def test_parents_start_before_their_children(shots: list[Shot]) -> None:
    """Every take is started once, after all takes that it may be made from."""
    order = ordered(planner(board(*shots)).plan())
    assert sorted(order) == sorted(f"{one.id}/{take}" for one in shots for take in range(1, one.takes + 1))
    for one in shots:
        for parent in parents_of(one):
            assert order.index(f"{parent}/1") < order.index(f"{one.id}/1")


@FEW
@given(forests())
def test_the_longest_chain_starts_first(shots: list[Shot]) -> None:
    """Of any two shots the one with more links after it goes first; equals in storyboard order."""
    children = {one.id: [other.id for other in shots if one.id in parents_of(other)] for one in shots}

    def links(name: str) -> int:
        return 1 + max((links(other) for other in children[name]), default=0)

    order = [label for label in ordered(planner(board(*shots)).plan()) if label.endswith("/1")]
    place = {one.id: number for number, one in enumerate(shots)}
    expected = sorted(place, key=lambda name: (-links(name), place[name]))
    assert order == [f"{name}/1" for name in expected]


def test_what_is_known_to_take_longer_goes_first() -> None:
    """Among shots without children, the slow kind starts before the quick one."""
    quick, slow = shot("quick"), shot("slow", params={"duration": 30})
    timing = Timing(5)
    for _ in range(ENOUGH):
        timing.learn(price_key(quick.model, quick.params), 20)
        timing.learn(price_key(slow.model, slow.params), 90)
    assert ordered(planner(board(quick, slow)).plan(), timing) == ["slow/1", "quick/1"]


def ends(order: Sequence[Step], at_once: int) -> float:
    """When the last of these takes ends, each begun in its turn as soon as a place is free."""
    free = [0.0] * at_once
    for step in order:
        heapq.heappush(free, heapq.heappop(free) + float(str(step.shot.params["duration"])))
    return max(free)


@given(st.lists(st.integers(6, 30), min_size=1, max_size=60), st.integers(1, 8))
def test_the_storyboards_order_ends_about_as_soon(durations: list[int], at_once: int) -> None:
    """They end within one take of longest-first, the bound of any order that leaves no place empty (Graham, 1966)."""
    shots = [shot(f"s{n}", params={"duration": seconds}) for n, seconds in enumerate(durations)]
    plan, timing = planner(board(*shots)).plan(), Timing(5)
    for one in shots:
        for _ in range(ENOUGH):
            timing.learn(price_key(one.model, one.params), float(str(one.params["duration"])))
    longest_first = [step for _, step in priorities(plan, timing)]
    mixed = [step for _, step in priorities(plan, timing, at_once=at_once)]
    assert sorted(step.label for step in mixed) == sorted(step.label for step in longest_first)
    assert ends(mixed, at_once) <= ends(longest_first, at_once) + max(durations) * (1 - 1 / at_once)


def test_tasks_of_one_length_start_apart() -> None:
    """Of many takes of three lengths, the first round holds them as the storyboard mixes them."""
    shots = [shot(f"s{n}", params={"duration": 6 + n % 3}) for n in range(90)]
    plan, timing = planner(board(*shots)).plan(), Timing(5)
    for one in shots:
        timing.learn(price_key(one.model, one.params), float(str(one.params["duration"])))
    mixed = [step for _, step in priorities(plan, timing, at_once=9)]
    assert [step.shot.id for step in mixed[:9]] == [f"s{n}" for n in range(9)]
    last = [step.shot.params["duration"] for step in mixed[-18:]]
    assert last == sorted(last, key=lambda seconds: -int(str(seconds)))


def test_chains_go_before_what_stands_alone() -> None:
    """Also where most takes keep the storyboard's order."""
    shots = [*(shot(f"s{n}") for n in range(20)), shot("first"), child("then", "first")]
    order = [step.shot.id for _, step in priorities(planner(board(*shots)).plan(), Timing(5), at_once=2)]
    assert order == ["first", "then", *(f"s{n}" for n in range(20))]


def test_only_what_creates_is_in_line() -> None:
    """What is there, runs or is skipped waits for no turn."""
    plan = planner(board(shot("a"), shot("b"), shot("c", skip=True)), history_of(attempt(shot("a")))).plan()
    assert ordered(plan) == ["b/1"]


def test_a_chain_of_thousands_is_ordered() -> None:
    """No recursion that could end."""
    shots = [shot("s0"), *(child(f"s{n}", f"s{n - 1}") for n in range(1, 1500))]
    assert ordered(planner(board(*shots)).plan())[:2] == ["s0/1", "s1/1"]
