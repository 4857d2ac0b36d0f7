"""What a take is made from: what is uploaded, how often, and what keeps a take from being made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import httpx2
import pytest

import virtual_time
from examples import MODEL, attempt, board, child, history_of, planner, shot, steps
from mock_api import Answer, MockApi, error
from rivya_run.engine.connection import ApiConnection
from rivya_run.engine.next_step import Ending
from rivya_run.engine.records import RunLedger
from rivya_run.engine.references import NotResolved, References, ResolvedReferences
from rivya_run.engine.stop import Stop
from rivya_run.engine.uploads import TRUSTED_FOR, Uploader
from rivya_run.errors import KeyRefused
from rivya_run.journal.events import Uploaded
from rivya_run.models.catalog import load_catalog
from rivya_run.planning.plan import Step
from rivya_run.progress import Event
from rivya_run.project.ledger import Ledger
from rivya_run.storyboard.model import FileFacts, FileReference, UrlReference
from rivya_run.times import iso

pytestmark = pytest.mark.usefixtures("no_threads")

EPOCH = 1_778_500_000.0
CONTENT = b"\x89PNG\r\n\x1a\n a picture"
FILE = FileReference("refs/a.png", 1, 1, "")
URL = UrlReference("https://media/x", "image", 1, 1, "", name="x.png", duration_token="d1")


def uploaded(number: int = 1, **fields: object) -> httpx2.Response:
    """What the API says of a file that it has."""
    return httpx2.Response(200, json={"id": f"file_{number}", "url": f"https://media/up/{number}", **fields})


class Project:
    """A storyboard whose shot ``a`` is made from these references, and an API that answers so."""

    def __init__(self, folder: Path, answers: Sequence[Answer], *references: FileReference | UrlReference):
        self.file = folder / "a.png"
        self.file.write_bytes(CONTENT)
        self.api = MockApi(answers)
        self.stop = Stop()
        self.told: list[Event] = []
        self.past = 0.0
        self.ledger = RunLedger(Ledger(folder, now=lambda: iso(EPOCH - self.past)), "board.yaml")
        self.board = board(shot("a", references=references))
        digest = hashlib.sha256(CONTENT).hexdigest()
        self.facts = {FILE.path: FileFacts(str(self.file), digest, len(CONTENT), 0, "image", "image/png")}
        self.planner = planner(self.board, self.ledger.history, facts=self.facts)

    def resolve(self, *, times: int = 1, step: Step | None = None) -> list[ResolvedReferences | NotResolved]:
        """What comes of so many takes at once."""
        wanted = step or steps(self.planner.plan())["a/1"]
        found: list[ResolvedReferences | NotResolved] = []

        async def body() -> None:
            async with self.api.http() as http, anyio.create_task_group() as group:
                connection = ApiConnection.of(http, self.api.client(http))
                uploader = Uploader(
                    "board", self.ledger, connection, self.stop, lambda: EPOCH, self.told.append
                )
                references = References(self.facts, load_catalog(), self.ledger, self.planner, uploader)

                async def one() -> None:
                    found.append(await references.resolve(wanted, anyio.current_time() + 100))

                for _ in range(times):
                    group.start_soon(one)

        virtual_time.run(body)
        self.ledger.ledger.close()
        return found

    def send_earlier(self, seconds: float) -> None:
        """An earlier run uploaded the file so long ago."""
        self.past = seconds
        digest = self.facts[FILE.path].sha256
        self.ledger.record(
            Uploaded(
                sha256=digest,
                kind="image",
                model=MODEL,
                path=FILE.path,
                mime_type="image/png",
                bytes=len(CONTENT),
                url="https://media/old",
                file_id="file_0",
            )
        )
        self.past = 0.0


def failed(found: list[ResolvedReferences | NotResolved]) -> NotResolved:
    """The only outcome, which is none."""
    [one] = found
    assert isinstance(one, NotResolved)
    return one


def urls(found: list[ResolvedReferences | NotResolved]) -> list[object]:
    """The URLs of what was resolved."""
    return [item["url"] for one in found if isinstance(one, ResolvedReferences) for item in one.media]


def test_references_keep_their_order_and_say_what_they_are(tmp_path: Path) -> None:
    """As the API wants them; what isn't known is left out."""
    project = Project(tmp_path, [uploaded(durationToken="t1")], URL, FILE)
    [found] = project.resolve()
    assert isinstance(found, ResolvedReferences)
    assert list(found.media) == [
        {"url": "https://media/x", "kind": "image", "name": "x.png", "durationToken": "d1"},
        {
            "url": "https://media/up/1",
            "kind": "image",
            "name": "a.png",
            "mimeType": "image/png",
            "durationToken": "t1",
        },
    ]


