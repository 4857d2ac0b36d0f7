"""One contract for every home of files: the output folder alone, an object store that is a folder, and S3."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from examples import attempt, shot
from object_stores import S3, content, put
from rivya_run.errors import ObjectStoreError, UsageError
from rivya_run.journal.attempt import Attempt, AttemptState, Output
from rivya_run.json_types import Json
from rivya_run.project.home import FolderHome, StoreHome, home_of
from rivya_run.project.object_store import ObjectStore
from rivya_run.project.outputs import CHANGED, MISSING, carry_out, move, outstanding, place

Opening = Callable[[], FolderHome]


def digest(some: bytes) -> str:
    """sha256 (hex) of some bytes."""
    return hashlib.sha256(some).hexdigest()


def output(path: str, some: bytes) -> Output:
    """The record of a file."""
    return Output(path, None, len(some), digest(some), "video/mp4")


def made(*outputs: Output) -> Attempt:
    """An attempt with these files on record, at a take of the shot whose folder they are in."""
    return attempt(shot(outputs[0].path.partition("/")[0]), outputs=outputs)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """A server for all tests of the module."""
    found = S3()
    yield found
    found.stop()


@pytest.fixture(params=["folder", "file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """What ``--outputs`` says; None for the folder alone."""
    if request.param == "folder":
        return None
    if request.param == "file":
        (tmp_path / "store").mkdir()
        return (tmp_path / "store").as_uri()
    s3: S3 = request.getfixturevalue("s3")
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3.bucket}/{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}/some clips"


@pytest.fixture
def opening(url: str | None, tmp_path: Path) -> Opening:
    """Opens the home anew, as the next process does."""
    folder = tmp_path / "outputs" / "board"
    folder.mkdir(parents=True)
    return lambda: home_of(folder, url, simulate=False)


def stored(home: FolderHome, one: Output, some: bytes, *owned: str) -> Output:
    """Store a file as a run does; its record, under the name that it got."""
    part = home.folder / ".arriving" / "part"
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(some)
    one = replace(one, path=home.secure(part, one, owned))
    target = home.folder / one.path
    target.parent.mkdir(parents=True, exist_ok=True)
    place(part, target, one.sha256)
    return one


def brought_up(home: FolderHome, *attempts: Attempt) -> None:
    """What every run does first."""
    for found in outstanding(home.folder, attempts):
        carry_out(home.folder, found)
    home.catch_up(attempts)


def test_what_was_stored_is_there_for_the_next_process(opening: Opening) -> None:
    """By its record, and in the folder once it is asked for; a second time it is the same file."""
    one = stored(opening(), output("a/a_t01_00000000.mp4", b"paid"), b"paid")
    assert one.path == "a/a_t01_00000000.mp4"
    assert stored(opening(), one, b"paid").path == one.path
    home = opening()
    assert home.trouble(one) is None
    assert home.verify(one.path, 4, digest(b"paid"), thorough=True) is None
    assert home.fetched(one) is None
    assert (home.folder / one.path).read_bytes() == b"paid"


def test_what_was_never_stored_is_missing(opening: Opening) -> None:
    """Whoever asks."""
    home, one = opening(), output("a/a_t01_00000000.mp4", b"paid")
    assert home.trouble(one) == home.fetched(one) == home.verify(one.path, 4, one.sha256) == MISSING


def test_another_file_under_the_name_is_never_overwritten(opening: Opening, tmp_path: Path) -> None:
    """What came is stored beside it, or it is kept beside what came; both are there whole."""
    home = opening()
    first = stored(home, output("a/a_t01_00000000.mp4", b"one"), b"one")
    second = stored(home, output("a/a_t01_00000000.mp4", b"other"), b"other")
    third = stored(opening(), output("a/a_t01_00000000.mp4", b"3"), b"3", "a/a_t01_00000000_3.mp4")
    home = opening()
    assert home.fetched(third) is None
    here = {path.read_bytes() for path in home.folder.rglob("*") if path.is_file()}
    assert here == {b"one", b"other", b"3"}
    if isinstance(home, StoreHome):
        assert [one.path[2:] for one in (first, second, third)] == [
            "a_t01_00000000.mp4",
            "a_t01_00000000_2.mp4",
            "a_t01_00000000_4.mp4",  # 3 is another's by the records
        ]
        assert set(home.objects()) == {first.path, second.path, third.path}


def test_what_is_removed_is_gone(opening: Opening) -> None:
    """Its folder too, and removing it again does nothing."""
    home = opening()
    one = stored(home, output("a/a_t01_00000000.mp4", b"paid"), b"paid")
    home.remove(one.path)
    home.remove(one.path)
    home = opening()
    assert home.trouble(one) == MISSING
    assert not (home.folder / "a").exists()
    assert not home.objects()


@pytest.mark.parametrize("moved", [False, True], ids=["killed-before-the-move", "moved"])
def test_a_renamed_file_is_under_its_new_name_alone(opening: Opening, *, moved: bool) -> None:
    """Also when the run that put the rename on record was killed right after it."""
    home = opening()
    one = stored(home, output("a/a_t01_00000000.mp4", b"paid"), b"paid")
    new = replace(one, path="b/b_t01_00000000.mp4")
    if moved:
        move(home.folder, one.path, new.path)
    brought_up(opening(), made(new))
    home = opening()
    assert home.trouble(new) is None
    assert home.trouble(one) == MISSING
    assert (home.folder / new.path).read_bytes() == b"paid"


def test_a_changed_file_is_told(opening: Opening, url: str | None, tmp_path: Path) -> None:
    """Another content of the same size only where it is read; what is there stays."""
    home = opening()
    one = stored(home, output("a/a_t01_00000000.mp4", b"paid"), b"paid")
    if url is None:
        (home.folder / one.path).write_bytes(b"fake")
    else:
        (home.folder / one.path).unlink()
        put(url, f"board/{one.path}", b"fake", tmp_path)
    home = opening()
    assert (home.verify(one.path, 4, one.sha256, thorough=True) or "").startswith(CHANGED)
    assert (home.fetched(one) or "").startswith(CHANGED)
    if url is not None:
        put(url, f"board/{one.path}", b"longer", tmp_path)
        assert (opening().trouble(one) or "").startswith(CHANGED)
        assert (opening().verify(one.path, 4, one.sha256) or "").startswith(CHANGED)


# What follows is about object stores alone.


@pytest.fixture
def store(url: str | None) -> str:
    """The URL of an object store."""
    if url is None:
        pytest.fail("asked for without a store")
    return url


in_stores = pytest.mark.parametrize("url", ["file", "s3"], indirect=True)


@in_stores
def test_an_emptied_cache_is_filled_again_when_a_file_is_needed(opening: Opening, tmp_path: Path) -> None:
    """An edited copy that lies there is kept beside it; nothing half is ever under a name."""
    home = opening()
    one = replace(stored(home, output("a/a_t01_00000000.mp4", b"paid"), b"paid"), mtime_ns=10**18)
    file = home.folder / one.path
    file.unlink()
    assert home.trouble(one) is None
    assert home.fetched(one) is None
    assert file.stat().st_mtime_ns == 10**18
    file.write_bytes(b"edited")
    assert home.trouble(one) is None
    assert home.fetched(one) is None
    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == {
        "a_t01_00000000.mp4": b"paid",
        "a_t01_00000000.changed.mp4": b"edited",
    }


@in_stores
def test_a_rename_is_finished_though_the_cache_is_empty(opening: Opening, store: str, tmp_path: Path) -> None:
    """The record is all that tells of it: the file is known by its content, a still of it as well."""
    home = opening()
    clip = stored(home, output("a/a_t01_00000000.mp4", b"paid"), b"paid")
    still = stored(home, output("a/a_t01_00000000_last.png", b"frame"), b"frame")
    frame: dict[str, Json] = {
        "frame": "last",
        "path": "b/b_t01_00000000_last.png",
        "sha256": still.sha256,
        "bytes": 5,
    }
    new = replace(clip, path="b/b_t01_00000000.mp4", media={"frames": [frame]})
    for path in (clip.path, still.path):
        (home.folder / path).unlink()
    assert set(opening().misnamed([made(new)])) == {"b/b_t01_00000000.mp4", "b/b_t01_00000000_last.png"}
    brought_up(opening(), made(new))
    assert content(store, "board", tmp_path) == {
        "b/b_t01_00000000.mp4": b"paid",
        "b/b_t01_00000000_last.png": b"frame",
    }


@in_stores
def test_a_rename_that_was_killed_before_the_old_name_went_is_finished(
    opening: Opening, store: str, tmp_path: Path
) -> None:
    """Only what has the very content and is called as we call files is removed."""
    old = stored(opening(), output("a/a_t01_00000000.mp4", b"paid"), b"paid")
    new = stored(opening(), output("b/b_t01_00000000.mp4", b"paid"), b"paid")
    put(store, "board/notes.mp4", b"paid", tmp_path)
    put(store, "board/c/c_t01_00000000.mp4", b"mine", tmp_path)
    brought_up(opening(), made(new))
    assert set(content(store, "board", tmp_path)) == {new.path, "notes.mp4", "c/c_t01_00000000.mp4"}
    assert old.path not in opening().objects()


@in_stores
def test_what_is_only_here_is_put_there(opening: Opening, store: str, tmp_path: Path) -> None:
    """As when a project begins to use a store; what was edited here or removed isn't."""
    folder = opening().folder
    paid, edited, gone = (output(f"a/a_t01_{number}.mp4", b"paid") for number in range(3))
    (folder / "a").mkdir()
    for one in (paid, edited, gone):
        (folder / one.path).write_bytes(b"edit" if one is edited else b"paid")
    brought_up(opening(), made(paid, edited, replace(gone, removed=True)))
    assert content(store, "board", tmp_path) == {paid.path: b"paid"}


