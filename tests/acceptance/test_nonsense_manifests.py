"""A committed manifest comes from outside: what makes no sense in it is refused before any of it is recorded."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command_line import in_project
from nonsense import GONE, TEXTS, TOGETHER, WRONG, WRONG_PAST, WRONG_UPLOADS, changed, place_of, text
from projects import Project, png
from rivya_run.journal.events import TakenIn, Uploaded
from rivya_run.journal.store import line_of
from simulation import hosted

BOARD = """
    id: board
    budget: {max_credits: 40}
    shots:
      - {id: a, prompt: PROMPT, references: refs/pack.png}
      - {id: b, prompt: Twice, takes: 2}
"""
MORE = "      - {id: c, prompt: One more}\n"
OURS = {".lock", ".lock-holder"}
COMMANDS = [
    ["run"],
    ["plan"],
    ["status"],
    ["verify"],
    ["clean"],
    ["clean", "--yes"],
    ["report"],
    ["export", "--format", "edl"],
]
BOOKS = pytest.mark.parametrize("books", ["journal", "no journal"])


class Made:
    """A project with 40 of 40 credits spent: three takes, an earlier one in history, an upload."""

    def __init__(self, project: Project, kept: Path) -> None:
        self.project = project
        self._kept = kept
        shutil.copytree(project.folder(), kept)
        self.good = (kept / "manifest.json").read_bytes()
        self.document: dict[str, Any] = json.loads(self.good)
        self.tasks = project.tasks()

    def fresh(self, books: str, manifest: bytes | None) -> None:
        """The folder as the run left it, with or without its journal, and with another manifest."""
        self.project.write(BOARD.replace("PROMPT", "New"))
        folder = self.project.folder()
        shutil.rmtree(folder)
        shutil.copytree(self._kept, folder)
        (folder / ".state").unlink()
        if books != "journal":
            (folder / "journal.jsonl").unlink()
        if manifest is not None:
            (folder / "manifest.json").write_bytes(manifest)

    def files(self) -> dict[str, bytes]:
        """Everything around the project, but for the lock."""
        found = (path for path in self.project.root.parent.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in found if path.name not in OURS}

    def call(self, *words: str) -> Result:
        """A command on the storyboard."""
        return in_project(self.project, words[0], self.project.path, *words[1:])

    def refuses(self, manifest: bytes, books: str, *words: str) -> str:
        """A command ends with exit code 7 and changes nothing; what it says."""
        self.fresh(books, manifest)
        before = self.files()
        requests = len(self.project.simulator.traffic.requests)
        result = self.call(*words)
        assert result.exit_code == 7, result.output
        assert self.files() == before
        assert len(self.project.simulator.traffic.requests) == requests
        return result.stderr

    def is_well(self) -> None:
        """With the good manifest back, a run has nothing to do, and the budget has nothing left."""
        (self.project.folder() / "manifest.json").write_bytes(self.good)
        result = self.call("run")
        assert result.exit_code == 0, result.output
        self.project.write(BOARD.replace("PROMPT", "New") + MORE)
        result = self.call("run")
        assert result.exit_code == 5, result.output
        assert self.project.tasks() == self.tasks


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """One for all: each test starts from a fresh copy of what it made."""
    root = tmp_path_factory.mktemp("nonsense")
    with hosted() as simulator:
        project = Project(root / "around/project", simulator)
        project.reference("refs/pack.png", png("pack"))
        for prompt in ("Old", "New"):
            project.write(BOARD.replace("PROMPT", prompt))
            assert in_project(project, "run", project.path).exit_code == 0
        found = Made(project, root / "kept")
        assert found.document["totals"]["spent_credits"] == 40
        assert len(found.document["history"]) == len(found.document["uploads"]) == 1
        yield found


@BOOKS
@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(*one, id=f"{place_of(one[0])}={one[1]!r:.30}")
        for one in WRONG + WRONG_UPLOADS + WRONG_PAST
    ],
)
def test_what_is_wrong_by_itself_is_refused(made: Made, books: str, path: Any, value: Any) -> None:
    """Exit 7 with line, column, place and reason; nothing is written, asked or spent, and the good one is good."""
    said = made.refuses(text(changed(made.document, path, value)), books, "run")
    place = place_of(path[:-1] if value is GONE else path)
    assert place in said
    assert re.search(r"manifest\.json:\d+:\d+: ", said)
    made.is_well()


@BOOKS
@pytest.mark.parametrize("name", TOGETHER)
def test_what_can_not_be_beside_the_rest_is_refused(made: Made, books: str, name: str) -> None:
    """As above: each word is right, but not together."""
    place, change = TOGETHER[name]
    said = made.refuses(text(change(made.document)), books, "run")
    assert place in said
    assert re.search(r"manifest\.json:\d+:\d+: ", said)
    made.is_well()


@BOOKS
@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_manifest_is_refused(made: Made, books: str, name: str) -> None:
    """As above: no JSON, or JSON that readers don't agree on."""
    assert "manifest.json" in made.refuses(TEXTS[name](made.good), books, "run")
    made.is_well()


