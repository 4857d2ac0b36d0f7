"""Which files no present take uses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from examples import attempt, shot
from rivya_run.journal.attempt import Attempt, AttemptState
from rivya_run.json_types import Json
from rivya_run.project.clean import unused
from rivya_run.project.names import arriving

OLD = attempt(shot("a", "old"))
NEW = attempt(shot("a", "new"))
KNOWN = {OLD.client_request_id: OLD, NEW.client_request_id: NEW}


def paths(there: list[str], attempts: dict[str, Attempt] = KNOWN) -> list[str]:
    """What may go when only NEW serves a present take."""
    return [one.path for one in unused(attempts, {NEW.client_request_id}, there)]


def test_outputs_of_former_prompts_may_go_and_present_ones_stay() -> None:
    """The file of the take as it is asked for now is never listed."""
    old, new = OLD.outputs[0].path, NEW.outputs[0].path
    [one] = unused(KNOWN, {NEW.client_request_id}, [old, new])
    assert (one.path, one.key) == (old, OLD.client_request_id)


def test_what_the_records_do_not_know_is_never_touched() -> None:
    """Reports, cuts, and whatever a person put there."""
    assert paths(["a/notes.txt", "report.html", "a/a_t09_ffffffff.mp4", "a/my.changed.mp4"]) == []


def test_an_edited_copy_beside_an_original_may_go() -> None:
    """``<name>.changed.<ext>`` of a recorded file, numbered or not."""
    stem = NEW.outputs[0].path.removesuffix(".mp4")
    copies = [f"{stem}.changed.mp4", f"{stem}.changed_2.mp4"]
    assert paths(copies) == copies


def test_a_still_that_was_never_recorded_may_go_also_under_the_name_from_before() -> None:
    """A run was killed between still and record, and the next one renamed the clip; a person's file stays."""
    stem = NEW.outputs[0].path.removesuffix(".mp4")
    before = stem.replace("a/a_t01", "b/b_t02")
    assert paths([f"{before}_last.png", "b/b_t02_ffffffff_last.png"]) == [f"{before}_last.png"]


def part(key: str, index: int = 0) -> str:
    """Where a file of an attempt arrives."""
    return arriving(Path(), key, index).as_posix()


def test_a_download_may_go_unless_its_file_can_still_be_fetched() -> None:
    """A part of an open attempt is the beginning of a paid clip; so is one of a file that isn't under its name."""
    downloads = [part(NEW.client_request_id) + ending for ending in ("", ".cut", ".json", ".kept")]
    running = replace(NEW, state=AttemptState.RUNNING, outputs=())
    assert paths(downloads) == downloads
    assert paths(downloads, {NEW.client_request_id: running}) == []
    missing = {NEW.outputs[0].path: "is missing"}
    assert unused(KNOWN, {NEW.client_request_id}, downloads, missing) == []
    assert paths([part(NEW.client_request_id, 1)]) == []


def test_a_download_of_a_file_that_somebody_removed_may_go_until_it_is_asked_for_again() -> None:
    """``clean`` removed the clip; what an earlier run left of it in part isn't needed then."""
    removed = replace(OLD, outputs=(replace(OLD.outputs[0], removed=True),))
    known = {OLD.client_request_id: removed, NEW.client_request_id: NEW}
    bad = {OLD.outputs[0].path: "is missing"}
    assert [
        one.path for one in unused(known, {NEW.client_request_id}, [part(OLD.client_request_id)], bad)
    ] == [part(OLD.client_request_id)]
    assert (
        unused(known, {NEW.client_request_id, OLD.client_request_id}, [part(OLD.client_request_id)], bad)
        == []
    )


def test_what_was_left_of_a_frame_may_go() -> None:
    """A run that was killed over it left half a picture, or one that is on no record."""
    stem = NEW.outputs[0].path.removesuffix(".mp4")
    left = [f"{stem}_last.png", f"{stem}_1-5s.png.part", f"{stem}_first.png.part.part"]
    assert paths(left) == sorted(left)
    assert paths(["a/mine_last.png", "a/mine.part"]) == []


def test_frames_stay_with_the_clip_that_they_were_taken_from() -> None:
    """A still of a present clip is in use, one of a former clip isn't."""

    def with_still(made: Attempt, path: str) -> Attempt:
        media: dict[str, Json] = {"frames": [{"frame": "last", "path": path, "sha256": "x", "bytes": 1}]}
        return replace(made, outputs=(replace(made.outputs[0], media=media),))

    known = {
        OLD.client_request_id: with_still(OLD, "a/old_last.png"),
        NEW.client_request_id: with_still(NEW, "a/new_last.png"),
    }
    assert paths(["a/old_last.png", "a/new_last.png"], known) == ["a/old_last.png"]
