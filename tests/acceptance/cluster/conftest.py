"""What tests of several machines may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import rivya_run
from postgres_server import PostgresServer, postgres_server
from projects import Project
from simulation import hosted


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server for all tests of a module."""
    with postgres_server() as found:
        yield found


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project against a simulator that takes 10 credits for a clip; other machines have folders beside it."""
    with hosted() as simulator:
        yield Project(tmp_path / "here", simulator)


@pytest.fixture
def url(server: PostgresServer) -> str:
    """A database with tables and nothing in it."""
    found = server.new_database()
    assert rivya_run("database", "init", "--database", found).exit_code == 0
    return found
