"""What a wheel brings along beside the code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

PROJECT = Path(__file__).parent.parent


def test_a_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    """The font with its licence, the tables, the parts of pages: whatever the program opens when it runs."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    there = {path for path in (PROJECT / "runner").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert not {path.relative_to(PROJECT / "runner").as_posix() for path in there} - packed
    assert {"rivya_run/media/fonts/DejaVuSans.ttf", "rivya_run/media/fonts/LICENSE"} <= packed
