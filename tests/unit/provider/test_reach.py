"""Whether the API can be reached, told when that changes."""

from __future__ import annotations

from rivya_run.progress import Event
from rivya_run.provider.reach import Reach
from rivya_run.provider.rivya.retry import FailureKind, TransportResult
from rivya_run.times import Clocks
from simulation import ManualClock

AWAY = TransportResult(FailureKind.NOT_CONNECTED)
THERE = TransportResult(FailureKind.ANSWERED, 503)


def test_it_is_told_at_once_and_once() -> None:
    """With host, since when, until when it is tried, and why; then that it answers, be it with an error."""
    clock, told = ManualClock(), list[Event]()
    wall = Clocks(monotonic=clock, wall=lambda: clock() - began + 1_778_500_000)
    began = clock()
    reach = Reach("https://api.example:8443/v", 600.0, wall, told.append)
    clock.advance(2)
    for kind in (FailureKind.CONNECT_TIMEOUT, FailureKind.NOT_CONNECTED):
        reach.heard(TransportResult(kind), "Connect call failed", sent_at=clock() - 2)
        clock.advance(30)
    assert [one.name for one in told] == ["unreachable"]
    assert told[0].detail == {
        "host": "api.example:8443",
        "since": "2026-05-11T11:46:40.000Z",
        "until": "2026-05-11T11:56:40.000Z",
        "reason": "Connect call failed",
    }
    reach.heard(THERE, "HTTP 503", sent_at=clock())
    assert [one.name for one in told] == ["unreachable", "reachable"]
    assert told[1].detail == {"host": "api.example:8443", "seconds": 62.0}
    reach.heard(AWAY, "again", sent_at=clock())
    assert [one.name for one in told] == ["unreachable", "reachable", "unreachable"]


def test_an_answer_to_what_was_asked_before_says_nothing() -> None:
    """A network that has just gone away may still deliver what is on its way."""
    clock, told = ManualClock(), list[Event]()
    reach = Reach("https://api.example", 600.0, Clocks(monotonic=clock), told.append)
    before = clock()
    clock.advance(1)
    reach.heard(AWAY, "", sent_at=clock())
    reach.heard(THERE, "", sent_at=before)
    assert [one.name for one in told] == ["unreachable"]
