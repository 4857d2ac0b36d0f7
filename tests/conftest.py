"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from projects import Project
from simulation import hosted

settings.register_profile("no_deadline", deadline=None)  # how fast a machine is says nothing about a rule
settings.load_profile("ci" if os.environ.get("CI") else "no_deadline")


@pytest.fixture
def anyio_backend() -> str:
    """The program runs on asyncio."""
    return "asyncio"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with a quick simulator of its own."""
    with hosted() as simulator:
        yield Project(tmp_path, simulator)
