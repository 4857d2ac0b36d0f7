"""Timelines for editors, read back through OpenTimelineIO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

import boards
from rivya_run.errors import RivyaError, UsageError
from rivya_run.film.edit import edited
from rivya_run.film.from_manifest import script_of
from rivya_run.film.timeline import SUFFIXES, UsedShot, used_shots, write_timeline

ADAPTERS = {"otio": "otio_json", "edl": "cmx_3600", "fcpxml": "fcpx_xml", "fcp7xml": "fcp_xml"}
FORMATS = list(ADAPTERS)


def read(path: Path, form: str) -> list[otio.schema.Clip]:
    """The clips of a timeline file."""
    options = {"rate": 30} if form == "edl" else {}
    found = otio.adapters.read_from_file(str(path), ADAPTERS[form], **options)
    if isinstance(found, otio.schema.SerializableCollection):
        found = found.find_children(descended_from_type=otio.schema.Timeline)[0]
    return list(found.find_clips())


def handed_over(folder: Path, board: dict[str, Any], form: str) -> list[otio.schema.Clip]:
    """The clips of a timeline written for a board."""
    return read(
        write_timeline(edited(script_of(board, folder)), folder / f"timeline{SUFFIXES[form]}", form).path,
        form,
    )


@pytest.mark.parametrize("form", FORMATS)
def test_a_timeline_holds_the_chosen_takes_with_their_real_length(tmp_path: Path, form: str) -> None:
    """Order, relative paths, rates and ranges come back as they went, in every format."""
    board = boards.small_board(tmp_path, frames=(3, 6, 9))
    clips = handed_over(tmp_path, board, form)
    assert [clip.media_reference.target_url for clip in clips] == [
        f"sh0{n}0/sh0{n}0_t01_0123abcd.mp4" for n in (1, 2, 3)
    ]
    spans = [clip.source_range for clip in clips]
    assert [span.duration.to_seconds() for span in spans] == pytest.approx([0.1, 0.2, 0.3])
    assert [span.duration.rate for span in spans] == [30, 30, 30]
    assert [span.start_time.value for span in spans] == [0, 0, 0]
    assert [clip.name for clip in clips] == ["sh010_t01", "sh020_t01", "sh030_t01"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_timeline_tells_where_each_clip_came_from(tmp_path: Path, form: str) -> None:
    """Shot, scene, prompt, task, model and credits are in the file, whatever signs they are written with."""
    board = boards.small_board(tmp_path, frames=(3,))
    taken = board["shots"][0]["takes"][0]
    taken["request"]["prompt"] = 'A <b>"bold"</b> & quiet\nmorning \x07'
    path = write_timeline(edited(script_of(board, tmp_path)), tmp_path / f"t{SUFFIXES[form]}", form).path
    content = path.read_text("utf-8")
    for word in ("sh010", "intro", "quiet", "task_sh010_1", "grok-imagine-video", "10"):
        assert word in content
    assert "\x07" not in content
    assert len(read(path, form)) == 1


def test_metadata_of_an_otio_clip_are_structured(tmp_path: Path) -> None:
    """OTIO keeps the metadata as they are, under our own name."""
    clips = handed_over(tmp_path, boards.small_board(tmp_path, frames=(3,)), "otio")
    known = dict(clips[0].metadata["rivya"])
    assert known["shot"] == "sh010" and known["take"] == 1 and known["scene"] == "intro"
    assert known["task_id"] == "task_sh010_1" and known["credits"] == 10
    assert known["prompt"] == "Slow push-in on the machine"


def test_a_still_is_held_and_rates_may_differ(tmp_path: Path) -> None:
    """A still lasts 2 s; a clip keeps its own rate, except in an EDL, which has only one."""
    board = boards.small_board(tmp_path, frames=(30, 30))
    boards.clip(tmp_path / "c.mp4", frames=12, rate=24)
    boards.still(tmp_path / "k.png")
    for name, file in (("sh030", "c.mp4"), ("key", "k.png")):
        made = boards.take(shot=name, outputs=[boards.output(tmp_path, file)])
        board["shots"].append(boards.shot(name, [made]))
    lengths = {
        form: [clip.source_range.duration for clip in handed_over(tmp_path, board, form)] for form in FORMATS
    }
    for form in FORMATS:
        assert [length.to_seconds() for length in lengths[form]] == pytest.approx([1, 1, 0.5, 2], abs=0.02)
    assert [length.rate for length in lengths["otio"]] == [30, 30, 24, 30]
    assert [length.rate for length in lengths["edl"]] == [30, 30, 30, 30]


def test_paths_lead_from_wherever_the_timeline_is_written(tmp_path: Path) -> None:
    """A timeline in another folder points back to the clips, signs of URLs escaped."""
    board = boards.small_board(tmp_path / "out#1", frames=(3,))
    to = tmp_path / "edit" / "a.otio"
    write_timeline(edited(script_of(board, tmp_path / "out#1")), to, "otio")
    assert read(to, "otio")[0].media_reference.target_url == "../out%231/sh010/sh010_t01_0123abcd.mp4"


def test_nothing_finished_is_a_clear_problem(tmp_path: Path) -> None:
    """Without a finished take there is no timeline."""
    board = boards.manifest([boards.shot("a", [boards.take(1, "failed")])])
    with pytest.raises(RivyaError, match="nothing to export"):
        write_timeline(edited(script_of(board, tmp_path)), tmp_path / "a.otio", "otio")


@pytest.mark.parametrize("form", FORMATS)
def test_used_shots_come_back_from_every_format(tmp_path: Path, form: str) -> None:
    """What an editor kept is told by shot, take and seconds."""
    board = boards.small_board(tmp_path, frames=(3, 6))
    path = write_timeline(edited(script_of(board, tmp_path)), tmp_path / f"t{SUFFIXES[form]}", form).path
    assert used_shots(path) == [UsedShot("sh010", 1, 0.1), UsedShot("sh020", 1, 0.2)]


def test_an_edl_of_another_program_is_read_at_the_rate_its_frames_allow(tmp_path: Path) -> None:
    """Without our comment on the rate, frame numbers tell it: 00:00:01:00 after frame 29 is 30 a second."""
    (tmp_path / "a.edl").write_text(
        "TITLE: x\n\n001  AX V C 00:00:00:00 00:00:00:29 00:00:00:00 00:00:00:29\n"
        "* FROM CLIP NAME: sh010_t02_0123abcd.mp4\n* FROM CLIP: sh010/sh010_t02_0123abcd.mp4\n",
        encoding="utf-8",
    )
    assert used_shots(tmp_path / "a.edl") == [UsedShot("sh010", 2, round(29 / 30, 6))]


def test_an_edit_that_cut_and_repeated_clips_is_summed(tmp_path: Path) -> None:
    """Seconds of a take add up wherever it is used; clips that are none of ours are left out."""
    board = boards.small_board(tmp_path, frames=(3, 6))
    path = write_timeline(edited(script_of(board, tmp_path)), tmp_path / "a.otio", "otio").path
    timeline = otio.adapters.read_from_file(str(path))
    track = timeline.tracks[0]
    again = track[1].deepcopy()
    again.source_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(1, 30), otio.opentime.RationalTime(2, 30)
    )
    track.append(again)
    track.append(otio.schema.Clip("music video", source_range=again.source_range))
    del track[0]
    otio.adapters.write_to_file(timeline, str(tmp_path / "b.otio"))
    assert used_shots(tmp_path / "b.otio") == [UsedShot("sh020", 1, round(8 / 30, 6))]


@pytest.mark.parametrize("name", ["a.otio", "a.edl", "a.fcpxml", "a.xml", "a.txt", "none.otio"])
def test_what_is_no_timeline_is_a_clear_problem(tmp_path: Path, name: str) -> None:
    """A broken, foreign or missing file is refused by name."""
    if name != "none.otio":
        (tmp_path / name).write_text("not <a timeline", encoding="utf-8")
    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        used_shots(tmp_path / name)
