"""Whether a run goes on creating, what counts as an outage, and which signals ask a run to leave."""

from __future__ import annotations

import asyncio
import signal

import pytest

from rivya_run.engine.next_step import Ending
from rivya_run.engine.stop import ECHO, Interrupts, Stop
from simulation import ManualClock


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def stop_after(patience: float = 10.0) -> tuple[Stop, Clock]:
    """A run in which nothing was asked yet."""
    clock = Clock()
    return Stop(patience, clock), clock


def test_the_first_reason_stays() -> None:
    """What stopped creating is told, not what came later."""
    stop = Stop()
    stop.for_empty_wallet()
    stop.creating(Ending.NO_ROOM, "disk")
    assert stop.outcome is not None and stop.outcome.ending is Ending.OUT_OF_CREDITS


def test_trouble_of_several_stops_creating() -> None:
    """When nothing was answered for as long as one take may last."""
    stop, clock = stop_after()
    stop.record_exchange("a", 0.0, "no connection")
    clock.now = 10.0
    stop.record_exchange("b", 9.0, "no connection")
    assert stop.outage and stop.outcome is not None
    assert stop.outcome.message == "the API answered nothing for 10 s: no connection"


def test_trouble_of_one_alone_stops_nobody_else() -> None:
    """It may be the trouble itself."""
    stop, clock = stop_after()
    for clock.now in (0.0, 10.0, 20.0):
        stop.record_exchange("a", clock.now, "HTTP 500")
    assert stop.outage and stop.outcome is None


def test_an_answer_ends_it() -> None:
    """And time in which nothing was asked is no outage."""
    stop, clock = stop_after()
    stop.record_exchange("a", 0.0, "HTTP 500")
    clock.now = 9.0
    stop.record_exchange("b", 8.0, None)
    clock.now = 100.0
    stop.record_exchange("a", 99.0, "HTTP 500")
    clock.now = 101.0
    stop.record_exchange("b", 100.0, "HTTP 500")
    assert stop.silent_for == 2.0 and not stop.outage and stop.outcome is None


@pytest.mark.parametrize("first", ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"])
@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM", "SIGBREAK"])
def test_a_second_decision_leaves_at_once(first: str, second: str) -> None:
    """The first signal, whatever it is, asks for order; Ctrl-C or SIGTERM some time later doesn't."""
    clock = ManualClock()
    interrupts = Interrupts(clock=clock)
    assert not interrupts.requested(first)
    clock.advance(ECHO * 2)
    assert interrupts.requested(second)


@pytest.mark.parametrize("first", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_closed_terminal_is_never_a_reason_to_hurry(first: str) -> None:
    """Kernel and shell both hang up, at any distance: what is in flight is still answered and recorded."""
    clock = ManualClock()
    interrupts = Interrupts(clock=clock)
    assert not interrupts.requested(first)
    for _ in range(3):
        clock.advance(2)
        assert not interrupts.requested("SIGHUP")


def test_a_signal_that_is_passed_on_counts_once() -> None:
    """From the terminal and from a wrapper within the same moment; the person's second one still counts."""
    clock = ManualClock()
    interrupts = Interrupts(clock=clock)
    assert not interrupts.requested("SIGINT")
    clock.advance(ECHO / 2)
    assert not interrupts.requested("SIGINT")
    clock.advance(ECHO)
    assert interrupts.requested("SIGINT")


def test_a_system_without_hang_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows is: what it has is heard, and afterwards all is as it was."""
    monkeypatch.delattr(signal, "SIGHUP", raising=False)
    before = signal.getsignal(signal.SIGTERM)

    async def body() -> bool:
        interrupts = Interrupts()
        with interrupts.listening():
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return interrupts.heard

    assert asyncio.run(body())
    assert signal.getsignal(signal.SIGTERM) is before
