"""What was paid for and came stays, wherever a run died, whatever is asked for afterwards, however bad the server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards import sound
from command_line import in_project, rivya_run
from fault_cases import all_whole, board, misbehaving
from odd_api import odd_api
from projects import Project
from rivya_run.errors import OutputFolderError
from rivya_run.project.names import arriving
from rivya_run.simulator.faults import Rule
from simulation import hosted

EVER_AFTER = tuple(range(2, 1000))


@pytest.fixture
def died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A run ended between the record of a clip and its rename: the only clip lies among the downloads."""
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(1))
        with monkeypatch.context() as patch:
            patch.setattr("rivya_run.engine.arrived.place", _die)
            assert project.run().exit_code == 7
        yield project


def _die(*_: object) -> None:
    raise OutputFolderError("the end")


def downloads(project: Project) -> list[Path]:
    """What lies among the downloads."""
    return sorted((project.folder() / ".arriving").glob("*"))


def paid(project: Project) -> list[Path]:
    """Clips under their names."""
    return sorted(project.folder().glob("s*/*.mp4"))


def words(project: Project, command: str, *options: str) -> tuple[int, str]:
    """Exit code and words of a command that looks."""
    result = rivya_run(command, project.path, *options)
    return result.exit_code, result.stdout


def test_verify_says_where_a_clip_is_that_was_never_put_in_its_place(died: Project) -> None:
    """And what to do about it; clean leaves it alone, plan counts on it."""
    [part] = downloads(died)
    code, said = words(died, "verify")
    assert code == 1
    assert f"is missing; it is in .arriving/{part.name}, and the next run moves it into place" in said
    assert "0 files" in words(died, "clean", "--yes")[1]
    assert downloads(died) == [part]
    assert died.steps()["s01/1"].action.value == "reuse"


@pytest.mark.parametrize("change", ["prompt", "deleted", "renamed", "nothing"])
def test_a_clip_that_nobody_asks_for_any_more_is_put_in_its_place(died: Project, change: str) -> None:
    """By the next run, without a question to anybody about it; then all is there."""
    texts = {
        "prompt": board(1).replace("Shot 1", "Another shot"),
        "deleted": board(2).replace("  - {id: s01, prompt: Shot 1, takes: 1}\n", ""),
        "renamed": board(1).replace("s01", "s07"),
        "nothing": board(1),
    }
    died.write(texts[change])
    fetched = died.simulator.traffic.counts["download"]
    assert in_project(died, died.path).exit_code == 0
    new = change in {"prompt", "deleted"}
    assert died.simulator.traffic.counts["download"] == fetched + new
    assert died.tasks() == 1 + new == len(paid(died))
    assert downloads(died) == []
    assert words(died, "verify")[0] == 0


def test_the_instant_answer_waits_until_all_is_in_its_place(died: Project) -> None:
    """What comes to lie among the downloads after a run that had nothing to do is looked at."""
    assert in_project(died, died.path).exit_code == 0
    assert (died.folder() / ".state").exists()
    [clip] = paid(died)
    other = died.folder() / "s01/mine.mp4"
    clip.rename(other)
    assert in_project(died, died.path).exit_code == 0
    assert paid(died) == [clip]


