"""A page that holds its clips: which, how large, and what stays when it isn't finished."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

import boards
from rivya_run.film.from_manifest import script_of
from rivya_run.views.page import write_report
from rivya_run.views.page.files import FolderFiles


def large(folder: Path, name: str) -> str:
    """A clip that is too large to be put into a page as it is."""
    boards.clip(folder / name, frames=12, size=(1280, 720))
    with (folder / name).open("ab") as file:  # a free box: the clip stays whole
        file.write((400_000).to_bytes(4, "big") + b"free" + os.urandom(399_992))
    return name


def board(folder: Path, *names: str) -> dict[str, Any]:
    """A board of one take a clip."""
    takes = [boards.take(shot=name, outputs=[boards.output(folder, name)]) for name in names]
    return boards.written(
        folder, boards.manifest([boards.shot(one["outputs"][0]["path"], [one]) for one in takes])
    )


def copies(folder: Path) -> list[Path]:
    return sorted((folder / ".posters").glob("small-*"))


def test_a_page_says_how_large_it_is_and_what_is_in_it(tmp_path: Path) -> None:
    """Large clips as small copies, small ones as they are, each once; the film plays what the cards hold."""
    boards.clip(tmp_path / "small.mp4")
    made = board(tmp_path, large(tmp_path, "large.mp4"), "small.mp4")
    told: list[str] = []
    page = write_report(
        made, tmp_path, scripts={None: script_of(made, tmp_path)}, embed=True, tell=told.append
    )
    [line] = told
    assert line.startswith("a page of ") and "small copies of 2 of 2 files" in line
    text = page.read_text("utf-8")
    assert text.count("data:video/mp4;base64,") == 2
    assert "large.mp4&#34;" not in text and 'src="./' not in text and 'href="./' not in text
    assert page.stat().st_size < 250_000
    assert len(copies(tmp_path)) == 1


def test_copies_are_made_once_and_forgotten_with_their_clip(tmp_path: Path) -> None:
    """A second page takes the copy that is there; a clip that changed gets a new one, and the old one goes."""
    made = board(tmp_path, large(tmp_path, "a.mp4"))
    write_report(made, tmp_path, embed=True)
    [first] = copies(tmp_path)
    os.utime(first, (1, 1))
    write_report(made, tmp_path, embed=True)
    assert copies(tmp_path) == [first] and first.stat().st_mtime == 1
    os.utime(tmp_path / "a.mp4", (2, 2))
    write_report(made, tmp_path, embed=True)
    assert first not in copies(tmp_path) and len(copies(tmp_path)) == 1


def test_the_film_comes_first_where_room_is_short(tmp_path: Path) -> None:
    """What the film plays is in the page; other takes as far as there is room; the rest stays beside it."""
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        boards.clip(tmp_path / name)
    size = (tmp_path / "a.mp4").stat().st_size
    files = FolderFiles(tmp_path, takes=3)
    files.embed(["c.mp4"], ["a.mp4", "b.mp4", "c.mp4"], room=2 * size + 100)
    assert [files.embedded(name) is not None for name in ("a.mp4", "b.mp4", "c.mp4")] == [True, False, True]
    assert files.holds().startswith("small copies of 2 of 3 files, ")
    files = FolderFiles(tmp_path, takes=3)
    files.embed(["c.mp4"], ["a.mp4"], room=0)
    assert files.holds().startswith("small copies of 1 of 2 files, ")


def test_what_has_no_copy_stays_beside_the_page(tmp_path: Path) -> None:
    """A clip that can't be read is linked, as without --embed."""
    (tmp_path / "broken.mp4").write_bytes(os.urandom(300_000))
    made = board(tmp_path, "broken.mp4")
    text = write_report(made, tmp_path, embed=True).read_text("utf-8")
    assert 'src="./broken.mp4"' in text and "data:video/mp4" not in text


def test_an_interrupted_page_leaves_the_old_one(tmp_path: Path) -> None:
    """Ctrl-C between two clips: the page is as it was, and nothing half lies about."""
    made = board(tmp_path, large(tmp_path, "a.mp4"), large(tmp_path, "b.mp4"))
    before = write_report(made, tmp_path).read_bytes()

    def interrupted(what: str, share: float, left: float | None) -> None:
        if share:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_report(made, tmp_path, embed=True, progress=interrupted)
    assert (tmp_path / "report.html").read_bytes() == before
    assert not list(tmp_path.rglob("*.tmp"))


def test_one_clip_at_a_time_is_in_memory(tmp_path: Path) -> None:
    """Eighteen megabytes are written in a few."""
    names = [f"{number}.mp4" for number in range(90)]
    for name in names:
        (tmp_path / name).write_bytes(os.urandom(199_000))
    made = board(tmp_path, *names)
    tracemalloc.start()
    page = write_report(made, tmp_path, embed=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert page.stat().st_size > 20_000_000
    assert peak < 6_000_000
