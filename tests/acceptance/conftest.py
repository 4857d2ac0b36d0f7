"""What acceptance tests may ask for."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from rivya_run.engine import task_slots as limits
from rivya_run.provider import throttle as pace
from rivya_run.provider.rivya import retry


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses where a test isn't about their length."""
    monkeypatch.setattr(retry, "BACK_OFF_BASE", 0.02)
    monkeypatch.setattr(limits, "_PAUSE", 0.05)
    monkeypatch.setattr(pace, "_FIRST_PAUSE", 0.02)


@pytest.fixture
def let_go(request: pytest.FixtureRequest) -> Iterator[None]:
    """For runs that are cancelled: a connection that was just being made may be left to the collector."""
    mark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    request.node.add_marker(mark)
    yield
    gc.collect()
