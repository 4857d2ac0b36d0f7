"""What an exchange comes to: a reply or a fault, understood for the retry decision and for the caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from rivya_run.records import Json
from rivya_run.records.wire import ApiError
from rivya_run.wire.exchange import Reply
from rivya_run.wire.faults import Fault
from rivya_run.wire.origin import redirect_target
from rivya_run.wire.replies import error_code, read_error
from rivya_run.wire.retry import (
    INSUFFICIENT_CREDITS,
    Decision,
    Happening,
    Reason,
    Verdict,
    What,
    could_have_arrived,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """One exchange, understood: ``found`` is what the body held, ``error`` what it complained about."""

    happening: Happening
    words: str
    hint: float | None = None
    found: object = None
    error: ApiError | None = None


def hear(reply: Reply | Fault, read: Callable[[Json], T | None]) -> Heard:
    """Understand what came; a 2xx whose body holds nothing to go on counts as unreadable."""
    if isinstance(reply, Fault):
        return Heard(Happening(reply.what), reply.message)
    found = None
    if 200 <= reply.status < 300:
        found = read(reply.json)
        if found is not None:
            return Heard(Happening(What.ANSWERED, reply.status), "answered", found=found)
    what = What.UNREADABLE if 200 <= reply.status < 300 else What.ANSWERED
    error = read_error(reply.json, status=reply.status, excerpt=reply.text, request_id=reply.request_id)
    if 300 <= reply.status < 400:
        target = redirect_target(reply.headers.get("location"))
        words = f"the API answered with a redirect{target}; the key is not sent there, check the base URL"
        error = replace(error, message=words)
    happening = Happening(what, reply.status, error_code(reply.json))
    start = "an answer that can't be read" if what is What.UNREADABLE else f"HTTP {reply.status}"
    return Heard(happening, f"{start}: {error.message[:200]} [{error.code}]", reply.retry_after, error=error)


def plain_error(heard: Heard, decision: Decision) -> ApiError:
    """The error to hand on; an empty wallet has one name, whatever the status or the words for it."""
    error = heard.error or ApiError("no_error", heard.words)
    if decision.reason is Reason.OUT_OF_CREDITS and error.code != INSUFFICIENT_CREDITS:
        return replace(error, code=INSUFFICIENT_CREDITS, message=f"{error.message} [{error.code}]")
    return error


def refuses(heard: Heard, decision: Decision) -> bool:
    """Whether the answer to a create says no. Redirects such as 303 may follow one that was made."""
    if decision.verdict is not Verdict.ANSWER:
        return False
    return not (decision.reason is Reason.REDIRECTED and could_have_arrived(heard.happening))
