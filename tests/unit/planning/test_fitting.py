"""Values that follow a sound: what serves, what is made, and what counts as tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, board, digest_of, planned, shot
from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt, AttemptState
from rivya_run.journal.fingerprint import fingerprint
from rivya_run.planning import lineage
from rivya_run.planning.plan import Action, Step
from rivya_run.storyboard.model import Fit, Shot

SERVING = sorted(CLAIMABLE_STATES)
FEW = settings(max_examples=60)


def voice(**more: Any) -> Shot:
    """The sound; the example's model doesn't matter."""
    return replace(shot("vo", "a" * 105, **more), params={})


def clip(name: str = "sh", pad: float = 0.5, **more: Any) -> Shot:
    """A shot whose duration follows the sound."""
    fit = Fit("vo", pad, 1, 1, "")
    asked = shot(name, "on set", fits={"duration": fit}, **more)
    return replace(asked, params={"mode": "normal"})


def spoken(seconds: float | None, take: int = 1, **changes: Any) -> Attempt:
    """The sound as it was stored."""
    made = attempt(voice(), take, **changes)
    media = {"duration": seconds} if seconds is not None else {}
    return replace(made, outputs=(replace(made.outputs[0], media=media),))


def made(
    duration: float,
    take: int = 1,
    state: AttemptState = AttemptState.STORED,
    name: str = "sh",
    **changes: Any,
) -> Attempt:
    """An attempt at the clip that asked for so many seconds, as if they had been written."""
    return attempt(shot(name, "on set", params={"duration": duration}), take, state, **changes)


def step(seconds: float, *attempts: Attempt, asked: Shot | None = None) -> Step:
    """The clip's step beside a sound of so many seconds."""
    return planned(board(voice(), asked or clip()), spoken(seconds), *attempts)["sh/1"]


def test_what_is_made_is_what_the_number_would_make() -> None:
    """Fingerprint, key and params are those of the number written."""
    found = step(7.3)
    assert found.action is Action.CREATE
    written = shot("sh", "on set", params={"duration": 8})
    assert (found.fingerprint, found.shot.params) == (digest_of(written), written.params)


@pytest.mark.parametrize("state", SERVING)
def test_whatever_is_long_enough_serves(state: AttemptState) -> None:
    """Stored, running, sent or unknown alike."""
    longer = made(12, state=state)
    found = step(7.3, longer)
    assert found.attempt_key == longer.client_request_id
    assert found.shot.params["duration"] == 12


@pytest.mark.parametrize("states", [SERVING, SERVING[::-1]])
def test_the_smallest_of_them_serves(states: list[AttemptState]) -> None:
    """Whatever state it is in: the value decides."""
    attempts = [made(8 + place, state=state) for place, state in enumerate(states)]
    assert step(7.3, *attempts).attempt_key == attempts[0].client_request_id
    assert step(9.3, *attempts).attempt_key == attempts[2].client_request_id


@FEW
@given(
    st.floats(3, 29).map(lambda seconds: round(seconds, 2)),
    st.lists(
        st.tuples(st.integers(6, 30), st.sampled_from(SERVING)), max_size=4, unique_by=lambda one: one[0]
    ),
)
def test_it_is_never_too_short_and_paid_for_only_where_nothing_fits(
    seconds: float, there: list[tuple[int, AttemptState]]
) -> None:
    """The smallest that fits of what there is, else the smallest that the model takes."""
    attempts = {duration: made(duration, state=state) for duration, state in there}
    found = step(seconds, *attempts.values())
    fitting = sorted(duration for duration in attempts if duration >= seconds + 0.5 - 0.05 - 1e-9)
    chosen = found.shot.params["duration"]
    assert isinstance(chosen, int) and chosen >= seconds + 0.5 - 0.05 - 1e-9
    if fitting:
        assert found.attempt_key == attempts[fitting[0]].client_request_id
    else:
        assert (found.action, found.attempt_key) == (Action.CREATE, None)
        assert chosen == 6 or chosen - 1 < seconds + 0.5 - 0.05


def test_what_differs_in_anything_else_doesn_t_serve() -> None:
    """Another mode, another prompt: not the same clip, however long."""
    other = attempt(shot("sh", "on set", params={"duration": 12, "mode": "fun"}))
    assert step(7.3, other).action is Action.CREATE
    assert step(7.3, attempt(shot("sh", "elsewhere", params={"duration": 12}))).action is Action.CREATE


def test_of_another_shot_only_the_very_same_serves_unless_that_shot_is_gone() -> None:
    """A present shot keeps what it has with a longer value; a shot that is gone may be this one under a new name."""
    longer = made(12, name="other")
    alone = board(voice(), clip())
    assert planned(alone, spoken(7.3), longer)["sh/1"].attempt_key == longer.client_request_id
    both = board(voice(), clip(), shot("other", "something else"))
    assert planned(both, spoken(7.3), longer)["sh/1"].action is Action.CREATE