@BOOKS
@pytest.mark.parametrize("name", ["manifest.json", "journal.jsonl"])
def test_a_link_to_books_that_are_not_here_is_refused(made: Made, books: str, name: str) -> None:
    """As git-annex leaves one where the content was not fetched: it may know of paid takes."""
    made.fresh(books, made.good)
    path = made.project.folder() / name
    path.unlink(missing_ok=True)
    path.symlink_to(made.project.root / "nowhere")
    before = made.files()
    result = made.call("run")
    assert result.exit_code == 7, result.output
    assert name in result.stderr and "link" in result.stderr
    assert made.files() == before
    assert made.project.tasks() == made.tasks
    path.unlink()
    made.is_well()


@pytest.mark.parametrize("words", [*COMMANDS, ["adopt", "a", "task_x"]], ids=" ".join)
@pytest.mark.parametrize("number", [0, 2, 30, 35, 38], ids=lambda number: place_of(WRONG[number][0]))
def test_every_command_refuses_it(made: Made, words: list[str], number: int) -> None:
    """Also those that only look: what is shown would be as wrong."""
    said = made.refuses(text(changed(made.document, *WRONG[number])), "journal", *words)
    assert place_of(WRONG[number][0]) in said


@BOOKS
def test_the_line_and_column_are_those_of_the_value(made: Made, books: str) -> None:
    """As an editor counts them."""
    wrong = text(changed(made.document, ("shots", 1, "takes", 1, "task_id"), ["x"]))
    line = next(n for n, one in enumerate(wrong.splitlines(), start=1) if one.endswith(b'"task_id": ['))
    column = wrong.splitlines()[line - 1].index(b"[") + 1
    assert f"manifest.json:{line}:{column}: " in made.refuses(wrong, books, "run")


@BOOKS
def test_a_higher_version_is_refused(made: Made, books: str) -> None:
    """Its meaning isn't guessed at."""
    said = made.refuses(text(made.document | {"version": 2}), books, "run")
    assert "newer version" in said


@BOOKS
@pytest.mark.parametrize(
    "path", [(), ("storyboard",), ("shots", 0), ("shots", 0, "takes", 0), ("uploads", 0), ("history", 0)]
)
def test_words_of_a_newer_program_are_kept(made: Made, books: str, path: Any) -> None:
    """They are read past, and stand in what this program writes, whatever they say."""
    later = {"since": "v9", "texts": ["x" * 5000], "deep": {"a": [1.5, None, {}]}}
    made.fresh(books, text(changed(made.document, (*path, "later"), later)))
    assert made.call("run").exit_code == 0
    at: Any = json.loads((made.project.folder() / "manifest.json").read_bytes())
    for step in path:
        at = at[step]
    assert at["later"] == later
    assert made.project.tasks() == made.tasks


@BOOKS
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("shots", 0, "takes", 0, "error"), {"code": "odd", "message": "x" * 5000, "request_id": None}),
        (("shots", 0, "takes", 0, "outputs", 0, "codec"), {"name": "?"}),
        (("shots", 0, "notes"), "\x1b[31mred"),
        (("storyboard", "path"), "gone/elsewhere.yaml"),
        (("shots", 0, "takes", 0, "attempts"), GONE),
        (("updated_at",), "some day"),
    ],
)
def test_what_is_only_odd_is_harmless(made: Made, books: str, path: Any, value: Any) -> None:
    """Exit 0, and nothing is paid for."""
    made.fresh(books, text(changed(made.document, path, value)))
    assert made.call("run").exit_code == 0
    made.is_well()


def test_credits_that_are_missing_are_seen_by_the_sum(made: Made) -> None:
    """A clone has nothing but the manifest: takes that cost less than all of it did can't undo a budget."""
    for path in (("shots", 1, "takes", 0, "final_credits"), ("history", 0, "final_credits")):
        said = made.refuses(text(changed(made.document, path, 0.001)), "no journal", "run")
        assert "totals.spent_credits" in said
    said = made.refuses(text(made.document | {"history": []}), "no journal", "run")
    assert "some are missing" in said
    made.is_well()


