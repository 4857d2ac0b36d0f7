"""The retry decision: what happened, whether the request can have arrived, and what to do next. Pure.

=====================================  ===============  =====================================================
what happened                          arrived?         what to do
=====================================  ===============  =====================================================
no connection, proxy or TLS failure    no               again
connect timeout                        no               again
pool timeout (never left us)           no               again
write timeout                          perhaps          again
read timeout                           perhaps          again
reset, connection closed, half body    perhaps          again
2xx that can't be read (HTML, no id)   perhaps          again
any other answer to a create in which  perhaps          again
a task stands
2xx with an error's published code     as its status    as the published status of that code
the same, to a create, unless the      perhaps          again
code says that nothing was made
2xx with another error's code, but     perhaps          again twice, then answer (refused)
not to a create
certificate that can't be trusted      no               stop: a person has to look
a mistake of our own (never sent)      no               stop
origin paused past the deadline        no               stop
2xx                                    yes              answer
301, 307, 308                          no               answer (redirected): the key never follows
other 3xx                              perhaps          answer (redirected)
402, or insufficient_credits anywhere  no               answer (out of credits)
429, or rate_limited anywhere          no               again (throttled)
public_api_disabled anywhere           no               again
401, 403                               no               answer (key refused): ends the run
403 that is no JSON (a firewall's      no               answer (refused)
page)
408, 460, 499                          perhaps          again
425                                    no               again
idempotency_conflict with any 4xx, or  no               again: an earlier one may still be running
a 409 without a code, on a POST
409 otherwise                          no               answer (refused)
404, 410 with the API's own code       no               answer (not found); never a reason to create again
404 without a code                     no               again twice (a gateway's page), then answer: on a
                                                        POST it ends the run (wrong address)
405 without a code, on a POST          no               the same
other 4xx                              no               answer (refused)
5xx                                    perhaps          again
=====================================  ===============  =====================================================

"Again" waits: ``Retry-After`` wins, a date in the past means at once; without it exponential back-off with
full jitter (base 0.5 s, at most 30 s), cut to the time left. Asked to wait past the deadline, or no time
left: stop. A create is repeated with the same bytes and the same key, so that "perhaps" costs nothing where
keys are honoured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

BACK_OFF_BASE = 0.5  # seconds; short, since most failures are a single lost connection
BACK_OFF_CAP = 30.0  # seconds; a service that comes back is noticed within half a minute
INSUFFICIENT_CREDITS = "insufficient_credits"
IDEMPOTENCY_CONFLICT = "idempotency_conflict"
_LONGEST_HINT = 1e9  # seconds (30 years): keeps sums with it finite
_HASTY_TRIES = 3  # how often "Retry-After: 0" is obeyed: a server that always says so would be flooded
PAGE_TRIES = 3  # requests in all before a page that may be a gateway's counts as the API's answer


_PUBLISHED = {
    "api_key_missing": 401,
    "api_key_invalid": 401,
    "api_key_revoked": 401,
    "api_key_expired": 401,
    INSUFFICIENT_CREDITS: 402,
    "api_scope_denied": 403,
    "not_found": 404,
    IDEMPOTENCY_CONFLICT: 409,
    "rate_limited": 429,
    "validation_failed": 400,
    "public_api_disabled": 503,
}
"""The status that goes with a code; that of an empty wallet isn't published, and means the same whatever it is."""

_NOTHING_MADE = _PUBLISHED.keys() - {"not_found", IDEMPOTENCY_CONFLICT}
"""Codes that say of a create that it was turned away before anything could be made. Others leave that open."""


_GAVE_UP_WAITING = frozenset({408, 460, 499})
"""460 and 499 are what gateways say of a request that ended while a server behind them was at work on it."""


class FailureKind(StrEnum):
    """What came of sending a request. ANSWERED: an answer that can be judged by its status and code."""

    ANSWERED = "answered"
    ERROR_AS_SUCCESS = "an error with the status of a success"
    UNREADABLE = "an answer that can't be read"
    NOT_CONNECTED = "no connection"
    UNTRUSTED = "a certificate that can't be trusted"
    CONNECT_TIMEOUT = "no connection in time"
    POOL_TIMEOUT = "no free connection in time"
    WRITE_TIMEOUT = "the request could not be sent in time"
    READ_TIMEOUT = "no answer in time"
    RESET = "the connection broke"
    LOCAL = "the request could not be made"
    PAUSED = "the server asked for a pause longer than the time left"


@dataclass(frozen=True, slots=True)
class TransportResult:
    """``status`` and ``code`` (the API's ``error.code``) are there where an answer came; ``json``: it was JSON."""

    kind: FailureKind
    status: int | None = None
    code: str | None = None
    json: bool = True