@in_stores
def test_something_else_under_a_name_on_record_is_told_and_stays(
    opening: Opening, store: str, tmp_path: Path
) -> None:
    """The run ends before anything is done: a person moves it away."""
    folder, one = opening().folder, output("a/a_t01_00000000.mp4", b"paid")
    (folder / "a").mkdir()
    (folder / one.path).write_bytes(b"paid")
    put(store, f"board/{one.path}", b"somebody else's", tmp_path)
    home = opening()
    assert home.trouble(one) is None, "it is here, and nothing is to be fetched from the API"
    with pytest.raises(ObjectStoreError, match=r"a/a_t01_00000000\.mp4: something else is under this name"):
        brought_up(home, made(one))
    assert content(store, "board", tmp_path) == {one.path: b"somebody else's"}


def test_a_store_that_has_and_has_not_a_name_is_given_up(tmp_path: Path) -> None:
    """No name after another is tried."""

    class Odd(ObjectStore):
        def sizes(self, below: str) -> dict[str, int]:
            return {}

        def create(self, key: str, file: Path, sha256: str, mime_type: str | None) -> bool:
            return False

        def sha256(self, key: str, *, read: bool = False) -> str | None:
            return None

    home = StoreHome(tmp_path, Odd(tmp_path.as_uri()), "board")
    with pytest.raises(ObjectStoreError, match="though nothing has this name"):
        stored(home, output("a/a_t01_00000000.mp4", b"paid"), b"paid")


