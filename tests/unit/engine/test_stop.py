"""Whether a run goes on creating, and what counts as an outage."""

from __future__ import annotations

from rivya_run.engine.outcome import Ending
from rivya_run.engine.stop import Outage, Stop


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def outage(patience: float = 10.0) -> tuple[Outage, Stop, Clock]:
    """An outage that hasn't begun."""
    stop, clock = Stop(), Clock()
    return Outage(patience, stop, clock), stop, clock


def test_the_first_reason_stays() -> None:
    """What stopped creating is told, not what came later."""
    stop = Stop()
    stop.for_empty_wallet()
    stop.creating(Ending.NO_ROOM, "disk")
    assert stop.outcome is not None and stop.outcome.ending is Ending.OUT_OF_CREDITS


def test_trouble_of_several_stops_creating() -> None:
    """When nothing was answered for as long as one take may last."""
    found, stop, clock = outage()
    found.record_exchange("a", 0.0, "no connection")
    clock.now = 10.0
    found.record_exchange("b", 9.0, "no connection")
    assert found.lasting and stop.outcome is not None
    assert stop.outcome.message == "the API answered nothing for 10 s: no connection"


def test_trouble_of_one_alone_stops_nobody_else() -> None:
    """It may be the trouble itself."""
    found, stop, clock = outage()
    for clock.now in (0.0, 10.0, 20.0):
        found.record_exchange("a", clock.now, "HTTP 500")
    assert found.lasting and stop.outcome is None


def test_an_answer_ends_it() -> None:
    """And time in which nothing was asked is no outage."""
    found, stop, clock = outage()
    found.record_exchange("a", 0.0, "HTTP 500")
    clock.now = 9.0
    found.record_exchange("b", 8.0, None)
    clock.now = 100.0
    found.record_exchange("a", 99.0, "HTTP 500")
    clock.now = 101.0
    found.record_exchange("b", 100.0, "HTTP 500")
    assert found.seconds == 2.0 and not found.lasting and stop.outcome is None
