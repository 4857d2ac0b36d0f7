"""Machines that die, sleep and wake, a database that goes down: every take is paid once, and is there at the end."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from command_line import rivya_run
from postgres_server import PostgresServer, postgres_server
from projects import Project
from simulation import KEY, hosted

LEASE = 2.0

STOPS_ITSELF = """
import os, signal
from rivya_run.__main__ import main
from rivya_run.postgres.lease import Lease

commit, count = Lease.commit, [0]

def then_stop(lease, write):
    lines = commit(lease, write)
    count[0] += 1
    if count[0] == 2:  # the first says that a run began, the second is the intent
        os.kill(os.getpid(), signal.SIGSTOP)
    return lines

Lease.commit = then_stop
main()
"""


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own, since it is stopped."""
    with postgres_server() as found:
        yield found


@pytest.fixture
def url(server: PostgresServer) -> str:
    """Books whose leases are short."""
    found = server.new_books()
    assert rivya_run("account", "--database", found, "--lease", str(LEASE)).exit_code == 0
    return found


def board(folder: Path, name: str, takes: int) -> Path:
    """A storyboard of so many clips, on a machine of its own."""
    (folder / "outputs").mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(
        f"id: {name}\nshots:\n  - {{id: sh, prompt: '{name}', takes: {takes}}}\n", encoding="utf-8"
    )
    return path


def started(
    project: Project, url: str, path: Path, *words: str, script: str | None = None
) -> subprocess.Popen[bytes]:
    """A run in a process of its own."""
    environment = {
        **os.environ,
        "RIVYA_API_KEY": KEY,
        "RIVYA_BASE_URL": project.simulator.base_url,
        "RIVYA_RUN_POLL_INTERVAL": "0.05",
        "RIVYA_RUN_DATABASE": url,
        "RIVYA_RUN_PROGRESS": "none",
    }
    program = ["-c", script] if script is not None else ["-m", "rivya_run"]
    return subprocess.Popen(
        [sys.executable, *program, "run", str(path), *words],
        env=environment,
        cwd=path.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Its exit code, and what it said."""
    said = process.communicate(timeout=120)[1].decode()
    return process.returncode, said


def until(holds: Callable[[], bool], seconds: float = 90) -> None:
    """Wait for something that other processes do."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.02)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def check(project: Project, url: str, creates: int) -> None:
    """Every take was paid once, and what the account counts is what the journals say."""
    tasks = project.simulator.state.tasks()
    assert len(tasks) == creates
    assert all(len(found) == 1 for found in project.simulator.state.tasks_by_key().values())
    told = rivya_run("account", "--check", "--database", url)
    assert told.exit_code == 0, told.output + told.stderr


def test_machines_die_and_sleep_and_the_database_crashes(
    tmp_path: Path, server: PostgresServer, url: str
) -> None:
    """Three machines; one is killed, one stands still for two leases and wakes, the database is killed and comes
    back: each take once, each clip in the object store with its sha256."""
    store = tmp_path / "store"
    store.mkdir()
    results = ("--outputs", store.as_uri())
    with hosted(speed=2.0) as simulator:
        project = Project(tmp_path / "here", simulator)
        paths = {name: board(tmp_path / f"machine {name}", name, 6) for name in ("a", "b", "c")}
        runs = {name: started(project, url, path, *results) for name, path in paths.items()}
        until(lambda: len(simulator.state.tasks()) >= 9)
        runs["a"].kill()
        runs["b"].send_signal(signal.SIGSTOP)
        ended(runs["a"])
        others = {
            name: started(project, url, board(tmp_path / f"other {name}", name, 6), *results) for name in "ab"
        }
        [(holder,)] = rows(url, "select holder from book where id = 'b'")
        until(lambda: rows(url, "select holder from book where id = 'b'") not in ([(holder,)], [(None,)]))
        server.stop(signal.SIGQUIT)
        server.start()
        assert [ended(one)[0] for one in (*others.values(), runs["c"])] == [0, 0, 0]
        runs["b"].send_signal(signal.SIGCONT)
        code, said = ended(runs["b"])
        assert code == 7 and "another process carries this storyboard" in said, said
        check(project, url, 18)
        for name in "abc":
            manifest = json.loads((store / name / "manifest.json").read_bytes())
            outputs = [one for shot in manifest["shots"] for take in shot["takes"] for one in take["outputs"]]
            assert len(outputs) == 6
            for one in outputs:
                content = (store / name / one["path"]).read_bytes()
                assert hashlib.sha256(content).hexdigest() == one["sha256"]


def test_a_machine_that_slept_between_intent_and_request_sends_nothing(tmp_path: Path, url: str) -> None:
    """It was taken over meanwhile, and the API has forgotten the key: sent now, it would be paid a second time."""
    with hosted(key_lifetime=0.5) as simulator:
        project = Project(tmp_path / "here", simulator)
        first = started(project, url, board(tmp_path / "one", "a", 1), script=STOPS_ITSELF)
        until(lambda: os.waitid(os.P_PID, first.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG) is not None)
        [(line,)] = rows(url, "select line from journal_line where book = 'a' order by number desc limit 1")
        assert b'"event":"intended"' in bytes(line) and not simulator.state.tasks()
        second = started(project, url, board(tmp_path / "two", "a", 1))
        assert ended(second)[0] == 0
        until(lambda: simulator.state.tasks()[0].created + 1 < time.time())
        first.send_signal(signal.SIGCONT)
        code, said = ended(first)
        assert code == 7, said
        check(project, url, 1)


def test_a_storyboard_waits_no_longer_than_a_lease(tmp_path: Path, url: str) -> None:
    """From the kill of its machine to the next request for it."""
    with hosted(speed=1.0) as simulator:
        project = Project(tmp_path / "here", simulator)
        run = started(project, url, board(tmp_path / "one", "a", 1))
        until(lambda: len(simulator.state.tasks()) == 1)
        run.kill()
        ended(run)
        asked = len(simulator.traffic.requests)
        # As if it had been another machine: the process of this one is known to be gone.
        rows_changed(url, "update book set holder = 'elsewhere:1:x'")
        since = time.monotonic()
        second = started(project, url, board(tmp_path / "two", "a", 1))
        until(lambda: len(simulator.traffic.requests) > asked)
        assert rows(url, "select epoch from book where id = 'a'") == [(2,)]
        waited = time.monotonic() - since
        assert ended(second)[0] == 0
        assert waited < 60  # how long a lease is kept waiting for is in its rule; this only bounds a hang
        check(project, url, 1)


def rows_changed(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
