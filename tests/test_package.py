"""What a wheel brings along beside the code, and how the program says what it lacks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from rivya_run.extras import install_hint

PROJECT = Path(__file__).parent.parent


def test_an_index_takes_both_and_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    """The font with its licence, the tables, the parts of pages: whatever the program opens when it runs."""
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True, timeout=60)
    check = [sys.executable, "-m", "twine", "check", "--strict", *map(str, tmp_path.iterdir())]
    subprocess.run(check, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    there = {path for path in (PROJECT / "runner").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert not {path.relative_to(PROJECT / "runner").as_posix() for path in there} - packed
    assert {"rivya_run/media/fonts/DejaVuSans.ttf", "rivya_run/media/fonts/LICENSE"} <= packed


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        (None, "pip install 'rivya-run[report]'"),
        ("{", "pip install 'rivya-run[report]'"),
        ({"url": "https://example.com/rivya_run.whl"}, "pip install 'rivya-run[report]'"),
        (
            {"url": "file:///home/ann/my%20clone", "dir_info": {"editable": True}},
            "pip install '/home/ann/my clone[report]', or pip install 'rivya-run[report]'",
        ),
        (
            {"url": "file:///tmp/rivya_run-1-py3-none-any.whl"},
            "pip install '/tmp/rivya_run-1-py3-none-any.whl[report]', or pip install 'rivya-run[report]'",
        ),
    ],
)
def test_what_is_missing_is_installed_from_where_the_program_came(
    told: object, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index, a clone, a wheel file: the hint works there; so does one whose record can't be read."""
    record = tmp_path / "rivya_run-9.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: rivya-run\nVersion: 9\n")
    if told is not None:
        (record / "direct_url.json").write_text(told if isinstance(told, str) else json.dumps(told))
    monkeypatch.syspath_prepend(tmp_path)
    assert install_hint("report") == hint


WITHOUT_CLUSTER = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("psycopg", "psycopg_binary", "pgqueuer", "obstore"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from rivya_run.__main__ import main

main()
"""


def test_one_machine_needs_nothing_of_a_cluster(tmp_path: Path) -> None:
    """Without the extra everything works that names no database; what does says what to install."""

    def ended(*words: str) -> tuple[int, str]:
        answer = subprocess.run(
            [sys.executable, "-c", WITHOUT_CLUSTER, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )
        return answer.returncode, answer.stderr

    (tmp_path / "one.yaml").write_text("id: one\nshots:\n  - {id: sh, prompt: x}\n", encoding="utf-8")
    for words in (("validate",), ("plan",), ("run", "--simulate"), ("status", "--simulate")):
        code, said = ended(*words, "one.yaml")
        assert code == 0, said
    url = "postgresql://localhost/films"
    for command in (("run", "one.yaml"), ("submit", "one.yaml"), ("account",), ("database", "init")):
        code, said = ended(*command, "--database", url)
        assert code == 2 and "rivya-run[cluster]" in said, said
