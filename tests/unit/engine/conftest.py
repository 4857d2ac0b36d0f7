"""What tests of the engine may ask for."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps doesn't wait for threads."""

    async def at_once(work: Callable[..., object], *args: object, **how: object) -> object:
        return work(*args)

    monkeypatch.setattr(anyio.to_thread, "run_sync", at_once)
