"""The journal: sealed lines, read back as they were written; any torn tail is cut, any other damage stops."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import types
import typing
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import NOW
from rivya_run.errors import FolderGone, ForeignFolder, JournalDamaged, OutputFolderError
from rivya_run.journal.events import Entry, JournalEvent, RunStarted, Withdrawn
from rivya_run.journal.store import Journal, first_entry, line_of, read_journal

KINDS: tuple[type[JournalEvent], ...] = typing.get_args(JournalEvent)
TEXT = st.text(max_size=20) | st.just("\udcff is no text")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PARENTS = st.lists(st.tuples(TEXT, st.integers(1, 9), TEXT), max_size=2).map(tuple)
BOARDS = st.lists(st.tuples(TEXT, TEXT, st.integers(1, 9), TEXT), max_size=2).map(tuple)


def _values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type."""
    if isinstance(hint, types.UnionType):
        return st.one_of(*(_values(one) for one in typing.get_args(hint)))
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT,
        int: st.integers(-(2**60), 2**60),
        float: st.floats(0, 1e9, allow_nan=False) | st.integers(0, 10**9),
        type(None): st.none(),
        tuple[str, ...]: st.lists(TEXT, max_size=3).map(tuple),
        tuple[Mapping[str, Any], ...]: st.lists(st.dictionaries(TEXT, JSON, max_size=3), max_size=2).map(
            tuple
        ),
        tuple[int, ...]: st.lists(st.integers(0, 9), max_size=3).map(tuple),
        tuple[tuple[str, int, str], ...]: PARENTS,
        tuple[tuple[str, str, int, str], ...]: BOARDS,
    }
    return simple.get(hint, st.dictionaries(TEXT, JSON if "Json" in str(hint) else TEXT, max_size=3))


@st.composite
def events(draw: st.DrawFn) -> JournalEvent:
    """Any event of any kind."""
    kind = draw(st.sampled_from(KINDS))
    hints = typing.get_type_hints(kind)
    values = {field.name: draw(_values(hints[field.name])) for field in msgspec.structs.fields(kind)}
    return kind(**values)


def _lines(found: Sequence[JournalEvent]) -> list[bytes]:
    return [line_of(number, NOW, event) for number, event in enumerate(found, start=1)]