def test_a_still_of_a_renamed_shot_follows_it_whatever_is_asked_for_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ended before any file of the renamed shot was moved; then both shots were deleted."""
    chain = "id: board\nshots:\n  - {id: s01, prompt: One}\n"
    chain += "  - {id: s02, prompt: Two, references: [{shot: s01, frame: last}]}\n"
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write(chain)
        assert project.run().exit_code == 0
        project.write(chain.replace("s01", "s11").replace("s02", "s12"))
        with monkeypatch.context() as patch:
            patch.setattr("rivya_run.engine.records.move", _die)
            assert project.run().exit_code == 7
        project.write(board(1).replace("s01", "s05"))
        assert project.run().exit_code == 0
        assert words(project, "verify")[0] == 0
        stills = sorted(path.parent.name for path in project.folder().glob("s*/*_last.png"))
        assert stills == ["s11"]


def test_a_still_that_is_missing_is_no_loss(tmp_path: Path) -> None:
    """It is taken out of its clip again by whoever needs it; one that was altered is told."""
    chain = "id: board\nshots:\n  - {id: s01, prompt: One}\n"
    chain += "  - {id: s02, prompt: Two, references: [{shot: s01, frame: last}]}\n"
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write(chain)
        assert project.run().exit_code == 0
        [still] = project.folder().glob("s01/*_last.png")
        content = still.read_bytes()
        still.write_bytes(b"something else")
        assert words(project, "verify")[0] == 1
        still.unlink()
        assert words(project, "verify")[0] == 0
        project.write(chain.replace("Two", "Two anew"))
        assert project.run().exit_code == 0
        assert still.read_bytes() == content
        assert project.tasks() == 3


@pytest.mark.parametrize("known", [True, False], ids=["on record", "of a run that was killed"])
def test_a_still_that_was_altered_is_not_sent(tmp_path: Path, known: bool) -> None:
    """What is made from it is made from the clip's own frame; the altered one is kept beside it."""
    chain = "id: board\nshots:\n  - {id: s01, prompt: One}\n"
    child = "  - {id: s02, prompt: Two, references: [{shot: s01, frame: last}]}\n"
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write(chain + child if known else chain)
        assert project.run().exit_code == 0
        [clip] = project.folder().glob("s01/*.mp4")
        still = clip.with_name(f"{clip.stem}_last.png")
        content = still.read_bytes() if known else b""
        still.write_bytes(b"drawn over")
        project.write(chain + child.replace("Two", "Two anew"))
        assert project.run().exit_code == 0
        assert still.read_bytes().startswith(b"\x89PNG") and (not known or still.read_bytes() == content)
        assert still.with_name(f"{still.stem}.changed.png").read_bytes() == b"drawn over"
        sent = [take["frames"] for take in project.takes()["s01/1"]["outputs"]]
        assert [one["sha256"] for [one] in sent] == [hashlib.sha256(still.read_bytes()).hexdigest()]
        assert words(project, "verify")[0] == 0


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", ["download-404", "download-500"])
def test_a_file_that_cant_be_had_keeps_no_other_of_its_task_from_coming(tmp_path: Path, fault: str) -> None:
    """Whose address may not last until the next run: it is fetched in this one, and stored when its turn comes."""
    first = Rule(fault, subject="*/1", turns=tuple(range(1, 15)))
    with misbehaving(tmp_path, first, files_per_task=2, serves=1) as project:
        project.write(board(1))
        assert project.run(timeout=1.5).exit_code == 1
        [second] = downloads(project)
        assert second.name.endswith("_2.part") and second.stat().st_size == 4096
        assert paid(project) == [] and project.takes()["s01/1"]["outputs"] == []
        assert "0 files" in words(project, "clean", "--yes")[1]
        content = second.read_bytes()
        assert project.run().exit_code == 0
        assert content in [path.read_bytes() for path in paid(project)]
        assert len(paid(project)) == 2 and downloads(project) == [] and project.tasks() == 1
        all_whole(project)


@pytest.mark.usefixtures("hasty")
def test_files_of_a_task_are_stored_in_order_whichever_comes_first(tmp_path: Path) -> None:
    """The first one is there later than the second, whose URL works only once; one run gets both."""
    late = Rule("download-404", subject="*/1", turns=(1, 2))
    with misbehaving(tmp_path, late, files_per_task=2, serves=1) as project:
        project.write(board(2))
        assert project.run().exit_code == 0
        assert len(paid(project)) == 4 and downloads(project) == []
        all_whole(project)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("gone", ["403", "404", "410"])
def test_a_doubtful_clip_whose_url_worked_once_is_kept_with_a_warning(tmp_path: Path, gone: str) -> None:
    """No better one can be had: it stays under its name, nothing is paid again, later runs ask nobody."""
    short = Rule("download-short", turns=(1,))
    with misbehaving(tmp_path, short, Rule(f"download-{gone}", turns=EVER_AFTER)) as project:
        project.write(board(1))
        result = in_project(project, project.path)
        assert result.exit_code == 0
        assert "may not be whole" in result.stderr
        [clip] = paid(project)
        assert clip.stat().st_size == 2048
        assert downloads(project) == []
        assert words(project, "verify")[0] == 0
        asked = len(project.simulator.traffic.requests)
        assert in_project(project, project.path).exit_code == 0
        assert len(project.simulator.traffic.requests) == asked


