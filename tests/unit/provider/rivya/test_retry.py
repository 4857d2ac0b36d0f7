"""The retry decision, row by row."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.provider.rivya.retry import (
    Decision,
    FailureKind,
    Reason,
    RetryAction,
    TransportResult,
    back_off,
    could_have_arrived,
    decide,
    error_as_success,
    read_retry_after,
    speaks,
)

NOW = datetime(2026, 5, 11, 12, 0, 0, tzinfo=UTC).timestamp()


def answered(status: int, code: str | None = None) -> TransportResult:
    return TransportResult(FailureKind.ANSWERED, status, code)


def page(status: int) -> TransportResult:
    return TransportResult(FailureKind.ANSWERED, status, json=False)


def decision(
    result: TransportResult,
    method: str = "POST",
    *,
    hint: float | None = None,
    attempts: int = 1,
    time_left: float = 100.0,
) -> Decision:
    return decide(method, result, hint=hint, attempts=attempts, time_left=time_left, random=0.5)


RETRY, ANSWER, STOP = RetryAction.RETRY, RetryAction.ANSWER, RetryAction.STOP

# result, could it have arrived, action on a create, reason
ROWS = [
    (TransportResult(FailureKind.NOT_CONNECTED), False, RETRY, Reason.NO_CONNECTION),
    (TransportResult(FailureKind.CONNECT_TIMEOUT), False, RETRY, Reason.NO_CONNECTION),
    (TransportResult(FailureKind.POOL_TIMEOUT), False, RETRY, Reason.NO_CONNECTION),
    (TransportResult(FailureKind.WRITE_TIMEOUT), True, RETRY, Reason.NO_ANSWER),
    (TransportResult(FailureKind.READ_TIMEOUT), True, RETRY, Reason.NO_ANSWER),
    (TransportResult(FailureKind.RESET), True, RETRY, Reason.NO_ANSWER),
    (TransportResult(FailureKind.UNREADABLE, 200), True, RETRY, Reason.UNREADABLE),
    (
        TransportResult(FailureKind.UNREADABLE, 200, "insufficient_credits"),
        False,
        ANSWER,
        Reason.OUT_OF_CREDITS,
    ),
    (TransportResult(FailureKind.UNTRUSTED), False, STOP, Reason.UNTRUSTED),
    (TransportResult(FailureKind.LOCAL), False, STOP, Reason.NEVER_SENT),
    (TransportResult(FailureKind.PAUSED), False, STOP, Reason.TOLD_TO_WAIT),
    (answered(200), True, ANSWER, Reason.ACCEPTED),
    (answered(201), True, ANSWER, Reason.ACCEPTED),
    (answered(202), True, ANSWER, Reason.ACCEPTED),
    (answered(301), False, ANSWER, Reason.REDIRECTED),
    (answered(302), True, ANSWER, Reason.REDIRECTED),
    (answered(303), True, ANSWER, Reason.REDIRECTED),
    (answered(307), False, ANSWER, Reason.REDIRECTED),
    (answered(308), False, ANSWER, Reason.REDIRECTED),
    (answered(400, "validation_failed"), False, ANSWER, Reason.REFUSED),
    (answered(400, "insufficient_credits"), False, ANSWER, Reason.OUT_OF_CREDITS),
    (answered(402), False, ANSWER, Reason.OUT_OF_CREDITS),
    (answered(402, "insufficient_credits"), False, ANSWER, Reason.OUT_OF_CREDITS),
    (answered(403, "insufficient_credits"), False, ANSWER, Reason.OUT_OF_CREDITS),
    (answered(500, "insufficient_credits"), False, ANSWER, Reason.OUT_OF_CREDITS),
    (answered(401, "api_key_invalid"), False, ANSWER, Reason.KEY_REFUSED),
    (answered(403, "api_scope_denied"), False, ANSWER, Reason.KEY_REFUSED),
    (answered(401), False, ANSWER, Reason.KEY_REFUSED),
    (answered(403), False, ANSWER, Reason.KEY_REFUSED),
    (page(401), False, ANSWER, Reason.KEY_REFUSED),
    # A firewall's page, which minds what was asked and not who asks.
    (page(403), False, ANSWER, Reason.REFUSED),
    (
        TransportResult(FailureKind.ANSWERED, 403, "api_scope_denied", json=False),
        False,
        ANSWER,
        Reason.KEY_REFUSED,
    ),
    # A gateway's page, or an address at which there is no API.
    (page(404), False, RETRY, Reason.UNREADABLE),
    (answered(404), False, RETRY, Reason.UNREADABLE),
    (page(405), False, RETRY, Reason.UNREADABLE),
    (answered(405, "odd"), False, ANSWER, Reason.REFUSED),
    (answered(404, "not_found"), False, ANSWER, Reason.NOT_FOUND),
    (answered(410), False, ANSWER, Reason.NOT_FOUND),
    (answered(408), True, RETRY, Reason.SERVER_TROUBLE),
    (answered(460), True, RETRY, Reason.SERVER_TROUBLE),
    (answered(499), True, RETRY, Reason.SERVER_TROUBLE),
    (answered(425), False, RETRY, Reason.SERVER_TROUBLE),
    (answered(409, "idempotency_conflict"), False, RETRY, Reason.CONFLICT),
    (answered(409, "chat_session_conflict"), False, ANSWER, Reason.REFUSED),
    (answered(409), False, RETRY, Reason.CONFLICT),
    (answered(422, "a_code_nobody_knows"), False, ANSWER, Reason.REFUSED),
    (answered(429), False, RETRY, Reason.THROTTLED),
    (answered(429, "rate_limited"), False, RETRY, Reason.THROTTLED),
    (answered(500), True, RETRY, Reason.SERVER_TROUBLE),
    (answered(502), True, RETRY, Reason.SERVER_TROUBLE),
    (answered(503), True, RETRY, Reason.SERVER_TROUBLE),
    (answered(504), True, RETRY, Reason.SERVER_TROUBLE),
    (answered(503, "public_api_disabled"), False, RETRY, Reason.DISABLED),
    # A code says more than the status that it comes with.
    (answered(400, "rate_limited"), False, RETRY, Reason.THROTTLED),
    (answered(500, "rate_limited"), False, RETRY, Reason.THROTTLED),
    (answered(401, "public_api_disabled"), False, RETRY, Reason.DISABLED),
    (answered(500, "public_api_disabled"), False, RETRY, Reason.DISABLED),
    (answered(400, "idempotency_conflict"), False, RETRY, Reason.CONFLICT),
    (answered(422, "idempotency_conflict"), False, RETRY, Reason.CONFLICT),
    (answered(499, "idempotency_conflict"), True, RETRY, Reason.CONFLICT),
    # A broken server's word for it proves nothing of the key.
    (answered(500, "idempotency_conflict"), True, RETRY, Reason.SERVER_TROUBLE),
    (answered(429, "insufficient_credits"), False, ANSWER, Reason.OUT_OF_CREDITS),
    # Unless it comes with an answer that nobody can read: a task may be in there.
    (TransportResult(FailureKind.UNREADABLE, 200, "public_api_disabled"), True, RETRY, Reason.UNREADABLE),
    (TransportResult(FailureKind.UNREADABLE, 200, "rate_limited"), True, RETRY, Reason.UNREADABLE),
    (
        TransportResult(FailureKind.ERROR_AS_SUCCESS, 200, "a_code_nobody_knows"),
        True,
        RETRY,
        Reason.SERVER_TROUBLE,
    ),
    (
        TransportResult(FailureKind.ERROR_AS_SUCCESS, 200, "insufficient_credits"),
        False,
        ANSWER,
        Reason.OUT_OF_CREDITS,
    ),
    # Nothing is known of an answer without a status.
    (TransportResult(FailureKind.ANSWERED), True, RETRY, Reason.SERVER_TROUBLE),
    # The edges of each class of status, those that nobody uses included.
    (answered(199), True, RETRY, Reason.SERVER_TROUBLE),
    (answered(299), True, ANSWER, Reason.ACCEPTED),
    (answered(300), True, ANSWER, Reason.REDIRECTED),
    (answered(399), True, ANSWER, Reason.REDIRECTED),
    (answered(400), False, ANSWER, Reason.REFUSED),
    (answered(599), True, RETRY, Reason.SERVER_TROUBLE),
]


@pytest.mark.parametrize(("result", "arrived", "action", "reason"), ROWS)
def test_row_of_the_table(
    result: TransportResult, arrived: bool, action: RetryAction, reason: Reason
) -> None:
    """Every row of the table says what a create does and whether its request may have arrived."""
    found = decision(result)
    assert (found.action, found.reason) == (action, reason)
    assert could_have_arrived(result) is arrived


@pytest.mark.parametrize(
    ("result", "spoken"),
    [
        (answered(200), True),
        (answered(400, "validation_failed"), True),
        (answered(409, "idempotency_conflict"), True),
        (answered(402), True),
        (answered(429, "insufficient_credits"), True),
        (answered(429), False),
        (answered(503, "public_api_disabled"), False),
        (answered(500), False),
        (answered(408), False),
        (answered(300), True),
        (page(403), False),
        (page(404), False),
        (TransportResult(FailureKind.UNREADABLE, 200), False),
        (TransportResult(FailureKind.UNREADABLE, 200, "a_code_nobody_knows"), True),
        (TransportResult(FailureKind.NOT_CONNECTED), False),
        (TransportResult(FailureKind.READ_TIMEOUT), False),
    ],
)
def test_what_shows_an_api_at_work(result: TransportResult, spoken: bool) -> None:
    """A refusal does; trouble and too much to do don't."""
    assert speaks(result) is spoken


