"""How old a sending is, by clocks that may be wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from examples import attempt, shot
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.events import Entry, GivenUp, Intended, JournalEvent, TakenIn
from rivya_run.journal.fold import History
from rivya_run.journal.sending_age import STEP, Moment, seconds_since
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.times import iso

EPOCH = 1_778_500_000
HOUR, DAY, AGES = 3600, 86_400, 400 * 86_400
WRONG = [sign * much for much in (HOUR, DAY, AGES) for sign in (1, -1)]

# In milliseconds, as records write them, so that sums are exact to a float's last digit.
elapsed = st.integers(0, 10 * DAY * 1000).map(lambda ms: ms / 1000)
moments = st.integers((EPOCH - AGES) * 1000, (EPOCH + AGES) * 1000).map(lambda ms: ms / 1000)
small = st.integers(0, int(STEP) * 1000).map(lambda ms: ms / 1000)
LITTLE = 1e-3


@given(moments, elapsed)
def test_a_clock_that_only_goes_on_is_believed(sent: float, gone: float) -> None:
    """The time between two readings is what they say."""
    age = seconds_since(Moment(sent), Moment(sent + gone))
    assert age is not None and math.isclose(age, gone, abs_tol=LITTLE)


@given(moments, moments, st.none() | moments, st.none() | moments, st.floats(0, 1e9))
def test_it_is_never_negative(
    sent: float, now: float, sent_api: float | None, now_api: float | None, set_back: float
) -> None:
    """Whatever the clocks say: it is nothing, or some time from zero on."""
    age = seconds_since(Moment(sent, sent_api), Moment(now, now_api), set_back=set_back)
    assert age is None or age >= 0


@given(moments, elapsed, small)
def test_a_small_step_back_makes_it_no_younger(sent: float, gone: float, step: float) -> None:
    """A clock that was seen to be stepped by less than a minute: the step counts as time gone by."""
    age = seconds_since(Moment(sent), Moment(sent + gone - step), set_back=step)
    assert age is not None and age >= gone - LITTLE
    unseen = seconds_since(Moment(sent), Moment(sent - step))
    assert unseen is not None and math.isclose(unseen, step, abs_tol=LITTLE)


@given(moments, st.integers(1, 10 * AGES).map(lambda more: STEP + more / 1000), elapsed)
def test_a_large_step_back_tells_nothing(sent: float, step: float, gone: float) -> None:
    """A sending in the future, and a clock that was set back since, are both none to judge by."""
    assert seconds_since(Moment(sent), Moment(sent - step)) is None
    assert seconds_since(Moment(sent), Moment(sent + gone), set_back=step) is None


@given(moments, elapsed, st.sampled_from(WRONG), st.sampled_from([0, *WRONG]), st.booleans())
def test_the_clock_of_the_api_is_a_second_witness(
    true: float, gone: float, wrong: float, other: float, at_first: bool
) -> None:
    """Where it was heard, a wall clock that was wrong at either end or both makes no sending younger than it is."""
    first, second = (wrong, other) if at_first else (other, wrong)
    age = seconds_since(Moment(true + first, true), Moment(true + gone + second, true + gone))
    assert age is None or age >= gone - LITTLE


@given(moments, elapsed, st.sampled_from(WRONG))
def test_now_a_wrong_clock_is_found_out_by_the_api_alone(true: float, gone: float, wrong: float) -> None:
    """The sending's clock was right, the API wasn't heard then; it is now."""
    age = seconds_since(Moment(true), Moment(true + gone + wrong, true + gone))
    assert age is None or age >= gone - LITTLE


@pytest.mark.parametrize(
    ("sent", "now", "set_back", "age"),
    [
        (Moment(100), Moment(40), 0, 60),
        (Moment(100), Moment(39.999), 0, None),
        (Moment(100), Moment(130), 60, 150),
        (Moment(100), Moment(130), 60.001, None),
        (Moment(100, 1000), Moment(200, 940), 0, 100),
        (Moment(100, 1000), Moment(200, 939.999), 0, None),
    ],
    ids=[
        "in the future by a minute",
        "by more than that",
        "stepped back by a minute",
        "by more than that",
        "the API's clock back by a minute",
        "by more than that",
    ],
)
def test_a_step_of_up_to_a_minute_is_no_reason_to_doubt(
    sent: Moment, now: Moment, set_back: float, age: float | None
) -> None:
    """Sixty seconds are believed, and not a thousandth more, by either clock."""
    assert seconds_since(sent, now, set_back=set_back) == age


@pytest.mark.parametrize(
    ("sent", "now", "age"),
    [
        (Moment(100, 1000), Moment(110, 1500), 500),
        (Moment(100, 1000), Moment(700, 1500), 600),
        (Moment(100, 1000), Moment(110), 10),
        (Moment(100), Moment(110, 1500), 1400),
        (Moment(100, 1000), Moment(110, 960), 40),
    ],
    ids=[
        "the API says more",
        "the machine says more",
        "not heard now",
        "not heard then",
        "the API's went back",
    ],
)
def test_the_witness_that_says_more_is_believed(sent: Moment, now: Moment, age: float) -> None:
    """Of two ages the higher one counts; a clock that wasn't heard at the sending is held against the machine's."""
    assert seconds_since(sent, now) == age


def test_a_time_that_is_not_on_record_tells_nothing() -> None:
    """There is nothing to count from."""
    assert seconds_since(None, Moment(EPOCH)) is None


def history(*times: float) -> History:
    """A create sent at the second of these times, other lines at the others."""
    events: list[JournalEvent] = [
        GivenUp(key="other"),
        Intended(key="key", shot="a", take=1, fingerprint="f", number=1, model="m", body="{}"),
        *[GivenUp(key="other")] * len(times),
    ]
    return History(
        Entry(number, iso(at), event)
        for number, (at, event) in enumerate(zip(times, events, strict=False), start=1)
    )


@pytest.mark.parametrize(
    ("times", "now", "expected"),
    [
        ([0, 10, 12], 20, 10),
        ([0, 10, 40], 20, 50),
        ([0, 10, 40, 5, 40], 50, 110),
        ([0, 10, 3610, 20], 30, None),
        ([0, 10, 3610], 30, None),
        ([DAY, 10, 12], 20, 10),
    ],
    ids=[
        "goes on",
        "now behind the newest line",
        "stepped back between lines",
        "set back since",
        "set back by now",
        "set right before the sending",
    ],
)
def test_the_journal_tells_how_the_clock_went(times: list[float], now: float, expected: float | None) -> None:
    """Each line has its time, so that a clock which went back between two of them is seen for ever after."""
    told = history(*(EPOCH + time for time in times))
    age = told.seconds_since_sent(told.attempts["key"], Moment(EPOCH + now))
    assert age == (None if expected is None else pytest.approx(expected))


@given(st.integers(-2 * DAY, 2 * DAY), st.integers(0, DAY))
def test_a_colleagues_clock_is_doubted_by_when_its_word_was_taken_in(ahead: int, later: int) -> None:
    """What another machine sent later than it was taken in here has no age, however much time goes by."""
    assume(abs(ahead) > STEP)
    told = attempt(shot("a"), 1, AttemptState.SENT, sent_at=iso(EPOCH + ahead))
    books = History(
        [Entry(1, iso(EPOCH), TakenIn(key=told.client_request_id, shot="a", entry=entry_of_attempt(told)))]
    )
    age = books.seconds_since_sent(books.attempts[told.client_request_id], Moment(EPOCH + later))
    assert age == (None if ahead > 0 else later - ahead)


@pytest.mark.parametrize("sent_at", [None, "", "soon", "2026-05-11T00:00:00", 1_778_500_000, [], {}, True])
def test_what_is_no_time_tells_nothing(sent_at: object) -> None:
    """A colleague's manifest may say anything; a time without a zone is another on each machine."""
    told = attempt(shot("a"), 1, AttemptState.SENT)
    entry = {**entry_of_attempt(told), "sent_at": sent_at}
    books = History([Entry(1, iso(EPOCH), TakenIn(key=told.client_request_id, shot="a", entry=entry))])
    assert books.seconds_since_sent(books.attempts[told.client_request_id], Moment(EPOCH)) is None
