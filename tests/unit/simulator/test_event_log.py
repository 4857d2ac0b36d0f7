"""The books on disk: what was written is there, a torn end is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from rivya_run.errors import OutputFolderError
from rivya_run.simulator.tasks import EventLog


def test_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    """A line that was not finished is dropped, and the next one starts where it did."""
    for torn in (b"", b"{", b'{"e":"x"}', b"\xff\xfe"):
        books = EventLog(tmp_path / str(len(torn)), fsync=True)
        books.append({"e": "one"})
        books.close()
        books.path.write_bytes(books.path.read_bytes() + torn)
        again = EventLog(books.path.parent)
        assert again.past == [{"e": "one"}]
        again.append({"e": "two"})
        again.close()
        assert again.path.read_bytes() == b'{"e":"one"}\n{"e":"two"}\n'


def test_damage_in_the_middle_is_said(tmp_path: Path) -> None:
    """A whole line that is no entry is named with its number, and nothing is guessed."""
    for line in (b"nonsense", b"[]", b"\xff"):
        (tmp_path / "simulator.jsonl").write_bytes(b'{"e":"one"}\n' + line + b"\n")
        with pytest.raises(OutputFolderError, match=r"simulator.jsonl:2"):
            EventLog(tmp_path)


def test_late_entries_are_dropped(tmp_path: Path) -> None:
    """A request that is still running when the simulator closes writes nothing any more."""
    books = EventLog(tmp_path)
    books.close()
    books.append({"e": "late"})
    assert books.path.read_bytes() == b""


def test_prompts_of_any_kind_are_kept(tmp_path: Path) -> None:
    """Line ends, other scripts and lone surrogates come back as they were."""
    books = EventLog(tmp_path)
    books.append({"prompt": "a\nb\u2028বাংলা\ud800"})
    books.close()
    again = EventLog(tmp_path)
    again.close()
    assert again.past == [{"prompt": "a\nb\u2028বাংলা\ud800"}]
