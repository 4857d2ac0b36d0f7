"""Ctrl-C while a cut is made."""

from __future__ import annotations

import os
import signal

import pytest

from rivya_run.cli.messages import cut_progress


def test_an_interrupt_that_was_lost_on_its_way_ends_the_cut_at_the_next_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """FFmpeg calls back into Python, and what is raised there may get lost. The person is told what is left."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), cut_progress() as progress:
            progress("sound", 0.1, None)
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            progress("sound", 0.2, 3.0)
            pytest.fail("it went on")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert capsys.readouterr().err == "interrupted: no new cut was written\n"
    finally:
        signal.signal(signal.SIGINT, before)


def test_who_ignores_interrupts_goes_on_ignoring_them() -> None:
    """A cut in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with cut_progress() as progress:
            os.kill(os.getpid(), signal.SIGINT)
            progress("pictures", 0.5, None)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
