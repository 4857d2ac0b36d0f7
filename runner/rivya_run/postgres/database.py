"""The connection to the database: made anew when it breaks, and what a person is told when it can't be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from rivya_run.errors import DatabaseUnavailable, ForeignFolder, OutputFolderError, UsageError
from rivya_run.postgres.migrations import MIGRATIONS, VERSION
from rivya_run.times import steady

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
Cursor: TypeAlias = "psycopg.Cursor[tuple[Any, ...]]"

PATIENCE: Final = 60.0
"""Seconds for which a transaction is tried again while the database can't be reached: a restart takes a few."""

_HURRIED: Final = 5.0
"""The same where a person waits for the end of the run."""

_GIVEN_UP: Final = 0.5
"""The same once it was waited for in vain: one outage isn't waited for again and again."""

_FIRST_PAUSE: Final = 0.1
"""Seconds before the second try: a connection that broke can be made anew at once."""

_LONGEST_PAUSE: Final = 2.0
"""Seconds between later ones: a restart is noticed soon enough, and many machines don't crowd it."""

_SETTINGS: Final = {
    # A process that is stopped between two statements holds its locks for no longer than this.
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "15s",
    "statement_timeout": "300s",
}

_LOCK: Final = 7_259_184
"""The advisory lock of a migration; held for its transaction only."""


