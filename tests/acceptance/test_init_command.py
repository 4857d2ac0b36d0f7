"""`rivya-run init`: a folder to start from."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
import yaml

from command_line import rivya_run


def test_a_new_folder_has_all_that_a_first_run_needs(tmp_path: Path) -> None:
    """Its storyboard has no problems, its schemas are fresh, and what to do next is said."""
    folder = tmp_path / "my film"
    result = rivya_run("init", folder)
    assert result.exit_code == 0
    assert rivya_run("validate", folder / "storyboard.yaml", "--strict").exit_code == 0
    assert rivya_run("plan", folder).exit_code == 0
    assert f"cd '{folder}'" in result.stderr
    assert "rivya-run storyboard.yaml --simulate" in result.stderr
    assert set(result.stdout.splitlines()) == {str(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("folder", "name", "title"),
    [
        ("teaser", "teaser", "Teaser"),
        ("Summer ad, final", "Summer-ad-final", "Summer ad final"),
        ("2026", "2026", "2026"),
        ("true", "true", "True"),
        ("1e3", "1e3", "1e3"),
        ("con", "my-film", "My film"),
        ("..a", "a", "A"),
        ("°°°", "my-film", "My film"),
        ("a" * 70, "my-film", "My film"),
    ],
)
def test_the_storyboard_is_called_by_its_folder(folder: str, name: str, title: str, tmp_path: Path) -> None:
    """As far as an id can hold it; whatever it is called, there is no problem in it."""
    assert rivya_run("init", tmp_path / folder).exit_code == 0
    path = tmp_path / folder / "storyboard.yaml"
    assert rivya_run("validate", path, "--strict").exit_code == 0
    told = json.loads(rivya_run("plan", path, "--json").stdout)
    assert told["storyboard"] == name
    assert yaml.safe_load(path.read_text())["title"] == title


def test_the_sample_has_a_still_clips_made_from_it_and_a_voice(tmp_path: Path) -> None:
    """A first simulated run comes to a film with sound."""
    rivya_run("init", tmp_path / "teaser")
    path = tmp_path / "teaser" / "storyboard.yaml"
    assert rivya_run(path, "--simulate").exit_code == 0
    assert rivya_run("export", path, "--simulate").exit_code == 0
    with av.open(str(tmp_path / "teaser/outputs/teaser.simulated/cut.mp4")) as film:
        assert {stream.type for stream in film.streams} == {"video", "audio"}


def test_its_schemas_are_those_of_the_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`schema --check` agrees, and the editor's settings point at them."""
    rivya_run("init", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert rivya_run("schema", "--check").exit_code == 0
    settings = json.loads((tmp_path / ".vscode" / "settings.json").read_text())
    [schema] = settings["yaml.schemas"]
    assert (tmp_path / schema).is_file()
    first = (tmp_path / "storyboard.yaml").read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={schema}"


@pytest.mark.parametrize("name", ["storyboard.yaml", ".gitignore", "outputs/.gitkeep"])
def test_nothing_is_ever_overwritten(tmp_path: Path, name: str) -> None:
    """Exit 2, and nothing else is written either."""
    there = tmp_path / name
    there.parent.mkdir(exist_ok=True)
    there.write_text("mine")
    result = rivya_run("init", tmp_path)
    assert result.exit_code == 2
    assert name in result.stderr
    assert there.read_text() == "mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [there]


def test_a_file_in_the_way_is_a_message(tmp_path: Path) -> None:
    """A folder can't be made where a file is."""
    (tmp_path / "schemas").write_text("a file")
    result = rivya_run("init", tmp_path)
    assert result.exit_code == 2
    assert "can't be written" in result.stderr
