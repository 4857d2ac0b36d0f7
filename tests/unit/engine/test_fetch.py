"""The files of one task on their way to disk: in which order they are stored, what is waited for, what is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

import virtual_time
from mock_api import MockApi, error, task
from odd_api import picture
from rivya_run.engine.connection import ApiConnection
from rivya_run.engine.fetch import Fetcher, FetchTrouble
from rivya_run.engine.next_step import Ending
from rivya_run.engine.records import RunLedger
from rivya_run.engine.stop import Stop
from rivya_run.errors import DiskFull, ObjectStoreError
from rivya_run.journal.attempt import Attempt, AttemptState, Output
from rivya_run.journal.events import Created, Intended, JournalEvent, Succeeded
from rivya_run.project.home import FolderHome
from rivya_run.project.ledger import Ledger
from rivya_run.times import Clocks, iso

pytestmark = pytest.mark.usefixtures("no_threads")

KEY = "board.a.t1.0"
EPOCH = 1_778_500_000.0
FIRST, SECOND = "https://media.example/1.png", "https://media.example/2.png"

Server = Callable[[str, int], httpx2.Response]
"""What a URL gives, by the file's name and how often it was asked for."""


def there(name: str, turn: int) -> httpx2.Response:
    """A server that has everything."""
    return httpx2.Response(200, content=picture(name), headers={"content-type": "image/png"})


class Fetching:
    """A fetch of both files of a task that has succeeded, for so many seconds."""

    def __init__(
        self,
        folder: Path,
        server: Server = there,
        *,
        seconds: float = 100.0,
        stale: bool = False,
        places: tuple[int, ...] = (),
        answer: httpx2.Response | None = None,
        before: Callable[[Ledger], None] = lambda ledger: None,
        home: FolderHome | None = None,
    ) -> None:
        self.folder = folder
        self.stop = Stop()
        self.asked: Counter[str] = Counter()
        self.order: list[str] = []
        self._server = server
        self._answer = answer or task("succeeded", result={"urls": [FIRST, SECOND]})
        ledger = Ledger(folder, now=lambda: iso(EPOCH))
        ledger.record(
            Intended(
                key=KEY, shot="a", take=1, fingerprint="f" * 64, number=1, model="m", body="{}", estimate=10
            )
        )
        ledger.record(Created(key=KEY, task_id="task_1", status="queued", reserved_credits=10))
        ledger.record(Succeeded(key=KEY, urls=(FIRST, SECOND), places=places))
        before(ledger)
        try:
            self.trouble = virtual_time.run(
                lambda: self._fetch(RunLedger(ledger, "board.yaml", home=home), seconds, stale)
            )
        finally:
            self.attempt: Attempt = ledger.history.attempts[KEY]
            ledger.close()

    async def _fetch(self, ledger: RunLedger, seconds: float, stale: bool) -> FetchTrouble | None:
        api = MockApi([self._handle])
        clocks = Clocks(anyio.current_time, lambda: EPOCH + anyio.current_time(), anyio.current_time)
        async with api.http() as http:
            connection = ApiConnection.of(http, api.client(http))
            fetcher = Fetcher(KEY, ledger, connection, clocks, self.stop, stale=stale)
            return await fetcher.fetch_all(anyio.current_time() + seconds)

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        name = request.url.path.rpartition("/")[2]
        self.asked[name] += 1
        self.order.append(name)
        if name == "task_1":
            return httpx2.Response(self._answer.status_code, content=self._answer.content)
        return self._server(name, self.asked[name])

    @property
    def stored(self) -> list[int]:
        """Which files were put on record, in this order."""
        lines = (self.folder / "journal.jsonl").read_bytes().splitlines()
        events: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [event["index"] for event in events if event["event"] == "stored"]

    @property
    def arriving(self) -> list[str]:
        """Ends of the names of what lies among the downloads."""
        return sorted(path.name[16:] for path in (self.folder / ".arriving").glob("*"))


def test_every_file_is_under_its_name(tmp_path: Path) -> None:
    """And on record, with what it is."""
    found = Fetching(tmp_path)
    assert found.trouble is None and found.attempt.state is AttemptState.STORED
    assert [output.mime_type for output in found.attempt.outputs] == ["image/png"] * 2
    contents = [(tmp_path / output.path).read_bytes() for output in found.attempt.outputs]
    assert contents == [picture("1.png"), picture("2.png")]
    assert found.asked == {"1.png": 1, "2.png": 1} and found.arriving == []


