"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import Project
from simulation import hosted


@pytest.fixture
def anyio_backend() -> str:
    """The program runs on asyncio."""
    return "asyncio"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with a quick simulator of its own."""
    with hosted() as simulator:
        yield Project(tmp_path, simulator)