class Database:
    """One database, by its URL, with a connection that is made when it is needed. For several threads.

    ``patience``: seconds, see ``PATIENCE``; ``hurried`` says whether somebody waits for the end.
    """

    def __init__(
        self, url: str, *, patience: float = PATIENCE, hurried: Callable[[], bool] = lambda: False
    ) -> None:
        self.hurried = hurried
        self._given_up = False
        _library()
        self.url = url
        self.patience = patience
        self.shown = shown_url(url)
        self._lock = threading.RLock()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._id: str | None = None
        self._clock: float | None = None  # what is to be added to this machine's steady clock

    @property
    def id(self) -> str:
        """The database's own id, which manifests name; it outlives moves and restores.

        Raises ForeignFolder where the tables aren't there or are of another version.
        """
        if self._id is None:
            self._id, version = self.transact(_id_of)
            if version < VERSION:
                raise self._without_tables()
        return self._id

    @property
    def books(self) -> str:
        """What a manifest says of books that are here."""
        return f"postgres:{self.id}"

    def now(self) -> float:
        """Seconds since the epoch by the database's clock, the only one that all machines share."""
        if self._clock is None:
            # Both times of one try: a restart of the database may have lain between them.
            self._clock = self.transact(lambda cursor: _time_of(cursor) - steady())
        return self._clock + steady()

    def transact(self, work: Callable[[Cursor], T], *, patience: float | None = None) -> T:
        """Do something in one transaction, again from its beginning when the connection breaks or others are in the
        way: ``work`` must be right also where its first time was committed and only the answer was lost.

        Raises DatabaseUnavailable once that has failed for ``patience`` seconds.
        """
        psycopg = _library()
        began = time.monotonic()
        pause = _FIRST_PAUSE
        while True:
            try:
                with self._lock:
                    connection = self._connected()
                    with connection.transaction(), connection.cursor() as cursor:
                        done = work(cursor)
                self._given_up = False
                return done
            except (
                psycopg.OperationalError,
                psycopg.InterfaceError,
                psycopg.errors.DeadlockDetected,
            ) as error:
                if _is_final(error) or time.monotonic() + pause > began + self._patience(patience):
                    self._given_up = True
                    raise self._unavailable(error) from error
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
            except psycopg.errors.UndefinedTable as error:
                raise self._without_tables() from error
            except psycopg.Error as error:
                raise self._unavailable(error) from error

    def _patience(self, asked: float | None) -> float:
        """Seconds for which a transaction is tried again, as things are now."""
        most = [self.patience if asked is None else asked]
        most += [_HURRIED] if self.hurried() else []
        most += [_GIVEN_UP] if self._given_up else []
        return min(most)

    def initialise(self) -> tuple[int, int]:
        """Make or migrate the tables; the versions before and after. Raises ForeignFolder for newer ones."""

        def migrate(cursor: Cursor) -> tuple[int, int]:
            cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            before = _version(cursor)
            if before > VERSION:
                raise self._newer(before)
            for step in MIGRATIONS[before:]:
                cursor.execute(step.encode())
            cursor.execute("update meta set version = %s", (VERSION,))
            return before, VERSION

        return self.transact(migrate)

    def close(self) -> None:
        with self._lock, suppress(Exception):
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        psycopg = _library()
        if self._connection is not None and not self._connection.broken and not self._connection.closed:
            return self._connection
        try:
            connection = psycopg.connect(
                self.url,
                connect_timeout=10,
                autocommit=True,
                application_name="rivya-run",
                client_encoding="utf8",
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=20_000,
            )
        except psycopg.ProgrammingError as error:
            raise UsageError(
                f"--database: this isn't the URL of a Postgres database: {error}",
                hint="it looks like postgresql://user@host:5432/name; the password may stand in PGPASSWORD",
            ) from error
        self._look_at(connection)
        self._connection = connection
        return self._connection

    def _look_at(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        """Refuse a database that forgets what it has confirmed, and tables of another version."""
        for name, value in _SETTINGS.items():
            connection.execute("select set_config(%s, %s, false)", (name, value))
        row = connection.execute("show synchronous_commit").fetchone()
        if row is not None and row[0] == "off":
            connection.close()
            raise OutputFolderError(
                f"{self.shown}: synchronous_commit is off: a crash of the database would forget what was paid for",
                hint="turn it on for this database or role: ALTER DATABASE ... SET synchronous_commit = on",
            )
        with connection.cursor() as cursor:
            version = _version(cursor)
        if version > VERSION:
            connection.close()
            raise self._newer(version)

    def _newer(self, version: int) -> ForeignFolder:
        return ForeignFolder(
            f"{self.shown}: its tables are of version {version}, this rivya-run knows them up to {VERSION}",
            hint="upgrade rivya-run",
        )

    def _without_tables(self) -> ForeignFolder:
        return ForeignFolder(
            f"{self.shown}: there are no books in this database, or they are of an older version",
            hint="rivya-run database init --database URL makes or migrates the tables",
        )

    def _unavailable(self, error: Exception) -> DatabaseUnavailable:
        words = " ".join(str(error).split())
        return DatabaseUnavailable(
            f"{self.shown}: {words}",
            hint="nothing more was created; run the same command again when the database answers",
        )


def shown_url(url: str) -> str:
    """A database's URL as it may be shown: without user and password."""
    psycopg = _library()
    try:
        known = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "the database"
    host = known.get("host") or "localhost"
    port = f":{known['port']}" if known.get("port") else ""
    return f"database {known.get('dbname') or known.get('user') or ''} at {host}{port}"


def _version(cursor: Cursor) -> int:
    """The version of the tables; 0 where there are none."""
    cursor.execute("select to_regclass('meta') is not null")
    row = cursor.fetchone()
    if row is None or not row[0]:
        return 0
    cursor.execute("select version from meta")
    row = cursor.fetchone()
    return int(row[0]) if row is not None else 0


def _id_of(cursor: Cursor) -> tuple[str, int]:
    cursor.execute("select id, version from meta")
    row = cursor.fetchone()
    assert row is not None, "the tables are made with their one row"
    return str(row[0]), int(row[1])


def _time_of(cursor: Cursor) -> float:
    cursor.execute("select extract(epoch from clock_timestamp())::float8")
    row = cursor.fetchone()
    assert row is not None
    return float(row[0])


def _is_final(error: Exception) -> bool:
    """Whether trying again is of no use: the server answered, and refuses who we are or where we want to go."""
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return not state.startswith(("08", "57P", "40", "55P03", "53", "25P03"))
    words = str(error)
    return any(
        sign in words for sign in ("password authentication failed", "does not exist", "no pg_hba.conf entry")
    )


def _library() -> Any:
    try:
        import psycopg
        import psycopg.conninfo
        import psycopg.errors
    except ImportError as error:
        raise UsageError(
            "--database needs the extra 'cluster'", hint="pip install 'rivya-run[cluster]'"
        ) from error
    return psycopg
