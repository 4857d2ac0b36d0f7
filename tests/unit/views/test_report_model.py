"""The page as values: cards, spend, timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import boards
from rivya_run.project.manifest_reader import Entry
from rivya_run.text import figure
from rivya_run.views.page.cards import Page
from rivya_run.views.page.figures import SCALE, seconds, size, spend, timeline
from rivya_run.views.page.files import relative_url
from rivya_run.views.page.model import page


class Nothing:
    """An output folder in which every file is, without pictures."""

    def poster(self, path: str) -> str | None:
        return None

    def thumb(self, path: str) -> str | None:
        return None

    def embedded(self, path: str) -> None:
        return None

    def path(self, file: Path) -> str:
        return file.name

    def address(self, path: str) -> str:
        return relative_url(path)

    def reference(self, upload: Entry) -> str | None:
        return None

    def holds(self) -> str:
        return ""

    def exists(self, path: str) -> bool:
        return "gone" not in path


def of(shots: list[dict[str, Any]], **more: Any) -> Page:
    """The page of these shots."""
    return page(boards.manifest(shots, **more), Nothing())


def test_the_page_counts_what_there_is(tmp_path: Path) -> None:
    """Titles, counts, length of the cut and scenes come from the manifest."""
    made = page(boards.rich_board(tmp_path), Nothing())
    assert (made.title, made.shots, made.takes, made.chosen, made.running_time) == ("board", 6, 9, 3, "0.8 s")
    assert [scene.name for scene in made.scenes] == ["", "intro", "end"]
    assert made.tags == ("hero", "night")
    assert [(status, count) for status, _, count in made.counts] == [
        ("unknown", 1),
        ("failed", 1),
        ("pending", 1),
        ("planned", 1),
        ("succeeded", 5),
    ]
    assert [shot.shown for scene in made.scenes for shot in scene.shots] == [1, 2, 1, None, None, None]


def test_a_take_shows_all_that_helps_to_judge_and_to_ask_for_support() -> None:
    """Facts, params, times, ids and the error with its request id are on the card; reference items are not params."""
    failure = {"code": "generation_failed", "message": "No.", "request_id": "req_9"}
    earlier = boards.take(1, "failed", error=failure, final_credits=3)
    taken = boards.take(
        params={
            "duration": 6,
            "fun": True,
            "referenceMediaItems": [{"url": "https://x/a.png?sig=1", "kind": "image"}],
        },
        outputs=[
            {"path": "a b.mp4", "bytes": 2048, "width": 640, "height": 360, "duration": 6.04, "audio": True},
            {"path": "second.mp4"},
        ],
        attempts=[earlier],
    )
    card = of([boards.shot("a", [taken])]).scenes[0].shots[0].takes[0]
    assert card.source == "./a%20b.mp4"
    assert card.facts == "640×360 · 6.04 s · sound"
    assert card.params == (("duration", "6"), ("fun", "true"))
    assert [(one.name, one.kind) for one in card.references] == [("https://x/a.png", "image")]
    assert ("Task id", "task_sh010_1") in card.copyable
    assert ("Took", "59 s") in card.times and ("Size", "2.0 KiB") in card.times
    assert card.more_files == (("second.mp4", "./second.mp4"),)
    assert card.attempts[0].error == "generation_failed: No."
    failed = of([boards.shot("a", [earlier])]).troubles[0]
    assert failed.error is not None and failed.error.request_id == "req_9"


def test_a_clip_that_is_not_what_was_asked_for_needs_attention() -> None:
    """Short, black and doubtful clips and missing files are listed with the figure."""
    black: dict[str, Any] = {"check": "black", "from": 0.0, "to": 3.0, "about": "black throughout"}
    checks = [{"check": "short", "about": "3 s instead of the 6 s asked for"}, black]
    short = boards.take(outputs=[{"path": "a.mp4", "duration": 3.0, "checks": checks}])
    gone = boards.take(2, outputs=[{"path": "gone.mp4"}])
    doubtful = boards.take(3, outputs=[{"path": "c.mp4", "doubt": "a packet is cut off"}])
    found = of([boards.shot("a", [short, gone, doubtful])])
    assert [take.trouble for take in found.troubles] == [
        "3 s instead of the 6 s asked for; black throughout",
        "The file is missing from the output folder",
        "may not be whole: a packet is cut off",
    ]
    assert found.troubles[1].source is None


def test_spend_is_split_into_what_is_shown_and_what_is_not() -> None:
    """Chosen, other, failed and abandoned credits add up to what was spent; returned ones are told apart."""
    failed_once = boards.take(1, "failed", final_credits=2)
    shots = [
        boards.shot("a", [boards.take(1, final_credits=8), boards.take(2)]),
        boards.shot("b", [boards.take(1, "failed"), boards.take(2, "pending", attempts=[failed_once])]),
        boards.shot("c", [boards.take(1, "planned", reserved_credits=None, final_credits=None)]),
    ]
    found = spend(boards.manifest(shots, history=[boards.take(shot="old") | {"shot": "old"}]))
    assert (found.chosen, found.others, found.failed, found.abandoned) == (8, 20, 2, 10)
    assert (found.spent, found.running, found.returned) == (40, 10, 2 + 10 + 8)
    assert [(line.name, line.spent, line.share) for line in found.by_shot] == [
        ("a", 18, 100),
        ("b", 12, 67),
        ("old (abandoned)", 10, 56),
    ]
    assert found.by_model[0].spent == found.spent


def test_the_timeline_shows_each_phase_and_splits_runs_that_are_far_apart() -> None:
    """Phases go from one time to the next; takes a day apart are on scales of their own."""
    steps = [
        {"status": "queued", "at": "2026-05-11T00:00:00Z"},
        {"status": "processing", "at": "2026-05-11T00:00:10Z"},
        {"status": "downloading", "at": "2026-05-11T00:00:30Z"},
        {"status": "stored", "at": "2026-05-11T00:00:40Z"},
    ]
    first = boards.take(1, timeline=steps, sent_at=None)
    later = boards.take(2, created_at="2026-05-12T00:00:00Z", updated_at="2026-05-12T00:01:40Z")
    never = boards.take(3, "planned", created_at=None, updated_at=None, sent_at=None)
    runs = timeline(boards.manifest([boards.shot("a", [first, later, never])]))
    assert [(run.took, len(run.rows)) for run in runs] == [("40 s", 1), ("1 min 40 s", 1)]
    bars = runs[0].rows[0].bars
    assert [(bar.phase, bar.left, bar.width) for bar in bars] == [
        ("queued", 0, 250),
        ("processing", 250, 500),
        ("downloading", 750, 250),
    ]
    assert runs[0].ticks == ("0 s", "10 s", "20 s", "30 s", "40 s")


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=6))
def test_bars_never_leave_the_scale(offsets: list[int]) -> None:
    """Whatever the order of the times, every bar is on the scale and wide enough to be seen."""
    steps = [
        {
            "status": "processing",
            "at": f"2026-05-{11 + offset // 86400}T{offset // 3600 % 24:02}:{offset // 60 % 60:02}:00Z",
        }
        for offset in offsets
    ]
    for run in timeline(boards.manifest([boards.shot("a", [boards.take(timeline=steps)])])):
        for bar in run.rows[0].bars:
            assert bar.left >= 0 and bar.width >= 2 and bar.left + bar.width <= SCALE + 0.2


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"shots": None, "storyboard": [], "history": {}, "uploads": 3, "totals": "x"},
        {"shots": [{}, {"id": 7, "takes": [{}, {"status": "odd", "request": [], "outputs": [{}]}]}]},
        {
            "shots": [
                {"id": "a", "tags": "x", "takes": [{"take": "1", "timeline": [{"at": "never"}], "error": 5}]}
            ]
        },
        {"history": [{"shot": None}], "updated_at": 12, "base_url": None},
    ],
)
def test_a_manifest_with_missing_or_odd_fields_still_has_a_page(document: dict[str, Any]) -> None:
    """Older, newer and broken manifests are shown as far as they go."""
    assert page(document, Nothing()).title


def test_text_is_shown_with_its_control_characters_visible() -> None:
    """Line breaks of a prompt stay, overrides of the reading direction and bells don't act."""
    card = of([boards.shot("a", [boards.take(prompt="one\ntwo\x07\u202eevil")])]).scenes[0].shots[0]
    assert card.prompt == "one\ntwo\\x07\\u202eevil"


