"""What becomes of a job by the way in which its run has ended."""

from __future__ import annotations

import pytest

from rivya_run.engine.worker import BUSY, MOST_TRIES, AfterRun, after_run

ENDED = AfterRun(ended=True)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("stopping", [True, False])
def test_what_a_run_came_to_is_the_end_of_the_job(code: int, stopping: bool) -> None:
    """Also where the worker is asked to stop meanwhile: the run was through."""
    assert after_run(code, stopping=stopping, held=False, tries=0) == ENDED


@pytest.mark.parametrize("code", [130, -15, -9])
def test_a_run_that_was_stopped_with_its_worker_waits_for_another(code: int) -> None:
    """At once, and it is no try."""
    assert after_run(code, stopping=True, held=False, tries=2) == AfterRun(ended=False)


@pytest.mark.parametrize("stopping", [True, False])
@pytest.mark.parametrize("tries", range(MOST_TRIES + 1))
def test_a_storyboard_that_somebody_else_carries_waits(stopping: bool, tries: int) -> None:
    """As often as it takes."""
    assert after_run(7, stopping=stopping, held=True, tries=tries) == AfterRun(ended=False, delay=BUSY)


@pytest.mark.parametrize("code", [7, -9, -11, 130])
def test_what_may_be_chance_is_tried_again_a_few_times(code: int) -> None:
    """A folder that couldn't be used, a process that was killed: then it counts."""
    for tries in range(MOST_TRIES - 1):
        assert after_run(code, stopping=False, held=False, tries=tries) == AfterRun(False, BUSY, counted=True)
    assert after_run(code, stopping=False, held=False, tries=MOST_TRIES - 1) == ENDED
