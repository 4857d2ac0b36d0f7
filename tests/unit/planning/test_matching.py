"""Reuse as a matching: what was paid for serves at most one take, its own first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import attempt, shot
from rivya_run.journal.attempt import CLAIMABLE_STATES, Attempt, AttemptState
from rivya_run.planning.matching import Matching, Wanted

FEW = settings(max_examples=40)

SHOTS = ("a", "b", "c", "gone")
PRESENT = SHOTS[:3]
DIGESTS = ("f" * 64, "e" * 64)


@dataclass(frozen=True)
class Case:
    """Attempts and takes that want them."""

    attempts: tuple[Attempt, ...]
    wanted: tuple[Wanted, ...]

    def matched(
        self, *, wanted: tuple[Wanted, ...] | None = None, guarded: frozenset[str] = frozenset()
    ) -> Matching:
        """What comes out."""
        matching = Matching(self.attempts)
        matching.match(wanted if wanted is not None else self.wanted, guarded)
        return matching

    def attempt(self, key: str) -> Attempt:
        """The attempt of that key."""
        return next(one for one in self.attempts if one.client_request_id == key)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Up to four shots of up to three takes; all takes of a shot want the same, as planned ones do."""
    places = st.tuples(
        st.sampled_from(SHOTS),
        st.integers(1, 3),
        st.sampled_from(DIGESTS),
        st.integers(1, 2),
        st.sampled_from(AttemptState),
    )
    found = draw(st.lists(places, max_size=10, unique_by=lambda place: place[:4]))
    attempts = tuple(
        attempt(shot(name), take, state, number=number, digest=digest)
        for name, take, digest, number, state in found
    )
    wanted = tuple(
        Wanted(name, take, digest, passive)
        for name in draw(st.permutations(PRESENT))
        for digest in [draw(st.sampled_from(DIGESTS))]
        for passive in [draw(st.booleans())]
        for take in range(1, draw(st.integers(0, 3)) + 1)
    )
    return Case(attempts, wanted)


@FEW
@given(cases())
def test_each_attempt_serves_at_most_one_take_with_its_fingerprint(case: Case) -> None:
    """What is claimed is claimable, of the right fingerprint, and claimed once; the rest is unclaimed."""
    matching = case.matched()
    claimed = list(matching.claims.values())
    assert len(claimed) == len(set(claimed))
    fingerprints = {(take.shot, take.take): take.fingerprint for take in case.wanted}
    for place, key in matching.claims.items():
        assert case.attempt(key).state in CLAIMABLE_STATES
        assert case.attempt(key).fingerprint == fingerprints[place]
    claimable = {one.client_request_id for one in case.attempts if one.state in CLAIMABLE_STATES}
    assert {one.client_request_id for one in matching.unclaimed()} == claimable - set(claimed)


@FEW
@given(cases())
def test_a_take_keeps_what_is_its_own(case: Case) -> None:
    """A take that has something of its own claims that, whatever others there are and want."""
    matching = case.matched()
    for take in case.wanted:
        own = [
            one
            for one in case.attempts
            if (one.shot, one.take, one.fingerprint) == (take.shot, take.take, take.fingerprint)
            and one.state in CLAIMABLE_STATES
        ]
        if own:
            key = matching.key_for(take.shot, take.take)
            assert key in {one.client_request_id for one in own}


@FEW
@given(cases())
def test_nothing_is_taken_from_a_present_take(case: Case) -> None:
    """A take that goes without never could have had something that another shot has from it."""
    matching = case.matched()
    for take in case.wanted:
        if matching.key_for(take.shot, take.take) is None:
            for (name, _), key in matching.claims.items():
                lost = case.attempt(key)
                assert name == take.shot or lost.shot != take.shot or lost.fingerprint != take.fingerprint


@FEW
@given(cases())
def test_nothing_fitting_is_left_while_a_take_goes_without(case: Case) -> None:
    """No take is paid for that something unclaimed could serve."""
    matching = case.matched()
    left = Counter(one.fingerprint for one in matching.unclaimed())
    for take in case.wanted:
        if not take.passive and matching.key_for(take.shot, take.take) is None:
            assert left[take.fingerprint] == 0


