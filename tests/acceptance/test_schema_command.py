"""`rivya-run schema`: print, check, renew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rivya_run.cli.schema import command, schema_files
from rivya_run.errors import RivyaError, StoryboardError, UsageError


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a folder below it as the current one."""
    (tmp_path / "outputs").mkdir()
    (tmp_path / "specs").mkdir()
    monkeypatch.chdir(tmp_path / "specs")
    return tmp_path


def schema(*words: str) -> Result:
    result = CliRunner().invoke(command, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit | RivyaError):
        raise result.exception
    return result


def test_it_prints_the_files_themselves() -> None:
    """What is printed is, byte for byte, what the files hold."""
    files = schema_files()
    assert schema().stdout == files["storyboard.schema.json"]
    assert schema("manifest").stdout == files["manifest.schema.json"]
    assert json.loads(schema("table").stdout)["title"] == "rivya-run parameter table"


def test_write_renews_and_check_is_content(project: Path) -> None:
    """--check fails until --write has renewed the project's schemas/, from any folder of the project."""
    stale = schema("--check")
    assert isinstance(stale.exception, RivyaError)
    assert stale.exception.exit_code == 1
    assert "storyboard.schema.json" in stale.exception.message
    assert schema("--write").exit_code == 0
    assert schema("--check").exit_code == 0
    assert sorted(file.name for file in (project / "schemas").iterdir()) == sorted(schema_files())
    (project / "schemas" / "manifest.schema.json").write_text("{}")
    edited = schema("--check").exception
    assert isinstance(edited, RivyaError)
    assert "manifest.schema.json" in edited.message


def test_project_tables_take_part(project: Path) -> None:
    """A table in models/ makes written schemas stale, and its model and rows stand in the new ones."""
    schema("--write")
    (project / "models").mkdir()
    table = project / "models" / "mine.yaml"
    table.write_text(
        "id: mine\ndisplay_name: Mine\ncategory: video\ncomplete: true\n"
        'params: [{key: look, type: select, options: ["a", "b"]}]\n'
    )
    assert isinstance(schema("--check").exception, RivyaError)
    written = json.loads(schema().stdout)
    assert "mine" in written["definitions"]["shot"]["properties"]["model"]["enum"]
    assert written["definitions"]["params.mine"]["properties"]["look"]["else"] == {"enum": ["a", "b"]}
    table.write_text("id: mine\n")
    assert isinstance(schema().exception, StoryboardError)


def test_check_and_write_exclude_each_other() -> None:
    """Asking for both is a usage error."""
    assert isinstance(schema("--check", "--write").exception, UsageError)