def test_the_second_file_waits_for_the_first_one_on_disk(tmp_path: Path) -> None:
    """It is fetched at once, since its URL may work only now, and stored in its turn."""

    def server(name: str, turn: int) -> httpx2.Response:
        if name == "1.png":
            return there(name, turn) if turn > 3 else error(404)
        return there(name, turn) if turn == 1 else error(410)

    found = Fetching(tmp_path, server)
    assert found.trouble is None and found.stored == [0, 1]
    assert found.asked["2.png"] == 1 and found.arriving == []


@pytest.mark.parametrize("trouble", [404, 503], ids=["not there", "no answer"])
def test_a_file_that_never_comes_keeps_the_other_one_among_the_downloads(
    tmp_path: Path, trouble: int
) -> None:
    """The take stays unfetched, with what came from where; nothing of it is on record."""
    found = Fetching(tmp_path, lambda name, turn: error(trouble) if name == "1.png" else there(name, turn))
    assert found.trouble is not None and f"HTTP {trouble} from media.example" in found.trouble.message
    assert found.attempt.outputs == () and found.stored == []
    assert found.arriving == ["_2.part"]
    [kept] = (tmp_path / ".arriving").iterdir()
    assert kept.read_bytes() == picture("2.png")


def test_what_was_kept_is_stored_by_the_next_run_though_its_url_gives_nothing_more(tmp_path: Path) -> None:
    """It lies among the downloads, and came as a whole."""
    Fetching(tmp_path, lambda name, turn: error(404) if name == "1.png" else there(name, turn))
    again = Fetching(
        tmp_path, lambda name, turn: there(name, turn) if name == "1.png" else error(410), stale=True
    )
    assert again.trouble is None and again.stored == [0, 1] and again.arriving == []


def test_old_urls_are_renewed_before_they_are_tried(tmp_path: Path) -> None:
    """Most likely they have expired: that is asked once for all files."""
    found = Fetching(tmp_path, stale=True)
    assert found.trouble is None
    assert found.order[0] == "task_1" and found.asked["task_1"] == 1


def test_a_task_that_the_api_knows_no_more_is_not_waited_for(tmp_path: Path) -> None:
    """Its URL gives nothing and nobody gives another one: three answers say so, long before the time is up."""
    found = Fetching(tmp_path, lambda name, turn: error(403), answer=error(404, "not_found"), seconds=100_000)
    assert found.trouble is not None
    assert "HTTP 403 from media.example" in found.trouble.message
    assert "no longer knows task task_1" in found.trouble.message
    assert found.asked["1.png"] <= 5


def test_a_disk_that_is_full_ends_the_run(tmp_path: Path) -> None:
    """As the error that it is, also where several files were on their way."""

    def fill(ledger: Ledger) -> None:
        def full(event: JournalEvent) -> Any:
            raise DiskFull("no space left")

        ledger.record = full  # type: ignore[method-assign]

    with pytest.raises(DiskFull):
        Fetching(tmp_path, before=fill)


def test_a_store_that_takes_nothing_stops_creating_and_every_file_stays_among_the_downloads(
    tmp_path: Path,
) -> None:
    """The run goes on for what runs; the next one finds them here, and asks nobody for them."""

    class Down(FolderHome):
        def secure(self, file: Path, output: Output, owned: Collection[str]) -> str:
            raise ObjectStoreError("s3://clips/board: can't be used")

    found = Fetching(tmp_path, home=Down(tmp_path))
    assert found.trouble is not None
    assert found.trouble.message == "it is in .arriving until the next run: s3://clips/board: can't be used"
    assert found.stop.outcome is not None
    assert found.stop.outcome.ending is Ending.NO_ROOM
    assert (found.stored, found.attempt.state) == ([], AttemptState.FINISHED)
    assert [name for name in found.arriving if not name.endswith(".json")] == ["_1.part", "_2.part"]


def test_a_task_without_files_is_no_success(tmp_path: Path) -> None:
    """What was paid for can't be had now; the next run asks again."""

    def forget(ledger: Ledger) -> None:
        ledger.record(Succeeded(key=KEY, urls=()))

    found = Fetching(tmp_path, before=forget, answer=task("succeeded", result={"urls": []}))
    assert found.trouble is not None and "names no file" in found.trouble.message


def test_another_order_of_the_same_files_changes_none_of_them(tmp_path: Path) -> None:
    """What is already here keeps its number: no file is stored twice, and none is lost."""
    swapped = task("succeeded", result={"urls": [FIRST, SECOND], "primary_url": SECOND})

    def server(name: str, turn: int) -> httpx2.Response:
        return error(404) if name == "1.png" and turn <= 2 else there(name, turn)

    found = Fetching(tmp_path, server, answer=swapped, places=(0, 1))
    assert found.trouble is None
    contents = [(tmp_path / output.path).read_bytes() for output in found.attempt.outputs]
    assert contents == [picture("1.png"), picture("2.png")]