def test_a_file_is_uploaded_once_for_all_takes(tmp_path: Path) -> None:
    """Those that come meanwhile wait for it; people are told once."""
    project = Project(tmp_path, [uploaded()], FILE)
    assert urls(project.resolve(times=5)) == ["https://media/up/1"] * 5
    assert len(project.api.requests) == 1
    assert [event.name for event in project.told] == ["uploaded"]


@pytest.mark.parametrize(
    ("age", "answer", "url", "asked"),
    [
        (TRUSTED_FOR - 10, uploaded(), "https://media/old", []),
        (TRUSTED_FOR + 10, uploaded(0), "https://media/old", ["GET"]),
        (-TRUSTED_FOR, uploaded(0), "https://media/old", ["GET"]),
    ],
    ids=["young", "old", "from the future"],
)
def test_an_upload_of_an_earlier_run_is_used_while_it_is_there(
    tmp_path: Path, age: float, answer: Answer, url: str, asked: list[str]
) -> None:
    """A young one is trusted; otherwise the API is asked, also where the clock can't tell how old it is."""
    project = Project(tmp_path, [answer], FILE)
    project.send_earlier(age)
    assert urls(project.resolve()) == [url]
    assert [request.method for request in project.api.requests] == asked


def test_an_upload_that_the_api_has_no_more_is_sent_again(tmp_path: Path) -> None:
    """Files there don't last."""
    project = Project(tmp_path, [error(404, "not_found"), uploaded(2)], FILE)
    project.send_earlier(TRUSTED_FOR * 2)
    assert urls(project.resolve()) == ["https://media/up/2"]


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(b"another"), lambda path: path.unlink()], ids=["changed", "gone"]
)
def test_a_file_that_changed_since_the_plan_is_not_sent(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """The take is paid for by its content: nothing is sent, and it fails."""
    project = Project(tmp_path, [uploaded()], FILE)
    change(project.file)
    found = failed(project.resolve())
    assert (found.ending, found.code) == (Ending.FAILED, "upload") and "refs/a.png" in found.message
    assert project.api.requests == []


@pytest.mark.parametrize(
    ("answer", "ending"),
    [(error(400, "validation_failed"), Ending.FAILED), (error(503), Ending.UNFINISHED)],
    ids=["refused", "no answer"],
)
def test_a_refused_upload_fails_and_one_without_an_answer_is_the_next_runs(
    tmp_path: Path, answer: Answer, ending: Ending
) -> None:
    """A refusal would only come again."""
    found = failed(Project(tmp_path, [answer], FILE).resolve())
    assert (found.ending, found.code) == (ending, "upload")


def test_once_creating_has_stopped_nothing_is_uploaded(tmp_path: Path) -> None:
    """It would be for a take that isn't made."""
    project = Project(tmp_path, [uploaded()], FILE)
    project.stop.creating(Ending.UNFINISHED, "somebody said so")
    found = failed(project.resolve())
    assert found.ending is Ending.UNFINISHED and "somebody said so" in found.message
    assert project.api.requests == []


def test_a_refused_key_ends_the_run(tmp_path: Path) -> None:
    """Not only the take."""
    with pytest.raises(ExceptionGroup) as caught:  # of the test's own task group
        Project(tmp_path, [error(401, "api_key_revoked")], FILE).resolve()
    assert caught.group_contains(KeyRefused)


@pytest.mark.parametrize("there", [True, False])
def test_a_parent_is_sent_as_it_was_paid_for_or_not_at_all(tmp_path: Path, there: bool) -> None:
    """A clip that was altered or is missing fails what is made from it."""
    parent, clip = shot("v"), b"clip"
    stored = attempt(parent)
    digest = hashlib.sha256(clip).hexdigest()
    output = replace(stored.outputs[0], bytes=len(clip), sha256=digest, mime_type="image/png")
    path = tmp_path / output.path
    path.parent.mkdir()
    path.write_bytes(clip if there else clip.upper())
    project = Project(tmp_path, [uploaded()])
    project.ledger.ledger.history = history_of(replace(stored, outputs=(output,)))
    project.planner = planner(board(parent, child("a", "v")), project.ledger.history)
    found = project.resolve(step=steps(project.planner.plan())["a/1"])
    if there:
        assert urls(found) == ["https://media/up/1"]
    else:
        assert failed(found).code == "reference" and "was changed" in failed(found).message
