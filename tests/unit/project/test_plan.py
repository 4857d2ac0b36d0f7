"""From storyboard files to plans: whose folder it is, with which origin, and what a manifest adds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from examples import NOW, attempt
from rivya_run.errors import ForeignFolder, StoryboardError
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.events import Intended
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.planning.plan import Action
from rivya_run.project.claims import check_claim, check_origin
from rivya_run.project.ledger import Ledger
from rivya_run.project.places import JOURNAL, MANIFEST
from rivya_run.project.plan import Prepared, RunOptions, open_sources, prepare, run_started
from rivya_run.project.source import Source

ORIGIN = "https://rivya.ai"
NAMELESS = "shots:\n  - {id: a, prompt: a}\n"
BOARD = "id: board\nshots:\n  - {id: a, prompt: a}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one storyboard, ``specs/board.yaml``."""
    (tmp_path / "outputs").mkdir()
    written(tmp_path, "board", BOARD)
    return tmp_path


def written(root: Path, name: str, text: str) -> Path:
    """A storyboard file."""
    path = root / "specs" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def source_of(root: Path, name: str = "board") -> Source:
    """The storyboard, opened."""
    return open_sources([root / "specs" / f"{name}.yaml"], RunOptions())[0]


def prepared(root: Path, *, writing: bool = False, base_url: str | None = ORIGIN) -> Prepared:
    """The storyboard with its plan."""
    source = source_of(root)
    ledger = Ledger(source.folder, now=lambda: NOW)
    return prepare(source, ledger, RunOptions(), None, base_url=base_url, writing=writing)


def committed(root: Path, state: AttemptState = AttemptState.RUNNING, *, base_url: str | None = None) -> None:
    """A colleague's manifest: the one take is in this state."""
    [step] = prepared(root).plan.steps
    take = entry_of_attempt(attempt(step.shot, 1, state, digest=step.fingerprint))
    document = {
        "version": 1,
        "storyboard": {"id": "board", "path": "specs/board.yaml"},
        "base_url": base_url or ORIGIN,
        "shots": [{"id": "a", "takes": [take]}],
        "uploads": [],
        "history": [],
    }
    folder = root / "outputs/board"
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(json.dumps(document), encoding="utf-8")


def test_a_source_knows_its_place(root: Path) -> None:
    """Output folder and recorded path follow from the project root; tables are those of its models."""
    source = source_of(root)
    assert source.folder == root / "outputs/board"
    assert source.relative_path == "specs/board.yaml"
    assert list(source.tables()) == ["grok-imagine-video"]


def test_problems_of_all_storyboards_come_at_once(root: Path) -> None:
    """Nothing is done before every file is right."""
    for name in ("one", "two"):
        written(root, name, f"id: {name}\nshots: [{{id: a, prompt: a, takes: 0}}]\n")
    paths = [root / "specs" / f"{name}.yaml" for name in ("board", "one", "two")]
    with pytest.raises(StoryboardError) as caught:
        open_sources(paths, RunOptions())
    assert [Path(problem.file).name for problem in caught.value.problems] == ["one.yaml", "two.yaml"]


def test_two_storyboards_of_a_run_can_t_share_a_folder(root: Path) -> None:
    """Exit 3, naming the other one."""
    copy = written(root, "copy", BOARD)
    with pytest.raises(StoryboardError, match=r"belongs to specs/board\.yaml"):
        open_sources([root / "specs/board.yaml", copy], RunOptions())


def test_another_file_that_still_has_the_id_keeps_the_folder(root: Path) -> None:
    """A copied storyboard is asked to take an id of its own."""
    written(root, "copy", BOARD)
    with pytest.raises(StoryboardError) as caught:
        check_claim(source_of(root, "copy"), "specs/board.yaml")
    assert caught.value.exit_code == 3
    assert [problem.code for problem in caught.value.problems] == ["folder-claimed"]


def test_a_moved_storyboard_goes_on_with_a_notice(root: Path) -> None:
    """Renamed or moved; or the old file has another id by now."""
    assert check_claim(source_of(root), "specs/old.yaml") == (
        "the storyboard was moved: specs/old.yaml -> specs/board.yaml"
    )
    written(root, "other", BOARD.replace("board", "other"))
    notice = check_claim(source_of(root), "specs/other.yaml")
    assert notice is not None
    assert "specs/other.yaml" in notice


def test_the_same_file_by_another_name_is_no_other_file(root: Path) -> None:
    """A link to the storyboard claims nothing."""
    (root / "link.yaml").symlink_to(root / "specs/board.yaml")
    notice = check_claim(source_of(root), "link.yaml")
    assert notice is None or "moved" in notice


