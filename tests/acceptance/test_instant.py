"""A rerun that has nothing to do is answered from ``.state``, and never otherwise than the long way would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import boards
from command_line import in_project, rivya_run
from projects import Project, png
from rivya_run.cli.instant import TABLES, answer
from simulation import KEY, hosted

BOARD = """
id: teaser
include: cast/cast.yaml
sound: [{file: art/none.wav}, {file: art/tone.wav}]
shots:
  - id: a
    prompt: The first
    references: refs/pack.png
    params: {aspect_ratio: 16:9}
  - {id: b, prompt: The second, takes: 2}
  - {id: c, prompt: Left out, skip: true}
"""


@dataclass
class Ground:
    """A finished project, and the command that is given in it next."""

    root: Path
    environment: dict[str, str]
    words: list[str] = field(default_factory=lambda: ["board.yaml"])

    @property
    def board(self) -> Path:
        """The storyboard."""
        return self.root / "board.yaml"

    @property
    def outputs(self) -> Path:
        """The output folder."""
        return self.root / "outputs" / "teaser"

    def clip(self) -> Path:
        """The file of the first take."""
        return next(self.outputs.glob("a/*.mp4"))

    def instant(self) -> str | None:
        """What is answered at once."""
        return answer(self.words, self.environment)

    def long_way(self) -> str:
        """What the long way prints, all being there."""
        found = rivya_run(*self.words, **self.environment)
        assert found.exit_code == 0, found.output
        return found.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A project in which everything is made, and a server that nobody should ask again."""
    root = tmp_path_factory.mktemp("finished")
    with hosted() as simulator:
        project = Project(root, simulator)
        (root / "board.yaml").write_text(BOARD, encoding="utf-8")
        project.reference("refs/pack.png", png("pack"))
        project.reference("cast/cast.yaml", b"vars: {a: 1}\n")
        boards.sound(root / "art/tone.wav", "pcm_s16le")
        assert in_project(project, root / "board.yaml").exit_code == 0
        yield Ground(root, {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": simulator.base_url})


@pytest.fixture
def ground(finished: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """A copy of it to spoil, in which the long way has left its state."""
    return copied(finished, tmp_path / "copy", monkeypatch)


def copied(finished: Ground, to: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """The same elsewhere, with old files, as a project that rests has."""
    shutil.copytree(finished.root, to)
    for file in to.rglob("*"):
        if file.is_file():
            os.utime(file, ns=(1_700_000_000_000_000_000, file.stat().st_mtime_ns))
    monkeypatch.chdir(to)
    monkeypatch.setattr("rivya_run.cli.rerun_cache.TICK", -(10**12))  # files made just now count as old
    copy = Ground(to, dict(finished.environment))
    copy.long_way()
    return copy


def rewritten(path: Path, change: Callable[[bytes], bytes], *, secretly: bool = False) -> None:
    """Change a file's bytes; ``secretly`` puts its time back."""
    before = path.stat()
    path.write_bytes(change(path.read_bytes()))
    if secretly:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        os.utime(path, ns=(before.st_atime_ns, path.stat().st_mtime_ns + 1))


def touched(path: Path) -> None:
    """Another time, the same bytes."""
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1_000_000_007))


def flipped(content: bytes) -> bytes:
    """As long, but another content."""
    return content[:-1] + bytes([content[-1] ^ 1])


def with_table(table: Path) -> None:
    """A table of the project's own."""
    table.parent.mkdir(exist_ok=True)
    table.write_text("id: mine\n", encoding="utf-8")


EDITS: dict[str, Callable[[Ground], object]] = {
    "nothing": lambda ground: None,
    "prompt": lambda ground: rewritten(ground.board, lambda old: old.replace(b"first", b"other")),
    "comment": lambda ground: rewritten(ground.board, lambda old: old + b"# a comment\n"),
    "prompt, secretly": lambda ground: rewritten(
        ground.board, lambda old: old.replace(b"first", b"frist"), secretly=True
    ),
    "id": lambda ground: rewritten(ground.board, lambda old: old.replace(b"id: teaser", b"id: other")),
    "budget": lambda ground: rewritten(ground.board, lambda old: old + b"budget: {max_credits: 1}\n"),
    "board touched": lambda ground: touched(ground.board),
    "board elsewhere": lambda ground: (
        ground.board.rename(ground.root / "new.yaml"),
        ground.words.__setitem__(0, "new.yaml"),
    ),
    "reference": lambda ground: rewritten(ground.root / "refs/pack.png", flipped),
    "reference, secretly": lambda ground: rewritten(ground.root / "refs/pack.png", flipped, secretly=True),
    "reference touched": lambda ground: touched(ground.root / "refs/pack.png"),
    "reference gone": lambda ground: (ground.root / "refs/pack.png").unlink(missing_ok=True),
    "include": lambda ground: rewritten(ground.root / "cast/cast.yaml", lambda old: old + b"# edited\n"),
    "include, secretly": lambda ground: rewritten(
        ground.root / "cast/cast.yaml", lambda old: old.replace(b"1", b"2"), secretly=True
    ),
    "include gone": lambda ground: (ground.root / "cast/cast.yaml").unlink(missing_ok=True),
    "sound": lambda ground: rewritten(ground.root / "art/tone.wav", flipped, secretly=True),
    "sound gone": lambda ground: (ground.root / "art/tone.wav").unlink(missing_ok=True),
    "sound there": lambda ground: shutil.copy(ground.root / "art/tone.wav", ground.root / "art/none.wav"),
    "clip": lambda ground: rewritten(ground.clip(), flipped),
    "clip longer": lambda ground: rewritten(ground.clip(), lambda old: old + b"x", secretly=True),
    "clip touched": lambda ground: touched(ground.clip()),
    "clip gone": lambda ground: ground.clip().unlink(),
    "manifest": lambda ground: rewritten(ground.outputs / "manifest.json", lambda old: old + b" "),
    "manifest gone": lambda ground: (ground.outputs / "manifest.json").unlink(missing_ok=True),
    "journal longer": lambda ground: rewritten(
        ground.outputs / "journal.jsonl", lambda old: old + b'{"n": 999', secretly=True
    ),
    "journal gone": lambda ground: (ground.outputs / "journal.jsonl").unlink(missing_ok=True),
    "state gone": lambda ground: (ground.outputs / ".state").unlink(missing_ok=True),
    "state garbage": lambda ground: (ground.outputs / ".state").write_bytes(b"\xff\x00 no state"),
    "state cut": lambda ground: rewritten(ground.outputs / ".state", lambda old: old[: len(old) // 2]),
    "state edited": lambda ground: rewritten(
        ground.outputs / ".state", lambda old: old.replace(b"3 takes", b"9 takes")
    ),
    "table": lambda ground: with_table(ground.root / "models" / "mine.yaml"),
    "another root": lambda ground: (ground.root / ".git").mkdir(exist_ok=True),
    "simulate": lambda ground: ground.words.append("--simulate"),
    "quiet": lambda ground: ground.words.extend(["--progress", "none"]),
    "plain": lambda ground: ground.words.append("--progress=plain"),
    "at once": lambda ground: ground.words.extend(["--concurrency", "3"]),
    "by name": lambda ground: ground.words.insert(0, "run"),
    "strict": lambda ground: ground.words.append("--strict"),
    "only": lambda ground: ground.words.extend(["--only", "a"]),
    "another place": lambda ground: ground.words.append("--outputs=elsewhere"),
    "from here": lambda ground: ground.words.__setitem__(0, f"./{ground.words[0]}"),
    "environment": lambda ground: ground.environment.update(RIVYA_RUN_ONLY="a"),
    "another origin": lambda ground: ground.environment.update(RIVYA_BASE_URL="https://rivya.ai"),
    "another key": lambda ground: ground.environment.update(RIVYA_API_KEY="rvya_sk_other"),
}

SEEN_THROUGH = {"nothing", "board touched", "another root", "quiet", "plain", "at once", "by name"}
SEEN_THROUGH |= {"from here", "another key"}
"""Edits after which there is still nothing to do, and the state says so."""


@pytest.mark.parametrize("name", EDITS)
def test_after_any_edit_the_answer_is_the_long_ones_or_none(ground: Ground, name: str) -> None:
    """What is answered at once is word for word what would have been printed."""
    if name == "simulate":
        pytest.importorskip("uvicorn")
    EDITS[name](ground)
    found = ground.instant()
    assert (found is not None) == (name in SEEN_THROUGH)
    if found is not None:
        assert found == ground.long_way()


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_after_several_edits_too(
    finished: Ground, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever comes together."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        ground = copied(finished, tmp_path_factory.mktemp("edited") / "copy", monkeypatch)
        names = data.draw(st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=4, unique=True))
        for name in names:
            if name.startswith("clip") and not list(ground.outputs.glob("a/*.mp4")):
                continue
            if name.startswith(("board", "prompt", "comment", "id", "budget")) and not ground.board.exists():
                continue
            if not (ground.root / "refs/pack.png").exists() and name.startswith("reference"):
                continue
            if name.startswith(("journal longer", "manifest", "state")) and not ground.outputs.exists():
                continue
            try:
                EDITS[name](ground)
            except FileNotFoundError:
                continue
        found = ground.instant()
        if found is not None:
            assert found == ground.long_way()


def test_the_state_follows_every_long_way(ground: Ground) -> None:
    """Once the long way has found that a touched clip is the same as ever, the next answer is at once."""
    touched(ground.clip())
    assert ground.instant() is None
    ground.long_way()
    assert ground.instant() is not None


def test_advice_is_repeated(finished: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is advised about a storyboard is told by every run, at once or not, as long as it is named alike."""
    ground = copied(finished, tmp_path / "copy", monkeypatch)
    found = ground.instant()
    assert found is not None and "ratio-mismatch" in found
    assert found == ground.long_way()
    ground.words = [str(ground.board)]
    assert ground.instant() is None


def test_an_unfinished_project_is_not_answered_at_once(ground: Ground) -> None:
    """With a take still to be made there is no answer but the run."""
    rewritten(ground.board, lambda old: old.replace(b"takes: 2", b"takes: 3"))
    assert ground.instant() is None


def test_the_program_itself_answers_at_once(ground: Ground) -> None:
    """The same words on standard error, exit code 0, and neither click nor the YAML reader is imported."""
    expected = ground.instant()
    script = (
        "import sys, rivya_run.__main__ as program\n"
        "sys.argv[1:] = ['board.yaml']\n"
        "program.main()\n"
        "heavy = {'click', 'yaml', 'httpx2', 'anyio', 'json', 'pathlib', 'dataclasses'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **ground.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (found.returncode, found.stderr) == (0, expected)


def test_it_looks_at_the_tables_that_count() -> None:
    """The built-in tables are part of what a state was made from: an edited one is noticed."""
    assert sorted(Path(TABLES).glob("*.yaml"))
