"""The contact sheet."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import boards
from rivya_run.film.contact_sheet import write_contact_sheet
from rivya_run.film.from_manifest import script_of


def test_a_sheet_shows_every_chosen_take(tmp_path: Path) -> None:
    """Each picture is where storyboard order puts it, with room for its name below."""
    board = boards.small_board(tmp_path, frames=(3, 3, 3, 3, 3))
    sheet = write_contact_sheet(script_of(board, tmp_path), tmp_path / "sheet.png")
    assert (sheet.shots, sheet.notices) == (5, ())
    with Image.open(sheet.path) as image:
        assert image.format == "PNG"
        colours = [
            image.getpixel((gap + width // 2, 200)) for gap, width in ((24, 440), (488, 440), (952, 440))
        ]
        assert image.width == 3 * (440 + 24) + 24
    assert len(set(colours)) == 3


def test_missing_shots_get_a_slate_when_asked(tmp_path: Path) -> None:
    """A shot without a take is named in a notice, or shown as a slate; any script can be its prompt."""
    board = boards.small_board(tmp_path, frames=(3,))
    failed = boards.take(1, "failed", shot="sh020", prompt="夜の街 \u202e<b>\n" * 50)
    board["shots"].append(boards.shot("sh020", [failed]))
    without = write_contact_sheet(script_of(board, tmp_path), tmp_path / "a.png")
    assert (without.shots, without.notices) == (1, ("sh020 has no finished take and is left out",))
    assert write_contact_sheet(script_of(board, tmp_path, slates=True), tmp_path / "b.png").shots == 2