class RetryAction(StrEnum):
    """ANSWER: hand on what came. RETRY: wait, then send the same bytes. STOP: give up without an answer."""

    ANSWER = "answer"
    RETRY = "retry"
    STOP = "stop"


class Reason(StrEnum):
    """Why something was decided; the values stand in messages."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    KEY_REFUSED = "key refused"
    OUT_OF_CREDITS = "out of credits"
    NOT_FOUND = "not found"
    REDIRECTED = "redirected"
    WRONG_ADDRESS = "no such endpoint"
    CONFLICT = "the idempotency key is in use"
    THROTTLED = "too many requests"
    DISABLED = "the API is switched off"
    SERVER_TROUBLE = "a server error"
    NO_CONNECTION = "no connection"
    NO_ANSWER = "no answer"
    UNREADABLE = "unreadable answer"
    UNTRUSTED = "certificate not trusted"
    NEVER_SENT = "never sent"
    DEADLINE = "no time left"
    TOLD_TO_WAIT = "asked to wait past the deadline"


@dataclass(frozen=True, slots=True)
class Decision:
    """``wait`` is in seconds and only means something with RETRY."""

    action: RetryAction
    reason: Reason
    wait: float = 0.0


_BY_KIND = {
    FailureKind.ERROR_AS_SUCCESS: (RetryAction.RETRY, Reason.SERVER_TROUBLE),
    FailureKind.NOT_CONNECTED: (RetryAction.RETRY, Reason.NO_CONNECTION),
    FailureKind.CONNECT_TIMEOUT: (RetryAction.RETRY, Reason.NO_CONNECTION),
    FailureKind.POOL_TIMEOUT: (RetryAction.RETRY, Reason.NO_CONNECTION),
    FailureKind.WRITE_TIMEOUT: (RetryAction.RETRY, Reason.NO_ANSWER),
    FailureKind.READ_TIMEOUT: (RetryAction.RETRY, Reason.NO_ANSWER),
    FailureKind.RESET: (RetryAction.RETRY, Reason.NO_ANSWER),
    FailureKind.UNREADABLE: (RetryAction.RETRY, Reason.UNREADABLE),
    FailureKind.UNTRUSTED: (RetryAction.STOP, Reason.UNTRUSTED),
    FailureKind.LOCAL: (RetryAction.STOP, Reason.NEVER_SENT),
    FailureKind.PAUSED: (RetryAction.STOP, Reason.TOLD_TO_WAIT),
}
_ARRIVED = frozenset(
    {
        FailureKind.WRITE_TIMEOUT,
        FailureKind.READ_TIMEOUT,
        FailureKind.RESET,
        FailureKind.UNREADABLE,
        FailureKind.ERROR_AS_SUCCESS,
    }
)


def error_as_success(status: int, code: str, *, creates: bool, names_a_task: bool) -> TransportResult:
    """What a 2xx whose body is an error stands for: the same error with its published status.

    Except for a create whose code, or an id beside it, leaves open whether something was made: that is unreadable.
    """
    if creates and (names_a_task or code not in _NOTHING_MADE):
        return TransportResult(FailureKind.UNREADABLE, status, code)
    published = _PUBLISHED.get(code)
    if published is None:
        return TransportResult(FailureKind.ERROR_AS_SUCCESS, status, code)
    return TransportResult(FailureKind.ANSWERED, published, code)


def decide(
    method: str,
    result: TransportResult,
    *,
    hint: float | None,
    attempts: int,
    time_left: float,
    random: float,
) -> Decision:
    """What to do after ``attempts`` sendings (this one included); ``random`` is in [0, 1), times in seconds.

    ``hint`` is what ``read_retry_after`` made of the answer's header.
    """
    judged = judge(method, result, attempts)
    if judged.action is not RetryAction.RETRY:
        return judged
    if time_left <= 0:
        return Decision(RetryAction.STOP, Reason.DEADLINE)
    if hint is not None and hint > time_left:
        return Decision(RetryAction.STOP, Reason.TOLD_TO_WAIT)
    # Retry-After wins over our own back-off: the server knows when it can take more.
    if hint or (hint is not None and attempts <= _HASTY_TRIES):
        return replace(judged, wait=hint)
    return replace(judged, wait=min(back_off(attempts, random), time_left))


def judge(method: str, result: TransportResult, attempts: int = 1) -> Decision:
    """What the table says of it, whatever the time."""
    return Decision(*_judge(method, result, attempts))


def _judge(method: str, result: TransportResult, attempts: int) -> tuple[RetryAction, Reason]:
    if result.kind is not FailureKind.ANSWERED:
        return _unanswered(result, attempts)
    status, code = result.status or 0, result.code
    # The API's own refusal of a key is JSON: a page is a firewall's, which minds what was asked and not who asks.
    if status == 403 and code is None and not result.json:
        return RetryAction.ANSWER, Reason.REFUSED
    return _whatever_is_asked(status, code) or _answered(method, status, code, attempts)


def _unanswered(result: TransportResult, attempts: int) -> tuple[RetryAction, Reason]:
    # An unreadable 200 may still say plainly that the wallet is empty.
    if result.code == INSUFFICIENT_CREDITS:
        return RetryAction.ANSWER, Reason.OUT_OF_CREDITS
    if result.kind is FailureKind.ERROR_AS_SUCCESS and attempts >= PAGE_TRIES:
        return RetryAction.ANSWER, Reason.REFUSED
    return _BY_KIND[result.kind]


def _whatever_is_asked(status: int, code: str | None) -> tuple[RetryAction, Reason] | None:
    """What an answer means to every kind of request; None where that is for the request to say."""
    if 200 <= status < 300:
        return RetryAction.ANSWER, Reason.ACCEPTED
    if status == 402 or code == INSUFFICIENT_CREDITS:
        return RetryAction.ANSWER, Reason.OUT_OF_CREDITS
    if status == 429 or code == "rate_limited":
        return RetryAction.RETRY, Reason.THROTTLED
    if code == "public_api_disabled":
        return RetryAction.RETRY, Reason.DISABLED
    if 300 <= status < 400:
        return RetryAction.ANSWER, Reason.REDIRECTED
    if status in (401, 403):
        return RetryAction.ANSWER, Reason.KEY_REFUSED
    return None


def _answered(method: str, status: int, code: str | None, attempts: int) -> tuple[RetryAction, Reason]:
    # Our resends are byte-identical, so a conflict means that the first one is still being worked on.
    if _is_conflict(method, status, code):
        return RetryAction.RETRY, Reason.CONFLICT
    # A 404 of the API has a code. One without is a gateway's that knows nothing of the task.
    if _is_no_endpoint(method, status, code):
        if attempts < PAGE_TRIES:
            return RetryAction.RETRY, Reason.UNREADABLE
        return RetryAction.ANSWER, Reason.WRONG_ADDRESS if method == "POST" else Reason.NOT_FOUND
    if status in (404, 410):
        return RetryAction.ANSWER, Reason.NOT_FOUND
    if status == 425 or status in _GAVE_UP_WAITING or not 400 <= status < 500:
        return RetryAction.RETRY, Reason.SERVER_TROUBLE
    return RetryAction.ANSWER, Reason.REFUSED


def _is_conflict(method: str, status: int, code: str | None) -> bool:
    """Whether a create's key is in use: by the code, whatever its status, or by a 409 that has no code of the API."""
    in_words = code == IDEMPOTENCY_CONFLICT or (status == 409 and code is None)
    return method == "POST" and 400 <= status < 500 and in_words