def test_each_take_is_served_by_its_own_first() -> None:
    """Takes that are there don't change places because one of them is shorter."""
    first, second = made(12, 1), made(8, 2)
    found = planned(board(voice(), clip(takes=2)), spoken(7.3), first, second)
    assert [found[f"sh/{take}"].attempt_key for take in (1, 2)] == [
        first.client_request_id,
        second.client_request_id,
    ]


def test_failures_count_over_all_values() -> None:
    """Two at 8 seconds and one at 10 are three; what differs otherwise doesn't count."""
    failed = [made(8, state=AttemptState.FAILED, number=number) for number in (1, 2)]
    failed.append(made(10, state=AttemptState.FAILED))
    found = step(11.2, *failed)
    assert found.action is Action.SKIP
    assert found.reason.endswith("3 attempts failed; --retry-failed tries again")
    assert step(11.2, *failed[:2]).tries_left == 1
    assert step(11.2, *failed, asked=clip(params={"mode": "fun"})).action is Action.SKIP
    other = replace(clip(), params={"mode": "fun"})
    assert step(11.2, *failed, asked=other).action is Action.CREATE


def test_one_that_was_charged_isn_t_tried_again_at_another_value() -> None:
    """As little as at the same one."""
    charged = made(8, state=AttemptState.FAILED, final_credits=10)
    assert step(9.2, charged).reason.endswith("it was charged 10 credits; --retry-failed pays again")


def test_until_the_sound_is_there_its_length_is_estimated() -> None:
    """105 characters are 7 s at 15 a second; the step says that it is an estimate, and has no fingerprint."""
    found = planned(board(voice(), clip()))["sh/1"]
    assert (found.action, found.fingerprint, found.request_key) == (Action.CREATE, None, None)
    assert found.shot.params["duration"] == 8
    assert found.reason == "new shot; duration 8 is an estimate until vo is there"


def test_until_the_sound_is_there_what_the_shot_has_is_its_own() -> None:
    """No other shot gets it, and it isn't finished into history."""
    mine = made(8)
    same = shot("aa", "on set", params={"duration": 8})
    steps = planned(board(same, voice(), clip()), mine)
    assert steps["aa/1"].action is Action.CREATE


def test_what_is_too_long_is_blocked_unless_something_long_enough_is_there() -> None:
    """A clip that was made when the table allowed more still serves."""
    found = step(29.9)
    assert found.action is Action.SKIP
    assert (
        found.reason == "vo lasts 29.9 s and 0.5 s of pad; grok-imagine-video takes at most 30 for duration"
    )
    assert step(29.9, made(31)).action is Action.REUSE


def test_a_length_that_is_not_on_record_is_no_length() -> None:
    """Nothing is spent on a guess."""
    found = planned(board(voice(), clip()), spoken(None))["sh/1"]
    assert (found.action, found.reason) == (Action.SKIP, "how long vo/1 lasts is not on record")


@pytest.mark.parametrize(("pick", "duration"), [(None, 8), (2, 10)])
def test_the_sound_is_the_take_that_the_film_has(pick: int | None, duration: int) -> None:
    """The picked one, else the first that is there."""
    sound = voice(takes=2, pick=pick)
    steps = planned(board(sound, clip()), spoken(7.3), spoken(9.2, 2))
    assert steps["sh/1"].shot.params["duration"] == duration


def test_the_earlier_take_of_the_sound_is_waited_for_while_it_comes() -> None:
    """Its length will be the one that counts; one that isn't coming is passed over."""
    coming = attempt(voice(), 1, AttemptState.RUNNING)
    steps = planned(board(voice(takes=2), clip()), coming, spoken(9.2, 2))
    assert [parent.label for parent in steps["sh/1"].needs] == ["vo/1"]
    charged = replace(attempt(voice(), 1, AttemptState.FAILED), final_credits=10)
    steps = planned(board(voice(takes=2), clip()), charged, spoken(9.2, 2))
    assert steps["sh/1"].shot.params["duration"] == 10


def test_the_reason_names_the_sound() -> None:
    """And whatever else changed."""
    assert step(9.2, made(8)).reason == "vo lasts 9.2 s now"
    old = attempt(shot("sh", "on stage", params={"duration": 8}))
    assert step(9.2, old).reason == "prompt changed: 'stage' -> 'set'; vo lasts 9.2 s now"


def test_a_large_family_is_as_quick_to_plan_as_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often fingerprints are computed doesn't grow with what the other versions have at the same value."""
    family = [made(8, name=f"sh-v{n}", family="sh", digest=f"{n:064x}") for n in range(30)]
    asked = [0]

    def counted(*given: Any) -> str:
        asked[0] += 1
        return fingerprint(*given)

    monkeypatch.setattr(lineage, "fingerprint", counted)
    assert step(7.3, *family, asked=clip(written="sh")).action is Action.CREATE
    assert asked[0] < len(family)