@pytest.mark.usefixtures("hasty")
def test_a_doubtful_clip_is_here_until_a_better_one_is(tmp_path: Path) -> None:
    """A run that is out of time meanwhile leaves it; clean doesn't list it; the better one takes its place."""
    rules = (Rule("download-short", turns=(1,)), Rule("download-slow", turns=(2, 3)))
    with misbehaving(tmp_path, *rules, slow_seconds=10.0) as project:
        project.write(board(1))
        assert project.run(timeout=1).exit_code == 1
        [kept] = downloads(project)
        assert kept.stat().st_size == 2048
        assert "0 files" in words(project, "clean", "--yes")[1]
        assert project.run(timeout=30).exit_code == 0
        [clip] = paid(project)
        assert clip.stat().st_size == 4096
        assert downloads(project) == []
        assert project.tasks() == 1


@pytest.mark.usefixtures("hasty")
def test_half_a_clip_is_not_taken_for_one_and_not_thrown_away(tmp_path: Path) -> None:
    """Its transfer broke off and the URL is gone: exit 1, what came stays, and is gone on with later."""
    rules = (Rule("download-cut", turns=(1,)), Rule("download-410", turns=tuple(range(2, 16))))
    with misbehaving(tmp_path, *rules, clip_bytes=40_000) as project:
        project.write(board(1))
        assert project.run(timeout=1.5).exit_code == 1
        assert max(path.stat().st_size for path in downloads(project)) == 20_000
        assert project.run().exit_code == 0
        assert [path.stat().st_size for path in paid(project)] == [40_000]
        assert project.tasks() == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("headers", [{}, {"ETag": '"a"'}], ids=["anew", "resumable"])
