"""`rivya-run models`: list, show and sync, as a person meets them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from command_line import rivya_run
from rivya_run.cli import models as models_module
from rivya_run.cli.models import command
from rivya_run.errors import RivyaError, UsageError
from rivya_run.models.catalog import load_catalog
from rivya_run.models.sync import ListedModel
from rivya_run.models.view import example_shot, models_page
from rivya_run.storyboard.reader import read_storyboard

ROOT = Path(__file__).parents[2]
CATALOG = load_catalog()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as the current folder."""
    (tmp_path / "outputs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def models(*words: str) -> Result:
    result = CliRunner().invoke(command, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit | RivyaError):
        raise result.exception
    return result


def test_list_shows_every_model_on_one_line() -> None:
    """Away from a terminal each model is one line, never cut."""
    lines = models("list").stdout.splitlines()
    assert len(lines) == 50
    assert lines[0].split() == ["model", "category", "credits", "prompt", "references", "parameters", "table"]
    grok = next(line for line in lines if line.startswith("grok-imagine-video "))
    assert "10  5000" in grok
    assert grok.endswith("mode, duration, resolution, aspect_ratio")


@pytest.mark.parametrize(
    ("options", "some", "none"),
    [
        (["--category", "audio"], "elevenlabs-turbo-2-5", "z-image"),
        (["--max-credits", "4"], "z-image", "grok-imagine-video"),
        (["--references"], "grok-imagine-video", "z-image"),
        (["--no-references"], "z-image", "grok-imagine-video"),
        (["--category", "video", "--max-credits", "10", "--references"], "sora-2", "grok-imagine "),
    ],
)
def test_filters(options: Sequence[str], some: str, none: str) -> None:
    """The list can be narrowed by category, price and references."""
    text = models("list", *options).stdout
    assert some in text
    assert none not in text


def test_an_unknown_category_is_a_usage_error() -> None:
    """A category that no model has is told with the ones there are."""
    result = models("list", "--category", "vidoe")
    assert isinstance(result.exception, UsageError)
    assert result.exception.message == "there is no category 'vidoe', did you mean 'video'?"


def test_list_as_json_holds_the_whole_tables() -> None:
    """--json gives every table in the form of its file."""
    tables = json.loads(models("list", "--json").stdout)
    assert [table["id"] for table in tables] == CATALOG.ids()
    grok = next(table for table in tables if table["id"] == "grok-imagine-video")
    assert grok["params"][1] == {
        "key": "duration",
        "type": "number",
        "required": False,
        "default": 6,
        "min": 6,
        "max": 30,
        "step": 1,
        "raises_price": True,
        "description": "Duration (seconds)",
    }


def test_show_reads_like_the_page() -> None:
    """show prints rows, references, advice and an example shot."""
    text = models("show", "grok-imagine-video").stdout
    assert "video, 10 base credits (FIXED)" in text
    assert "duration      number  6 to 30 in steps of 1" in text
    assert "image: 10 MB, image/jpeg, image/png, image/webp" in text
    assert "advice spicy-reference: " in text
    assert text.endswith(example_shot(next(t for t in CATALOG.all() if t.id == "grok-imagine-video")))


def test_show_an_unknown_model() -> None:
    """A wrong id is answered with the right one."""
    result = models("show", "grok-imagine-vidoe")
    assert isinstance(result.exception, UsageError)
    assert "did you mean 'grok-imagine-video'?" in result.exception.message


@pytest.mark.parametrize("model", CATALOG.ids())
def test_every_example_shot_is_a_valid_storyboard(model: str) -> None:
    """What show prints as an example can be copied into a file and run."""
    table = CATALOG.get(model)
    assert table is not None
    reading = read_storyboard(example_shot(table).encode(), path="example.yaml", catalog=CATALOG)
    assert [problem.message for problem in reading.problems] == []


def test_the_page_of_models_is_fresh() -> None:
    """docs/models.md is what `rivya-run models list --markdown` prints."""
    page = models("list", "--markdown").stdout
    assert page == models_page(CATALOG.all())
    assert (ROOT / "docs" / "models.md").read_text(encoding="utf-8") == page


def test_project_tables_are_listed(project: Path) -> None:
    """A table in the project's models/ folder stands in the list, marked as the project's."""
    (project / "models").mkdir()
    (project / "models" / "mine.yaml").write_text(
        "id: mine\ndisplay_name: Mine\ncategory: video\ncomplete: false\nparams: []\n"
    )
    line = next(line for line in models("list").stdout.splitlines() if line.startswith("mine "))
    assert line.endswith("incomplete, project")
    assert "no parameters are known" in models("show", "mine").stdout


def test_every_table_can_be_written_as_a_project_table_that_holds(project: Path) -> None:
    """It is valid as it stands, counts from then on, and is never written over."""
    for model in CATALOG.ids():
        assert models("show", model, "--write").stdout == f"{project / 'models' / model}.yaml\n"
    catalog = load_catalog(project / "models").whole()
    assert all(catalog.is_project_table(model) for model in CATALOG.ids())
    assert catalog.all() == CATALOG.all()
    file = project / "models" / "z-image.yaml"
    file.write_text(file.read_text().replace("base_credits: ", "base_credits: 9"))
    again = models("show", "z-image", "--write")
    assert isinstance(again.exception, UsageError)
    assert "is there already; nothing was written" in again.exception.message
    assert models("list").stdout.count("project") == len(CATALOG.ids())


def test_a_broken_table_names_itself_and_stops_only_what_uses_it(project: Path) -> None:
    """Others are checked, planned and listed; whoever uses it is told where it is wrong."""
    (project / "models").mkdir()
    (project / "models" / "mine.yaml").write_text(
        "id: mine\ncomplete: maybe\ndisplay_name: Mine\ncategory: video\nparams: []\n"
    )
    (project / "uses.yaml").write_text("shots:\n  - {id: a, model: mine, prompt: x}\n")
    (project / "other.yaml").write_text("shots:\n  - {id: a, prompt: x}\n")
    told = f"{project / 'models' / 'mine.yaml'}:2:11: "
    other = rivya_run("validate", project / "other.yaml")
    assert other.exit_code == 0
    assert f"{told}advice:" in other.stderr
    assert rivya_run("plan", project / "other.yaml").exit_code == 0
    listed = rivya_run("models", "list")
    assert listed.exit_code == 0
    assert f"{told}error:" in listed.stderr
    for words in (["validate"], ["plan"], ["run", "--simulate"]):
        result = rivya_run(*words, project / "uses.yaml")
        assert result.exit_code == 3
        assert f"{told}error:" in result.stderr
    assert rivya_run("schema", "--check").exit_code == 3


def offer(monkeypatch: pytest.MonkeyPatch, *changed: ListedModel, without: str = "") -> None:
    """Let the API list what the tables say, but for some models."""
    listed = {
        table.id: ListedModel(
            table.id, table.display_name, table.category, table.base_credits, table.billing_type
        )
        for table in CATALOG.all()
        if table.id != without
    }
    listed |= {model.id: model for model in changed}

    async def ask(origin: str) -> list[ListedModel]:
        return list(listed.values())

    monkeypatch.setattr(models_module, "_ask", ask)


def test_sync_that_finds_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agreement is said in a sentence and writes nothing."""
    offer(monkeypatch)
    result = models("sync", "--write")
    assert result.stdout == "the tables agree with the 49 models that https://rivya.ai lists\n"
    assert not Path("models").exists()


def test_sync_tells_what_is_new_gone_and_repriced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each difference is one line; nothing is written unasked."""
    offer(
        monkeypatch,
        ListedModel("grok-imagine-video", base_credits=12),
        ListedModel("grok-next", "Grok Next", "video", 20, "FIXED", api_status="coming_soon"),
        without="z-image",
    )
    lines = [line.split(maxsplit=2) for line in models("sync").stdout.splitlines()]
    assert lines == [
        ["model", "what", "how"],
        ["grok-imagine-video", "repriced", "base_credits 10 -> 12"],
        ["grok-next", "new", "Grok Next: video, 20 base credits, coming_soon"],
        ["z-image", "gone", "no longer listed"],
    ]
    assert not Path("models").exists()
    kinds = [change["kind"] for change in json.loads(models("sync", "--json").stdout)]
    assert kinds == ["repriced", "new", "gone"]


def test_sync_write_keeps_what_is_known(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    """--write makes project tables that are in force at once; a second sync finds nothing new in them."""
    offer(
        monkeypatch,
        ListedModel("grok-imagine-video", base_credits=12),
        ListedModel("grok-next", "Grok Next", "video", 20),
        ListedModel("../evil", "Evil", "video", 1),
    )
    result = models("sync", "--write")
    assert "left out '../evil'" in result.stderr
    catalog = load_catalog(project / "models")
    grok, new = catalog.get("grok-imagine-video"), catalog.get("grok-next")
    assert grok is not None
    assert new is not None
    assert grok.base_credits == 12
    assert [row.key for row in grok.params] == ["mode", "duration", "resolution", "aspect_ratio"]
    assert (new.complete, new.params) == (False, ())
    assert sorted(file.name for file in (project / "models").iterdir()) == [
        "grok-imagine-video.yaml",
        "grok-next.yaml",
    ]
    again = models("sync").stdout.splitlines()
    assert [line.split()[0] for line in again[1:]] == ["../evil"]