def test_conflict_on_a_question_is_an_answer() -> None:
    """An idempotency conflict is tried again on a POST only."""
    assert decision(answered(409, "idempotency_conflict"), "GET").action is ANSWER


def test_page_with_404() -> None:
    """A 404 without the API's own code is a gateway's page at first and an answer from the third time on."""
    actions = [decision(answered(404), "GET", attempts=n).action for n in (1, 2, 3)]
    assert actions == [RETRY, RETRY, ANSWER]
    assert decision(answered(404), "GET", attempts=3).reason is Reason.NOT_FOUND


@pytest.mark.parametrize("result", [answered(404), page(404), answered(405), page(405)])
def test_nothing_there_that_takes_creates(result: TransportResult) -> None:
    """What isn't the API's own refusal says, the third time, that the address is wrong."""
    found = [decision(result, attempts=n) for n in (1, 2, 3)]
    assert [one.action for one in found] == [RETRY, RETRY, ANSWER]
    assert found[2].reason is Reason.WRONG_ADDRESS
    assert decision(page(405), "GET", attempts=3).reason is Reason.REFUSED


@pytest.mark.parametrize("result", [answered(404, "not_found"), answered(410), answered(400)])
def test_what_the_api_itself_says_is_an_answer_at_once(result: TransportResult) -> None:
    """Only a 404 without a code may be a gateway's page."""
    assert decision(result, "GET").action is ANSWER