def _read(content: bytes) -> tuple[list[Entry], int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.jsonl")
        path.write_bytes(content)
        return read_journal(path)


@given(st.lists(events(), max_size=6))
@settings(max_examples=150)
def test_what_is_written_is_read_back(found: list[JournalEvent]) -> None:
    """Every kind of event, with any text and any numbers."""
    content = b"".join(_lines(found))
    entries, size = _read(content)
    assert [entry.event for entry in entries] == found
    assert size == len(content)


@given(st.lists(events(), min_size=1, max_size=5), st.data())
@settings(max_examples=150)
def test_any_torn_tail_leaves_a_prefix(found: list[JournalEvent], data: st.DataObject) -> None:
    """Cut anywhere, with or without blank blocks behind it: what was whole is read, nothing else."""
    lines = _lines(found)
    content = b"".join(lines)
    cut = data.draw(st.integers(0, len(content)))
    blank = b"\0" * data.draw(st.integers(0, 40))
    whole, left = 0, cut
    for line in lines:
        if left < len(line):
            break
        whole, left = whole + 1, left - len(line)
    entries, size = _read(content[:cut] + blank)
    kept = len(entries)
    # A line that lacks only its end is whole, unless blanks stand where its end should be.
    assert kept in {whole, whole + 1}
    if kept == whole + 1:
        assert left == len(lines[whole]) - 1 and not blank
    assert size <= cut
    assert [entry.event for entry in entries] == found[:kept]


@given(st.lists(events(), min_size=2, max_size=5), st.data())
@settings(max_examples=150)
def test_a_changed_byte_before_the_last_line_is_never_passed_over(
    found: list[JournalEvent], data: st.DataObject
) -> None:
    """Any byte of any earlier line: the journal is refused, with the number of the line."""
    lines = _lines(found)
    before_last = sum(len(line) for line in lines[:-1])
    at = data.draw(st.integers(0, before_last - 1))
    content = bytearray(b"".join(lines))
    content[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((JournalDamaged, ForeignFolder)) as caught:
        _read(bytes(content))
    assert "journal.jsonl:" in caught.value.message


@given(st.binary(max_size=300))
def test_any_bytes_give_entries_or_an_error_that_says_where(content: bytes) -> None:
    """Never another exception."""
    try:
        entries, size = _read(content)
    except OutputFolderError as error:
        assert "journal.jsonl" in error.message
    else:
        assert entries == [] and size == 0


def _started(pid: int = 1) -> RunStarted:
    return RunStarted(
        program="0.1",
        base_url="https://rivya.ai",
        storyboard_id="board",
        storyboard_path="board.yaml",
        storyboard_sha256="0" * 64,
        pid=pid,
    )


def test_opening_writes_nothing_and_the_first_line_makes_the_file(tmp_path: Path) -> None:
    """A command that only looks leaves no trace."""
    path = tmp_path / "new" / "journal.jsonl"
    journal = Journal(path, now=lambda: NOW)
    assert not path.parent.exists()
    journal.append(_started())
    journal.close()
    assert [entry.event for entry in read_journal(path)[0]] == [_started()]


def test_a_torn_tail_is_cut_off_before_the_next_line(tmp_path: Path) -> None:
    """Lines are numbered on from the last whole one."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(line_of(1, NOW, _started()) + b'{"n":2,"at"')
    journal = Journal(path, now=lambda: NOW)
    journal.append(Withdrawn(key="k", reason="never sent"))
    journal.close()
    assert [entry.number for entry in read_journal(path)[0]] == [1, 2]


def test_a_failed_sync_ends_all_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk refused once it may have dropped: nothing is built on it."""
    journal = Journal(tmp_path / "journal.jsonl", now=lambda: NOW)
    journal.append(_started())

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("rivya_run.journal.store.os.fsync", fail)
        with pytest.raises(OutputFolderError):
            journal.sync()
    with pytest.raises(OutputFolderError):
        journal.append(_started(2))
    journal.close()


def test_a_line_that_does_not_fit_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal is as it was, and goes on when there is room again."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, now=lambda: NOW)
    journal.append(_started())
    before = path.read_bytes()
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr("rivya_run.journal.store.os.write", lambda to, content: write(to, content[:7]))
        with pytest.raises(OutputFolderError, match="disk is full"):
            journal.append(_started(2))
    assert path.read_bytes() == before
    journal.append(_started(3))
    journal.close()
    assert [entry.event for entry in read_journal(path)[0]] == [_started(), _started(3)]


def test_a_line_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """Not as damage: the program is to be upgraded."""
    path = tmp_path / "journal.jsonl"
    head = json.dumps({"n": 1, "at": NOW, "event": "something_new", "v": 2})[:-1].encode()
    path.write_bytes(head + f',"crc":"{zlib.crc32(head):08x}"}}\n'.encode())
    with pytest.raises(ForeignFolder, match="newer version"):
        read_journal(path)


def test_a_refused_sync_stays_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems report what they lost once: a second sync that went well would prove nothing."""
    journal = Journal(tmp_path / "journal.jsonl", now=lambda: NOW)
    journal.append(_started())

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("rivya_run.journal.store.os.fsync", fail)
        with pytest.raises(OutputFolderError):
            journal.sync()
    with pytest.raises(OutputFolderError):
        journal.sync()
    journal.close()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)


def _move(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def _replace(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copy"))
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody remove a file that is open")
@pytest.mark.parametrize("happening", [_remove, _move, _replace])
def test_a_folder_that_goes_away_is_noticed_by_the_next_sync(
    happening: Callable[[Path], None], tmp_path: Path
) -> None:
    """What is written to a file without its name is lost with the process: no create may follow."""
    folder = tmp_path / "board"
    journal = Journal(folder / "journal.jsonl", now=lambda: NOW)
    journal.append(_started())
    journal.sync()
    happening(folder)
    for _ in range(2):
        with pytest.raises(FolderGone, match="board: this folder was removed"):
            journal.sync()
    journal.append(Withdrawn(key="k", reason="what is known in memory goes on"))
    journal.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody remove a file that is open")
def test_closing_notices_it_too(tmp_path: Path) -> None:
    """A command that never synced before."""
    journal = Journal(tmp_path / "board/journal.jsonl", now=lambda: NOW)
    journal.append(_started())
    shutil.rmtree(tmp_path / "board")
    with pytest.raises(FolderGone):
        journal.close()


@pytest.mark.parametrize("grown", [False, True])
def test_without_file_numbers_the_size_tells(
    grown: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems number no files: what has our size is taken for ours."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, now=lambda: NOW)
    journal.append(_started())

    def unnumbered(facts: os.stat_result) -> os.stat_result:
        return os.stat_result((facts.st_mode, 0, *facts[2:]))

    stat, fstat = Path.stat, os.fstat
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", lambda file: unnumbered(fstat(file)))
        patch.setattr(Path, "stat", lambda self, **more: unnumbered(stat(self, **more)))
        if grown:
            path.rename(tmp_path / "away")
            path.write_bytes(b"another one")
            with pytest.raises(FolderGone):
                journal.sync()
        else:
            journal.sync()
    journal.close()


def test_the_first_line_is_read_alone(tmp_path: Path) -> None:
    """Whatever follows; nothing where there is no journal or no whole line."""
    path = tmp_path / "journal.jsonl"
    assert first_entry(path) is None
    path.write_bytes(line_of(1, NOW, _started()) + b"damaged\n" + line_of(2, NOW, _started(2)))
    assert first_entry(path) == Entry(1, NOW, _started())
    path.write_bytes(b'{"n":1')
    assert first_entry(path) is None


def test_an_opened_journal_is_durable_with_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one and one that a killed run may have made: else a power cut takes the intent along."""
    synced: list[Path] = []
    monkeypatch.setattr("rivya_run.journal.store.sync_folder", synced.append)
    folder = tmp_path / "outputs/board"
    for number in range(2):
        journal = Journal(folder / "journal.jsonl", now=lambda: NOW)
        journal.append(_started(number))
        journal.close()
    assert synced == 2 * [folder, tmp_path / "outputs", tmp_path]


def test_a_folder_above_that_can_t_be_synced_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may belong to somebody else; only the journal's own folder must take it."""

    def refusing(folder: Path) -> None:
        if folder != tmp_path / "board":
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("rivya_run.journal.store.sync_folder", refusing)
    journal = Journal(tmp_path / "board/journal.jsonl", now=lambda: NOW)
    journal.append(_started())
    journal.close()
    assert read_journal(tmp_path / "board/journal.jsonl")[1] > 0


def test_lines_of_an_earlier_version_are_written_as_they_were() -> None:
    """Members, their order, and what is left out: of every kind of event that version 0.1 left on record."""
    path = Path(__file__).resolve().parents[2] / "fixtures/books_of_0_1/outputs/old/journal.jsonl"
    found, _ = read_journal(path)
    lines = path.read_bytes().splitlines()
    for one, line in zip(found, lines, strict=True):
        then, now = json.loads(line), json.loads(line_of(one.number, one.at, one.event))
        del then["crc"], now["crc"]  # an estimate that came as 4 is 4.0 when it was read
        assert list(now.items()) == list(then.items())
