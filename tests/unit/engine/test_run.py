"""A run from files to results."""

from __future__ import annotations

from rivya_run.engine.connection import SPEED
from rivya_run.engine.run import poll_interval
from rivya_run.project.plan import RunOptions


def test_polls_follow_the_speed_of_the_stand_in() -> None:
    """A simulated task ends sooner, and is asked for sooner; a real one as it was said."""
    assert poll_interval(RunOptions(poll_interval=5.0)) == 5.0
    assert poll_interval(RunOptions(poll_interval=5.0, simulate=True)) == 5.0 / SPEED