@FEW
@given(cases())
def test_a_skipped_shot_keeps_its_own_and_takes_no_more(case: Case) -> None:
    """A passive take claims only attempts of its own shot."""
    matching = case.matched()
    for take in case.wanted:
        key = matching.key_for(take.shot, take.take)
        if take.passive and key is not None:
            assert case.attempt(key).shot == take.shot


@FEW
@given(cases(), st.sets(st.sampled_from(SHOTS)))
def test_guarded_shots_give_nothing_away(case: Case, guarded: set[str]) -> None:
    """What belongs to a shot whose fingerprint isn't known yet goes to no other shot."""
    matching = case.matched(guarded=frozenset(guarded))
    for (name, _), key in matching.claims.items():
        owner = case.attempt(key).shot
        assert owner == name or owner not in guarded


@FEW
@given(cases(), st.data())
def test_reordering_shots_moves_nothing_that_is_their_own(case: Case, data: st.DataObject) -> None:
    """Takes served by their own shot's attempts get the same ones in any order of shots."""
    order = {name: place for place, name in enumerate(data.draw(st.permutations(PRESENT)))}
    before = case.matched()
    after = case.matched(wanted=tuple(sorted(case.wanted, key=lambda take: order[take.shot])))
    for place, key in before.claims.items():
        if case.attempt(key).shot == place[0]:
            assert after.claims[place] == key
    assert len(after.claims) == len(before.claims)


@FEW
@given(cases())
def test_matching_in_two_goes_takes_nothing_back(case: Case) -> None:
    """A later call adds claims and leaves the earlier ones as they are."""
    half = len(case.wanted) // 2
    matching = Matching(case.attempts)
    matching.match(case.wanted[:half])
    first = dict(matching.claims)
    matching.match(case.wanted)
    assert first.items() <= matching.claims.items()


def test_what_no_shot_claims_goes_in_storyboard_order() -> None:
    """The earlier shot of the storyboard gets the deleted shot's clip."""
    gone = attempt(shot("gone"), digest=DIGESTS[0])
    matching = Matching([gone])
    matching.match([Wanted("late", 1, DIGESTS[0]), Wanted("early", 1, DIGESTS[0])])
    assert matching.claims == {("late", 1): gone.client_request_id}


def test_a_shot_s_own_takes_come_before_strangers() -> None:
    """A further take of the same shot gets its sibling's clip before a copy of the shot does."""
    spare = attempt(shot("a"), 3, digest=DIGESTS[0])
    matching = Matching([spare])
    matching.match([Wanted("copy", 1, DIGESTS[0]), Wanted("a", 1, DIGESTS[0])])
    assert matching.claims == {("a", 1): spare.client_request_id}


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (AttemptState.STORED, AttemptState.FINISHED),
        (AttemptState.FINISHED, AttemptState.RUNNING),
        (AttemptState.RUNNING, AttemptState.SENT),
        (AttemptState.SENT, AttemptState.UNKNOWN),
    ],
)
def test_what_is_further_along_is_taken_first(better: AttemptState, worse: AttemptState) -> None:
    """Of two that fit, a take gets the one that is nearer to a file."""
    found = [attempt(shot("a"), 1, state, number=n) for n, state in enumerate((worse, better), start=1)]
    matching = Matching(found)
    matching.match([Wanted("a", 1, found[0].fingerprint)])
    assert matching.key_for("a", 1) == found[1].client_request_id


def test_swapped_prompts_swap_clips() -> None:
    """Two shots that exchange their prompts exchange what was paid for."""
    one, two = attempt(shot("a"), digest=DIGESTS[0]), attempt(shot("b"), digest=DIGESTS[1])
    matching = Matching([one, two])
    matching.match([Wanted("a", 1, DIGESTS[1]), Wanted("b", 1, DIGESTS[0])])
    assert matching.claims == {("a", 1): two.client_request_id, ("b", 1): one.client_request_id}
