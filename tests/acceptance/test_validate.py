"""``rivya-run validate`` as a person meets it: each folder of ``validate/`` is a case."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rivya_run.cli.validate import command

CASES = Path(__file__).with_name("validate")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the current folder."""
    folder = tmp_path / "project"
    (folder / "outputs").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", sorted(case.name for case in CASES.iterdir()))
def test_case(name: str, project: Path) -> None:
    """What is said of a case's storyboard is what its expected.txt holds."""
    shutil.copytree(CASES / name, project, dirs_exist_ok=True)
    result = run("storyboard.yaml")
    said = result.stderr + result.stdout
    assert said == (CASES / name / "expected.txt").read_text("utf-8")
    assert result.exit_code == (3 if ": error: " in said else 0)


def test_nothing_wrong(project: Path) -> None:
    """A good storyboard is one line on standard output and exit code 0."""
    (project / "a.yaml").write_text("shots: [{id: a, prompt: x, takes: 2}]")
    result = run("a.yaml")
    assert (result.stdout, result.stderr, result.exit_code) == (
        "a.yaml: 1 shot, 2 takes, no problems\n",
        "",
        0,
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"\xff\xff",
        b"[" * 3000,
        b"- " * 3000,
        b"a: &a [*a]",
        b"\x7fELF\0\1",
        b"%",
    ],
)
def test_hostile_files(project: Path, content: bytes) -> None:
    """Binary and hostile files are problems with a place, never a traceback."""
    (project / "a.yaml").write_bytes(content)
    result = run("a.yaml")
    assert result.exit_code == 3
    assert result.stderr.startswith("a.yaml:1:")
    assert "Traceback" not in result.stderr


def test_json(project: Path) -> None:
    """The JSON form is a list on standard output, and nothing on standard error."""
    (project / "a.yaml").write_text("shots: [{id: a, prompt: x, params: {duration: 45}}]")
    result = run("a.yaml", "--format", "json")
    assert (result.exit_code, result.stderr) == (3, "")
    assert json.loads(result.stdout) == [
        {
            "file": "a.yaml",
            "line": 1,
            "column": 47,
            "severity": "error",
            "where": "shots[0] (a) params.duration",
            "message": "45 is more than the maximum 30",
            "code": "range",
        }
    ]
    (project / "a.yaml").write_text("shots: [{id: a, prompt: x}]")
    assert json.loads(run("a.yaml", "--format", "json").stdout) == []


def test_other_forms(project: Path) -> None:
    """GitHub annotations and SARIF go to standard output too."""
    (project / "a.yaml").write_text("shots: []")
    assert run("a.yaml", "--format", "github").stdout.startswith("::error file=a.yaml,line=1,col=8,")
    assert json.loads(run("a.yaml", "--format", "sarif").stdout)["version"] == "2.1.0"


def test_strict(project: Path) -> None:
    """--strict makes an error of advice."""
    (project / "a.yaml").write_text("shots: [{id: a, prompt: x, model: seedream-4-0, params: {strange: 1}}]")
    assert run("a.yaml").exit_code == 0
    assert run("a.yaml", "--strict").exit_code == 3


def test_folder_and_several(project: Path) -> None:
    """A folder means every storyboard in it; each is told about."""
    (project / "specs").mkdir()
    for name in ("b.yaml", "a.yml", "c.json"):
        (project / "specs" / name).write_text('{"shots": [{"id": "a", "prompt": "x"}]}')
    (project / "specs" / "notes.txt").write_text("no storyboard")
    (project / "specs" / "compose.yaml").write_text("services:\n  shots: {image: x}\n")
    (project / "bad.yaml").write_text("shots: []")
    result = run("specs", "bad.yaml")
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        f"{Path('specs', name)}: 1 shot, 1 take, no problems" for name in ("a.yml", "b.yaml", "c.json")
    ]


def test_missing_file(project: Path) -> None:
    """A storyboard that isn't there is a mistake of the command line, with what was meant."""
    (project / "teaser.yaml").write_text("shots: [{id: a, prompt: x}]")
    result = run("teasre.yaml")
    assert getattr(result.exception, "exit_code", None) == 2
    assert "did you mean 'teaser.yaml'?" in str(result.exception)


def test_bad_project_table(project: Path) -> None:
    """A wrong table of the project's own is told like a wrong storyboard."""
    (project / "models").mkdir()
    (project / "models" / "mine.yaml").write_text("id: mine\n")
    (project / "a.yaml").write_text("shots: [{id: a, model: mine, prompt: x}]")
    result = run("a.yaml")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1] == f"{project / 'models' / 'mine.yaml'}: 4 errors"


def test_link_out_of_the_project(project: Path) -> None:
    """A link inside the project that leads out of it is refused, unless that is allowed."""
    outside = project.parent / "outside.png"
    outside.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 30)
    (project / "link.png").symlink_to(outside)
    (project / "a.yaml").write_text("shots: [{id: a, prompt: x, references: link.png}]")
    result = run("a.yaml")
    assert result.exit_code == 3
    assert "[outside]" in result.stderr
    assert run("a.yaml", "--allow-outside").exit_code == 0


@pytest.mark.parametrize(
    ("brand", "name"),
    [("heic", "image/heic"), ("hevc", "image/heic"), ("heim", "image/heic"), ("crx ", "image/x-canon-cr3")],
)
def test_pictures_of_phones_and_cameras(project: Path, brand: str, name: str) -> None:
    """They share their container with MP4, and are named as what they are."""
    (project / "a.jpg").write_bytes(b"\0\0\0\x18ftyp" + brand.encode() + b"\0" * 40)
    (project / "a.yaml").write_text("shots: [{id: a, prompt: x, references: a.jpg}]")
    result = run("a.yaml")
    assert result.exit_code == 3
    assert f"'a.jpg' is {name}; grok-imagine-video takes image/jpeg, image/png, image/webp" in result.stderr


def test_folder_without_storyboards(project: Path) -> None:
    """It says how to get one, as every command that takes a folder does."""
    error = run(".").exception
    assert getattr(error, "exit_code", None) == 2
    assert getattr(error, "hint", None) == "rivya-run init makes one to start from"


def test_a_ratio_that_is_no_number_is_a_problem(project: Path) -> None:
    """However many digits it has."""
    digits = "9" * 309
    (project / "a.yaml").write_text(f"shots: [{{id: a, prompt: x, params: {{aspect_ratio: '1:{digits}'}}}}]")
    result = run("a.yaml")
    assert result.exit_code == 3 and "[option]" in result.stderr


def test_two_storyboards_of_one_id(project: Path) -> None:
    """They would share an output folder, as a run says too; the same file named twice is one."""
    (project / "a.yaml").write_text("id: film\nshots: [{id: a, prompt: x}]")
    (project / "b.yaml").write_text("id: film\nshots: [{id: a, prompt: x}]")
    result = run("a.yaml", "b.yaml")
    assert result.exit_code == 3
    assert "b.yaml:1:1: error: id: the output folder film belongs to a.yaml" in result.stderr
    assert "[folder-claimed]" in result.stderr
    assert run("a.yaml", "./a.yaml").exit_code == 0