def test_an_error_with_an_unknown_code_and_the_status_of_a_success() -> None:
    """It is asked for twice more and then believed."""
    result = TransportResult(FailureKind.ERROR_AS_SUCCESS, 200, "a_code_nobody_knows")
    found = [decision(result, "GET", attempts=n) for n in (1, 2, 3)]
    assert [one.action for one in found] == [RETRY, RETRY, ANSWER]
    assert found[2] == Decision(ANSWER, Reason.REFUSED)
    assert decision(TransportResult(FailureKind.UNREADABLE, 200), "GET", attempts=3).action is RETRY


PUBLISHED = {
    "api_key_missing": 401,
    "api_key_invalid": 401,
    "api_key_revoked": 401,
    "api_key_expired": 401,
    "insufficient_credits": 402,
    "api_scope_denied": 403,
    "rate_limited": 429,
    "validation_failed": 400,
    "public_api_disabled": 503,
}
LEAVES_OPEN = {"not_found": 404, "idempotency_conflict": 409}


@pytest.mark.parametrize(("code", "status"), [*PUBLISHED.items(), *LEAVES_OPEN.items()])
@pytest.mark.parametrize("named", [True, False])
def test_an_error_with_the_status_of_a_success_counts_as_with_its_own(
    code: str, status: int, named: bool
) -> None:
    """To a question, each published code means what its published status means, whatever else is in there."""
    found = error_as_success(200, code, creates=False, names_a_task=named)
    assert found == answered(status, code)


def test_an_error_with_the_status_of_a_success_to_a_create() -> None:
    """Only a code that says that nothing was made, with no id of a task beside it, is taken for a no."""
    for code, status in PUBLISHED.items():
        assert error_as_success(201, code, creates=True, names_a_task=False) == answered(status, code)
    for code in (*LEAVES_OPEN, "a_code_nobody_knows"):
        unreadable = TransportResult(FailureKind.UNREADABLE, 201, code)
        assert error_as_success(201, code, creates=True, names_a_task=False) == unreadable
    for code in (*PUBLISHED, *LEAVES_OPEN):
        unreadable = TransportResult(FailureKind.UNREADABLE, 201, code)
        assert error_as_success(201, code, creates=True, names_a_task=True) == unreadable