def test_a_path_is_never_taken_for_another_address() -> None:
    """Signs that mean something in a URL are escaped, and a path can't begin with a scheme or a host."""
    assert relative_url("a/b#1?x y.mp4") == "./a/b%231%3Fx%20y.mp4"
    assert relative_url("//host/x") == ".///host/x"


def test_figures_are_written_as_people_do() -> None:
    """Credits, lengths and sizes have no idle decimals."""
    assert (figure(1234.5), figure(10.0), seconds(6.0416), seconds(75), seconds(7300)) == (
        "1,234.5",
        "10",
        "6.04 s",
        "1 min 15 s",
        "2 h 1 min",
    )
    assert (size(3), size(2048), size(5_000_000)) == ("3 bytes", "2.0 KiB", "4.8 MiB")


def test_what_is_decided_is_told_by_the_manifest() -> None:
    """Also where the storyboard can't be read: the approved take, and one that a check has stopped."""
    digits = "ab" * 32
    file = {"path": "a.mp4", "mime_type": "video/mp4", "sha256": digits}
    first = boards.take(1, outputs=[file], stopped=["black", "frozen"])
    second = boards.take(2, outputs=[{**file, "sha256": "cd" * 32}])
    settled = boards.shot("s1", [first, second], pick=2, approved="2@cdcdcdcd")
    nonsense = boards.shot("s2", [boards.take(1, outputs=[{**file, "sha256": 7}], stopped=3)], approved=[4])
    one, other = (shot for scene in of([settled, nonsense]).scenes for shot in scene.shots)
    assert (one.approved, [take.approved for take in one.takes]) == ("2@cdcdcdcd", [False, True])
    assert [take.digits for take in one.takes] == [digits, "cd" * 32]
    assert one.takes[0].waits == "Not used before it is approved: black, frozen"
    assert (other.takes[0].digits, other.takes[0].waits, other.together) == ("", "", None)