@pytest.mark.parametrize("kind", ["opus", "mp3", "flac"])
def test_half_a_sound_is_not_taken_for_one_though_nothing_in_it_tells(
    tmp_path: Path, kind: str, headers: dict[str, str]
) -> None:
    """Some formats can be played as far as they came: what broke off is no whole file, whatever it looks like."""
    codec = {"opus": "libopus", "mp3": "libmp3lame", "flac": "flac"}[kind]
    whole = sound(tmp_path / f"whole.{kind}", codec, 3).read_bytes()
    half = whole[: len(whole) * 99 // 100]

    back: list[bool] = []

    def media(path: str, turn: int) -> tuple[int, bytes]:
        return (200, whole) if turn == 1 or back else (410, b"")

    with odd_api(
        tmp_path,
        media=media,
        cut=lambda turn: len(half) if turn == 1 else None,
        headers=headers,
        kind=f"audio/{kind}",
    ) as api:
        api.board()
        assert api.go(timeout=1).exit_code == 1
        assert half in [path.read_bytes() for path in (tmp_path / "outputs/board/.arriving").iterdir()]
        assert "0 files" in api.go(command="clean").stdout
        assert api.go(timeout=1).exit_code == 1
        back.append(True)
        assert api.go().exit_code == 0
        assert api.clips() == [whole]
        assert len(api.tasks) == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("headers", [{}, {"ETag": '"a"'}], ids=["anew", "resumable"])
def test_a_sound_that_was_all_there_when_a_run_was_killed_is_taken(
    tmp_path: Path, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last byte was written, it was not synced yet, and its URL worked only once."""
    whole = sound(tmp_path / "whole.mp3", "libmp3lame", 70).read_bytes()
    assert len(whole) > 1024 * 1024

    def media(path: str, turn: int) -> tuple[int, bytes]:
        return (200, whole) if turn == 1 else (410, b"")

    with odd_api(tmp_path, media=media, headers=headers, kind="audio/mpeg") as api:
        api.board()
        with monkeypatch.context() as patch:
            patch.setattr("rivya_run.provider.partial_file.PartialFile.finish", _die)
            assert api.go(timeout=5).exit_code == 7
        assert api.go(timeout=3).exit_code == 0
        assert api.clips() == [whole]


def test_clean_lists_what_was_left_of_a_download_that_nothing_needs(tmp_path: Path) -> None:
    """Of a file that is under its name, or of no take on record; the beginning of another file is left alone."""
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(1))
        assert project.run().exit_code == 0
        [clip] = paid(project)
        folder = project.folder() / ".arriving"
        folder.mkdir()
        key = project.takes()["s01/1"]["client_request_id"]
        spare = arriving(project.folder(), key, 0)
        lost = folder / "0123456789abcdef_1.part"
        whole = folder / "fedcba9876543210_1.part"
        for path in (spare, spare.with_name(f"{spare.name}.json"), lost):
            path.write_bytes(b"half")
        whole.write_bytes(clip.read_bytes())
        listed = {line.partition("  ")[0] for line in words(project, "clean", "--yes")[1].splitlines()[:-1]}
        assert listed == {f".arriving/{path.name}" for path in (spare, lost)} | {
            f".arriving/{spare.name}.json"
        }
        assert downloads(project) == [whole]


def test_a_copy_is_not_offered_while_it_is_the_only_one(tmp_path: Path) -> None:
    """``.changed`` copies are edits; one that holds the paid bytes of a file that was altered stays."""
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(1))
        assert project.run().exit_code == 0
        [clip] = paid(project)
        copy = clip.with_name(f"{clip.stem}.changed.mp4")
        copy.write_bytes(clip.read_bytes())
        clip.write_bytes(b"edited")
        assert "0 files" in words(project, "clean", "--yes")[1]
        assert copy.exists()
        assert project.run().exit_code == 0
        assert copy.name in words(project, "clean")[1]


@pytest.mark.parametrize("what", ["a folder", "a link to nowhere", "a link to a folder"])
def test_whatever_lies_under_the_name_of_a_clip_is_kept_beside(tmp_path: Path, what: str) -> None:
    """A folder too, with what is in it: no take of the run waits for a person because of it."""
    with hosted() as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(2))
        assert project.run().exit_code == 0
        clip, other = paid(project)
        content = clip.read_bytes()
        clip.unlink()
        other.unlink()
        elsewhere = tmp_path / "elsewhere"
        if what == "a folder":
            clip.mkdir()
            (clip / "mine.txt").write_text("mine")
        else:
            if what == "a link to a folder":
                elsewhere.mkdir()
            clip.symlink_to(elsewhere)
        assert project.run().exit_code == 0
        assert clip.read_bytes() == content and not clip.is_symlink()
        assert other.exists()
        beside = clip.with_name(f"{clip.stem}.changed.mp4")
        assert (beside / "mine.txt").read_text() == "mine" if what == "a folder" else beside.is_symlink()
        assert words(project, "verify")[0] == 0
        assert "0 files" in words(project, "clean", "--yes")[1]


@pytest.mark.usefixtures("hasty")
def test_two_attempts_of_one_take_never_share_a_name(tmp_path: Path) -> None:
    """A colleague's second attempt came with the manifest while the first one here was not fetched yet."""
    with misbehaving(tmp_path, Rule("download-410", turns=tuple(range(1, 15)))) as project:
        project.write(board(1))
        assert project.run(timeout=1.5).exit_code == 1
        path = project.folder() / "manifest.json"
        document = project.manifest()
        take = document["shots"][0]["takes"][0]
        name = f"s01/s01_t01_{take['fingerprint'].removeprefix('sha256:')[:8]}.mp4"
        clip = project.folder() / name
        clip.parent.mkdir(exist_ok=True)
        clip.write_bytes(b"a colleague's")
        key = take["client_request_id"].removesuffix("1") + "2"
        output = {
            "path": name,
            "url": None,
            "bytes": clip.stat().st_size,
            "sha256": hashlib.sha256(clip.read_bytes()).hexdigest(),
            "mime_type": "video/mp4",
        }
        told = {"status": "succeeded", "client_request_id": key, "attempt": 2, "task_id": "task_2"}
        take |= told | {"outputs": [output], "request": take["request"] | {"client_request_id": key}}
        path.write_text(json.dumps(document))
        assert project.run().exit_code == 0
        assert clip.read_bytes() == b"a colleague's"
        assert [one.name for one in paid(project)] == [clip.name, f"{clip.stem}_2.mp4"]
        assert words(project, "verify")[0] == 0
        assert project.tasks() == 1