def test_a_code_that_is_not_published_has_no_status_of_its_own() -> None:
    """It stays what it is, an error with the status of a success."""
    found = error_as_success(201, "a_code_nobody_knows", creates=False, names_a_task=False)
    assert found == TransportResult(FailureKind.ERROR_AS_SUCCESS, 201, "a_code_nobody_knows")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
@pytest.mark.parametrize(("hint", "wait"), [(None, 0.25), (7.0, 7.0), (0.0, 0.0)])
def test_retry_after_wins(status: int, hint: float | None, wait: float) -> None:
    """What the server asks for is waited, and the back-off only where it asks for nothing."""
    assert decision(answered(status), hint=hint).wait == wait


def test_at_once_is_not_for_ever() -> None:
    """A server that always says "at once" is taken at its word three times, then backed off from."""
    waits = [decision(answered(503), hint=0.0, attempts=n).wait for n in (1, 2, 3, 4)]
    assert waits[:3] == [0, 0, 0] and waits[3] > 0
    assert decision(answered(503), hint=7.0, attempts=4).wait == 7


def test_too_long_a_hint_stops() -> None:
    """A wait past the deadline ends it at once, with that reason; one that just fits is waited."""
    assert decision(answered(503), hint=100.1) == Decision(STOP, Reason.TOLD_TO_WAIT)
    assert decision(answered(503), hint=100.0) == Decision(RETRY, Reason.SERVER_TROUBLE, 100.0)


def test_no_time_left() -> None:
    """Without time left nothing is tried again, but an answer stays an answer."""
    assert decision(TransportResult(FailureKind.RESET), time_left=0.0) == Decision(STOP, Reason.DEADLINE)
    assert decision(answered(400), time_left=-1.0).action is ANSWER
    assert decision(TransportResult(FailureKind.RESET), time_left=0.1) == Decision(
        RETRY, Reason.NO_ANSWER, 0.1
    )


@given(
    st.sampled_from([row[0] for row in ROWS]),
    st.sampled_from(["GET", "POST"]),
    st.none() | st.floats(0, 1e9),
    st.integers(1, 10_000),
    st.floats(-10, 1e6),
    st.floats(0, 1, exclude_max=True),
)
def test_wait_fits_the_time_left(
    result: TransportResult,
    method: str,
    hint: float | None,
    attempts: int,
    time_left: float,
    random: float,
) -> None:
    """No wait is negative or longer than the time left."""
    found = decide(method, result, hint=hint, attempts=attempts, time_left=time_left, random=random)
    assert 0 <= found.wait <= max(time_left, 0)


def test_back_off_doubles_to_its_cap() -> None:
    """The bound of the back-off doubles from half a second to thirty."""
    assert [back_off(n, 1.0) for n in (1, 2, 3, 6, 7, 8, 1000, 10_000)] == [0.5, 1, 2, 16, 30, 30, 30, 30]
    assert (back_off(5, 0.0), back_off(5, 0.25)) == (0, 2)


def http_date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(NOW + seconds, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("-5", None),
        ("-0.5", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("9" * 500, 1e9),
        (http_date(90), 90.0),
        (http_date(-90), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9),
        ("Mon, 11 May 2026 12:00:30 -0000", 30.0),
        ("Mon, 99 May 2026 12:00:30 GMT", None),
        ("Mon, 11 May 99999999999999999999 12:00:30 GMT", None),
    ],
)
def test_retry_after_header(value: str | None, seconds: float | None) -> None:
    """Seconds and HTTP dates are read, past dates are now, absurd ones are bounded, nonsense is ignored."""
    assert read_retry_after(value, NOW) == seconds


def test_a_date_held_against_a_clock_that_makes_no_sense() -> None:
    """The header says nothing then; seconds need no clock."""
    assert read_retry_after(http_date(90), -1e18) is None
    assert read_retry_after("90", -1e18) == 90


@given(st.text(max_size=60), st.floats(0, 4e9))
def test_any_retry_after_header(value: str, now: float) -> None:
    """Any text gives a wait or nothing."""
    found = read_retry_after(value, now)
    assert found is None or 0 <= found <= 1e9