@in_stores
def test_the_manifest_is_the_one_object_that_is_replaced(
    opening: Opening, store: str, tmp_path: Path
) -> None:
    """It is none of the files."""
    home = opening()
    home.publish()
    assert content(store, "board", tmp_path) == {}
    for text in (b"one", b"two"):
        (home.folder / "manifest.json").write_bytes(text)
        home.publish()
    assert content(store, "board", tmp_path) == {"manifest.json": b"two"}
    assert opening().objects() == {}


def test_attempts_that_are_not_stored_yet_are_caught_up_with(opening: Opening) -> None:
    """The files that a killed run put on record are, whatever is still to come of the attempt."""
    home = opening()
    one = stored(home, output("a/a_t01_00000000.mp4", b"paid"), b"paid")
    brought_up(opening(), replace(made(one), state=AttemptState.FINISHED))
    assert opening().trouble(one) is None


def test_a_program_that_names_no_place_is_told(tmp_path: Path) -> None:
    """Options in Python are not judged by the command line."""
    with pytest.raises(UsageError, match="outputs: 'ftp://x' is no object store that is known"):
        home_of(tmp_path, "ftp://x", simulate=False)


def test_simulated_results_stay_in_their_folder(tmp_path: Path) -> None:
    """Whatever ``--outputs`` says."""
    assert type(home_of(tmp_path, "s3://bucket/prefix", simulate=True)) is FolderHome