def test_a_manifest_takes_back_nothing_that_the_journal_knows_was_spent(tmp_path: Path) -> None:
    """It says that the task failed for nothing, the journal knows of 10 credits: the API is asked, and has it."""
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write("id: board\nbudget: {max_credits: 10}\nshots: [{id: a, prompt: One}]\n")
        assert in_project(project, "run", project.path).exit_code == 0
        journal = project.folder() / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        until = next(n for n, line in enumerate(lines) if b'"event":"created"' in line)
        journal.write_bytes(b"".join(lines[: until + 1]))
        document = project.manifest()
        error = {"code": "generation_failed", "message": "no", "request_id": None}
        document["shots"][0]["takes"][0] |= {
            "status": "failed",
            "reserved_credits": 0,
            "final_credits": 0,
            "outputs": [],
            "error": error,
        }
        document["totals"]["spent_credits"] = 0
        (project.folder() / "manifest.json").write_bytes(text(document))
        (project.folder() / ".state").unlink()
        assert in_project(project, "run", project.path, "--retry-failed").exit_code == 0
        assert project.tasks() == 1
        assert project.manifest()["totals"]["spent_credits"] == 10


def poisoned(made: Made, *events: TakenIn | Uploaded) -> None:
    """The journal has taken these in, as versions did that recorded before they judged."""
    journal = made.project.folder() / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
    number = len(lines)
    for event in events:
        number += 1
        lines.append(line_of(number, "2026-05-11T00:00:00.000Z", event))
    journal.write_bytes(b"".join(lines))


POISON = [one for one in WRONG if one[0][:4] == ("shots", 0, "takes", 0) and len(one[0]) > 4]


@BOOKS
@pytest.mark.parametrize(
    ("path", "value"), [pytest.param(*one, id=f"{place_of(one[0])}={one[1]!r:.30}") for one in POISON]
)
def test_a_journal_that_took_nonsense_in_is_well_again(made: Made, books: str, path: Any, value: Any) -> None:
    """With the good manifest back a run ends well, pays for nothing and keeps the budget."""
    wrong = changed(made.document, path, value)["shots"][0]["takes"][0]
    made.fresh(books, None)
    poisoned(made, TakenIn(key=str(wrong.get("client_request_id")), shot="a", entry=wrong))
    made.is_well()


@pytest.mark.parametrize("value", ["../../x", "journal.jsonl", "manifest.json"])
def test_nonsense_in_a_journal_alone_pays_for_nothing(made: Made, value: str) -> None:
    """Without any manifest: the task of such an entry is asked for again, its file fetched, and that is told."""
    takes = [take for shot in made.document["shots"] for take in shot["takes"]]
    shots = ["a", "b", "b"]
    wrong = [changed(take, ("outputs", 0, "path"), value) for take in takes]
    made.fresh("no journal", None)
    (made.project.folder() / "manifest.json").unlink()
    poisoned(
        made,
        *(
            TakenIn(key=one["client_request_id"], shot=shot, entry=one)
            for shot, one in zip(shots, wrong, strict=True)
        ),
        Uploaded(
            sha256="x",
            kind="image",
            model="m",
            path="refs/pack.png",
            mime_type=None,
            bytes=-5,
            url="nonsense",
        ),
    )
    result = made.call("run")
    assert result.exit_code == 0, result.output
    assert "makes no sense" in result.stderr + result.stdout
    assert made.project.tasks() == made.tasks
    assert made.call("verify").exit_code == 0


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for step, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(one, (*path, step))


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, 0, 1, -1, 2, 99, 100, 0.001, 1e9, 10**400, "", "a", "b", "zz", "..", "\0", "\ud800"),
        *("x" * 5000, [], [[]], {}, {"a": {}}, GONE, "failed", "unknown", "pending", "sent", "planned"),
        *("a/b.mp4", "B/B.mp4", "../x", "manifest.json", "https://127.0.0.1:9/x", "2026-05-11T00:00:00Z"),
    ]
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(data=st.data(), books=st.sampled_from(["journal", "no journal"]), count=st.integers(1, 3))
def test_whatever_it_says_nothing_is_lost_or_paid_again(
    made: Made, data: st.DataObject, books: str, count: int
) -> None:
    """A good manifest changed at random places: no traceback, nothing outside; refused, nothing happened at all."""
    document = made.document
    for _ in range(count):
        path = data.draw(st.sampled_from(list(leaves(document))), label="path")
        document = changed(document, path, data.draw(ODD, label="value"))
    made.fresh(books, text(document))
    before = made.files()
    result = made.call("run")
    folder = str(made.project.folder())
    if result.exit_code == 7:
        assert made.files() == before
    outside = {name: content for name, content in made.files().items() if not name.startswith(folder)}
    assert outside == {name: content for name, content in before.items() if not name.startswith(folder)}
    assert {name for name in before if name.endswith(".mp4")} <= made.files().keys()
    for words in COMMANDS[1:]:
        made.call(*words)
    (made.project.folder() / "manifest.json").write_bytes(made.good)
    assert made.call("run").exit_code == 0
    assert made.project.tasks() == made.tasks