def _is_no_endpoint(method: str, status: int, code: str | None) -> bool:
    """Whether an answer says, without a word of the API's, that there is nothing of the kind at this address."""
    return code is None and (status == 404 or (status == 405 and method == "POST"))


def could_have_arrived(result: TransportResult) -> bool:
    """Whether the server may have taken a request that ended so: a second one could be paid twice."""
    if result.code == INSUFFICIENT_CREDITS:
        return False
    if result.kind is not FailureKind.ANSWERED:
        return result.kind in _ARRIVED  # whatever its code says: there may be a task's id beside it
    status = result.status or 0
    if result.code in {"rate_limited", "public_api_disabled"} or status in (301, 307, 308):
        return False
    return status in _GAVE_UP_WAITING or not 400 <= status < 500


def speaks(result: TransportResult) -> bool:
    """Whether an answer shows that the API is working, be it by a refusal; a busy or broken server shows nothing."""
    if result.kind is not FailureKind.ANSWERED:
        return result.code is not None
    reason = _judge("POST", result, 1)[1]
    return result.json and reason not in {Reason.THROTTLED, Reason.DISABLED, Reason.SERVER_TROUBLE}


def back_off(attempts: int, random: float) -> float:
    """Seconds to wait after ``attempts`` tries: full jitter under a bound that doubles up to the cap."""
    return random * min(BACK_OFF_CAP, BACK_OFF_BASE * 2.0 ** min(attempts - 1, 16))


def read_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait from a ``Retry-After`` header (seconds or HTTP date), or None where it says nothing.

    ``now`` is the wall clock (seconds since the epoch), best the server's own. A past date gives 0.
    """
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            date = parsedate_to_datetime(text)
            if date.tzinfo is None:
                date = date.replace(tzinfo=UTC)
            seconds = max(0.0, (date - datetime.fromtimestamp(now, UTC)).total_seconds())
        except (ValueError, TypeError, OverflowError, IndexError, OSError):
            return None
    if math.isnan(seconds) or seconds < 0:
        return None
    return min(seconds, _LONGEST_HINT)
