"""Which signals ask a run to leave in order, and which one leaves at once."""

from __future__ import annotations

import pytest

from rivya_run.engine.interrupts import ECHO, Interrupts
from simulation import ManualClock


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