def test_nobody_claims_a_new_folder(root: Path) -> None:
    """Nothing to say."""
    assert check_claim(source_of(root), None) is None
    assert check_claim(source_of(root), "specs/board.yaml") is None


@pytest.mark.parametrize(("made_with", "new_origin"), [(None, False), (ORIGIN, False), ("https://x", True)])
def test_an_origin_that_fits_or_is_wanted_is_fine(made_with: str | None, new_origin: bool) -> None:
    """New, the same, or ``--new-origin``."""
    check_origin(Path("out"), made_with, ORIGIN, new_origin=new_origin)


def test_another_origin_is_refused(root: Path) -> None:
    """Exit 7, before anything is written."""
    committed(root, base_url="https://staging.example")
    with pytest.raises(ForeignFolder) as caught:
        prepared(root, writing=True)
    assert caught.value.exit_code == 7
    assert not (root / "outputs/board" / JOURNAL).exists()
    assert prepared(root, base_url=None).made_with == "https://staging.example"


@pytest.mark.parametrize("writing", [False, True])
def test_a_clone_with_only_the_manifest_goes_on(root: Path, writing: bool) -> None:
    """The colleague's task is resumed; only a run puts that on record."""
    committed(root)
    found = prepared(root, writing=writing)
    assert [step.action for step in found.plan.steps] == [Action.RESUME]
    found.ledger.close()
    assert (root / "outputs/board" / JOURNAL).exists() is writing


def test_files_that_are_gone_are_fetched(root: Path) -> None:
    """The plan looks at the disk."""
    committed(root, AttemptState.STORED)
    found = prepared(root)
    assert [step.action for step in found.plan.steps] == [Action.DOWNLOAD]
    assert list(found.bad_files.values()) == ["is missing"]


def renamed(root: Path, text: str, *, simulate: bool = False) -> list[str]:
    """The problems of a storyboard ``new.yaml`` whose former file ``old.yaml`` made ``outputs/old``."""
    made = prepared_from(root, "old")
    made.ledger.record(run_started(made.source, ORIGIN, "0.1", 1))
    made.ledger.record(
        Intended(
            key="k",
            shot="a",
            take=1,
            fingerprint=made.plan.steps[0].fingerprint or "",
            number=1,
            model="m",
            body="{}",
        )
    )
    made.ledger.close()
    (root / "specs/old.yaml").unlink()
    written(root, "new", text)
    try:
        open_sources([root / "specs/new.yaml"], RunOptions(simulate=simulate))
    except StoryboardError as error:
        assert error.exit_code == 3
        assert all(problem.code == "renamed" for problem in error.problems)
        return [problem.message for problem in error.problems]
    return []


def prepared_from(root: Path, name: str) -> Prepared:
    """A storyboard without an id of its own, with its plan."""
    written(root, name, NAMELESS)
    source = source_of(root, name)
    ledger = Ledger(source.folder, now=lambda: NOW)
    return prepare(source, ledger, RunOptions(), None, base_url=ORIGIN, writing=True)


def test_a_renamed_storyboard_without_an_id_asks_which_it_is(root: Path) -> None:
    """Under its new name all of it would be paid for again: exit 3, with both ways to decide."""
    [message] = renamed(root, NAMELESS)
    assert "specs/old.yaml" in message
    assert "'id: old'" in message
    assert "'id: new'" in message
    assert not (root / "outputs/new").exists()


@pytest.mark.parametrize("shot", ["{id: b, prompt: a}", "{id: a, prompt: changed}"])
def test_the_same_take_or_the_same_shot_is_enough(root: Path, shot: str) -> None:
    """Its shots were renamed too, or its prompts edited."""
    assert len(renamed(root, f"shots: [{shot}]\n")) == 1


@pytest.mark.parametrize(
    "text", ["id: new\n" + "shots: [{id: a, prompt: a}]\n", "shots: [{id: b, prompt: another}]\n"]
)
def test_an_id_of_its_own_or_other_shots_ask_nothing(root: Path, text: str) -> None:
    """A decision that was made, or another storyboard."""
    assert renamed(root, text) == []


def test_a_simulated_run_does_not_care_about_paid_results(root: Path) -> None:
    """It would not use them either."""
    assert renamed(root, NAMELESS, simulate=True) == []


def test_going_on_with_the_old_id_pays_for_nothing_again(root: Path) -> None:
    """The open create of before is resumed."""
    renamed(root, NAMELESS)
    written(root, "new", "id: old\n" + NAMELESS)
    source = source_of(root, "new")
    ledger = Ledger(source.folder, now=lambda: NOW)
    found = prepare(source, ledger, RunOptions(), None, base_url=ORIGIN, writing=False)
    assert [step.action for step in found.plan.steps] != [Action.CREATE]
    assert found.notice == "the storyboard was moved: specs/old.yaml -> specs/new.yaml"
