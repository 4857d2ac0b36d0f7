"""The catalogue: shipped tables, project tables over them, a digest of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from rivya_run.errors import StoryboardError
from rivya_run.models import catalog as catalog_module
from rivya_run.models.catalog import DEFAULT_MODEL, load_catalog, read_checked, read_project_table
from rivya_run.models.table import ModelTable

TABLES = sorted(Path(catalog_module.__file__).parents[1].glob("tables/*"))

OWN = """\
id: my-model
display_name: Mine
category: video
complete: true
params:
  - {key: mode, type: select, options: ["a", "b"], default: "a"}
  - {key: length, type: number, min: 1, max: 9, step: 2}
"""


def test_all_shipped_tables_pass_the_checks_of_project_tables() -> None:
    """Every built-in table is valid by the tables' own schema and is named after its model."""
    assert len(TABLES) == 49
    for file in TABLES:
        table = read_project_table(file.read_bytes(), file.name, file.stem)
        assert table == load_catalog().get(table.id)
        assert table.read_on == "2026-05-11"
        assert table.source_url.startswith("https://rivya.ai/")


def test_the_first_model() -> None:
    """Grok Imagine Video is read as its page has it."""
    table = load_catalog().get(DEFAULT_MODEL)
    assert table is not None
    assert (table.base_credits, table.billing_type, table.max_prompt_length) == (10, "FIXED", 5000)
    assert table.defaults() == {
        "mode": "normal",
        "duration": 6,
        "resolution": "480p",
        "aspect_ratio": "2:3",
    }
    assert table.references is not None
    assert table.references.limits[0].mime == ("image/jpeg", "image/png", "image/webp")


@pytest.mark.parametrize("name", ["nope", "../catalog", "", "tables/grok-imagine"])
def test_an_unknown_model_has_no_table(name: str) -> None:
    """What is no model id has no table, and no file outside the tables is ever opened."""
    assert load_catalog().get(name) is None


def test_only_dialogue_needs_no_prompt() -> None:
    """A prompt is required by every model except the one whose page says otherwise."""
    assert [t.id for t in load_catalog().all() if not t.prompt_required] == ["elevenlabs-dialogue-v3"]


def test_project_tables_add_and_override(tmp_path: Path) -> None:
    """A table in models/ adds a model or takes the place of a built-in one, and changes the digest."""
    shipped = load_catalog(tmp_path / "models")
    assert shipped.digest() == load_catalog().digest()
    models = tmp_path / "models"
    models.mkdir()
    (models / "my-model.yaml").write_text(OWN)
    grok = load_catalog().source(DEFAULT_MODEL).decode().replace("base_credits: 10", "base_credits: 11")
    (models / f"{DEFAULT_MODEL}.yaml").write_text(grok)
    (models / "README.md").write_text("not a table")
    catalog = load_catalog(models)
    assert len(catalog.ids()) == 50
    changed, own = catalog.get(DEFAULT_MODEL), catalog.get("my-model")
    assert changed is not None
    assert changed.base_credits == 11
    assert own is not None
    assert own.prompt_required
    assert catalog.is_project_table("my-model")
    assert not catalog.is_project_table("z-image")
    assert catalog.digest() != shipped.digest()
    assert catalog.digest() == load_catalog(models).digest()


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("category: video\n", "", (1, 1), "'category' is a required property"),
        ("complete: true", "complet: true", (4, 1), "unknown key 'complet', did you mean 'complete'?"),
        ("step: 2", "step: two", (7, 55), "not a number"),
        ('["a", "b"]', "[1, 2]", (6, 41), "not a string: write it in quotes"),
        ("type: number", "type: nubmer", (7, 25), "'nubmer' is not possible here, did you mean 'number'?"),
        ("key: length", "key: mode", (7, 11), "a second row for 'mode'"),
        ("min: 1", "min: 10", (7, 38), "min is more than max"),
        (
            'default: "a"',
            'default: "c"',
            (6, 61),
            "the default is not a valid value of its own row: 'c' is not an option",
        ),
        ("id: my-model", "id: other", (1, 5), "the file of 'other' must be called other.yaml"),
        ("id: my-model", "id: my-model\nid: my-model", (2, 1), None),
        ("id: my-model", "- [", (1, 1), None),
    ],
)
def test_a_wrong_project_table_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, place: tuple[int, int], message: str | None
) -> None:
    """Each fault of a project table has file, line and column, and a message that says what to do."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "my-model.yaml").write_text(OWN.replace(old, new, 1))
    with pytest.raises(StoryboardError) as caught:
        load_catalog(models).get("my-model")
    problems = caught.value.problems
    assert problems
    assert problems[0].file == str(models / "my-model.yaml")
    if message is not None:
        assert message in [problem.message for problem in problems] or any(
            problem.message.startswith(message) for problem in problems
        )
        assert place in [(problem.line, problem.column) for problem in problems]


def test_a_table_is_read_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that uses one model reads one file, once."""
    read: list[str] = []

    def noted(content: bytes, file: str) -> ModelTable:
        read.append(file)
        return read_checked(content, file)

    monkeypatch.setattr(catalog_module, "read_checked", noted)
    catalog = catalog_module.Catalog(TABLES[0].parent, {})
    assert len(catalog.ids()) == 49
    assert read == []
    assert catalog.get("z-image") is catalog.get("z-image")
    assert read == ["z-image.yaml"]


def test_two_files_for_one_model_are_a_problem(tmp_path: Path) -> None:
    """my-model.yaml beside my-model.yml leaves open which one counts."""
    for ending in ("yaml", "yml"):
        (tmp_path / f"my-model.{ending}").write_text(OWN)
    with pytest.raises(StoryboardError) as caught:
        load_catalog(tmp_path).whole()
    assert [problem.message for problem in caught.value.problems] == ["a second table for 'my-model'"]


def test_all_wrong_tables_are_told_at_once(tmp_path: Path) -> None:
    """Two wrong files give the problems of both."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("[]")
    with pytest.raises(StoryboardError) as caught:
        load_catalog(tmp_path).whole()
    assert {Path(problem.file).name for problem in caught.value.problems} == {"a.yaml", "b.yaml"}


def test_a_broken_table_stops_only_who_asks_for_it(tmp_path: Path) -> None:
    """Neither is a built-in table taken in its place, nor does another model suffer."""
    (tmp_path / f"{DEFAULT_MODEL}.yaml").write_text("[]")
    (tmp_path / "my-model.yaml").write_text(OWN)
    catalog = load_catalog(tmp_path)
    assert len(catalog.ids()) == 50
    assert catalog.get("my-model") is not None
    assert catalog.get("z-image") is not None
    assert DEFAULT_MODEL not in [table.id for table in catalog.all()]
    with pytest.raises(StoryboardError) as caught:
        catalog.get(DEFAULT_MODEL)
    assert caught.value.problems == tuple(catalog.problems)
