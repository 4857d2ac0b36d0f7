"""Where all takes are, counted by scene, and the picture of it."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from examples import attempt, board, history_of, planner, shot
from rivya_run.journal.attempt import AttemptState
from rivya_run.journal.fold import History
from rivya_run.json_types import Json
from rivya_run.progress import Event
from rivya_run.storyboard.model import Shot
from rivya_run.views.live import Picture
from rivya_run.views.scoreboard import Mark, Scoreboard
from simulation import ManualClock


def scoreboard(*shots: Shot, history: History | None = None) -> Scoreboard:
    """A scoreboard that has counted a plan of these shots."""
    found = Scoreboard(concurrency=8, clock=ManualClock())
    found.plan(planner(board(*shots), history).plan())
    return found


def drawn(board: Scoreboard, width: int, height: int, *, encoding: str = "utf-8") -> str:
    """The picture on a terminal of that size, without styles."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    console = Console(file=file, width=width, height=height + 1, force_terminal=True, color_system=None)
    with console.capture() as said:
        console.print(Picture(board, console).drawn(), end="")
    return said.get().removesuffix("\n")


def changed(name: str, status: str, **detail: Json) -> Event:
    """A take came to that status."""
    return Event("take_changed", "board", name, 1, status, detail)


def test_a_take_goes_from_waiting_over_running_and_downloading_to_done() -> None:
    """Each event moves it from one count to another; what it reserved is spent in the end."""
    found = scoreboard(shot("a", scene="intro"), shot("b", scene="intro"))
    scene = found.scenes["board", "intro"]
    assert scene.counts[Mark.WAITING] == 2
    found.apply(changed("a", "pending", credits=10))
    assert (scene.counts[Mark.WAITING], scene.counts[Mark.RUNNING], len(found.active)) == (1, 1, 1)
    assert (found.reserved, found.spent) == (10, 0)
    found.apply(changed("a", "pending", credits=10, downloading=True, spent=9))
    assert (scene.counts[Mark.RUNNING], scene.counts[Mark.DOWNLOADING], len(found.active)) == (0, 1, 1)
    found.apply(changed("a", "succeeded", credits=10, spent=9))
    assert (scene.counts[Mark.DONE], scene.counts[Mark.DOWNLOADING], found.active) == (1, 0, {})
    assert (found.reserved, found.spent) == (0, 9)


def test_a_failed_take_gives_its_credits_back() -> None:
    """Only what is reserved now counts; another attempt reserves again."""
    found = scoreboard(shot("a"))
    found.apply(changed("a", "pending", credits=10))
    found.apply(changed("a", "failed", credits=10))
    assert (found.reserved, found.count(Mark.FAILED)) == (0, 1)
    found.apply(changed("a", "pending", credits=12))
    assert (found.reserved, found.count(Mark.FAILED), found.count(Mark.RUNNING)) == (12, 0, 1)


def test_what_was_there_before_is_counted_from_the_start() -> None:
    """Reused takes are done, running ones in flight, skipped ones don't count."""
    a, b, c = shot("a"), shot("b"), shot("c", skip=True)
    history = history_of(attempt(a), attempt(b, 1, AttemptState.RUNNING))
    found = scoreboard(a, b, c, history=history)
    assert (found.count(Mark.DONE), found.count(Mark.RUNNING), found.total) == (1, 1, 2)


def test_a_pause_is_shown_until_it_is_over() -> None:
    """Who waits sees for how long, and why."""
    clock = ManualClock()
    found = Scoreboard(concurrency=8, clock=clock)
    found.apply(Event("paused", detail={"seconds": 12, "reason": "too many requests"}))
    assert found.pause() == (12, "too many requests")
    assert "waiting 12 s: too many requests" in drawn(found, 120, 10)
    clock.advance(13)
    assert found.pause() is None


@pytest.mark.parametrize(("scenes", "takes"), [(1, 10), (4, 10), (60, 1000)])
@pytest.mark.parametrize(("width", "height"), [(80, 23), (120, 39), (30, 5)])
def test_the_picture_fits_the_terminal(scenes: int, takes: int, width: int, height: int) -> None:
    """No line is too long and there are never too many, at 10 takes and at 1,000."""
    shots = [shot(f"sh{n:04d}", scene=f"台 scene number {n % scenes} of a long name") for n in range(takes)]
    found = scoreboard(*shots)
    for number in range(0, takes, 3):
        found.apply(changed(f"sh{number:04d}", "pending", credits=10))
    lines = drawn(found, width, height).split("\n")
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
    assert lines[0].startswith(f"0/{takes:,} takes") and " running" in lines[0]


def test_nothing_is_cut_at_sixty_columns() -> None:
    """What doesn't fit on one line goes on in the next: counts, money, time and trouble are whole."""
    clock = ManualClock()
    found = Scoreboard(concurrency=25, clock=clock)
    found.plan(planner(board(*(shot(f"s{n}", scene="the harbour at dawn") for n in range(40))), None).plan())
    for number in range(25):
        found.apply(changed(f"s{number}", "pending", credits=30))
    for number in range(12):
        found.apply(changed(f"s{number}", "succeeded", credits=30, spent=30))
    for number in range(12, 16):
        found.apply(changed(f"s{number}", "pending", credits=30, spent=30, downloading=True))
    found.apply(changed("s16", "failed", credits=30))
    found.apply(changed("s17", "unknown", credits=30))
    found.apply(Event("limit_changed", detail={"limit": 8, "before": 25, "reason": "too many requests"}))
    away = {"host": "api.example.com", "since": "2026-05-11T14:03:12Z", "until": "2026-05-11T15:03:12Z"}
    found.apply(Event("unreachable", detail={**away, "reason": "ConnectError"}))
    lines = drawn(found, 60, 23).split("\n")
    head = " ".join(" ".join(lines[:6]).split())
    for part in (
        "12/40 takes",
        "7 running",
        "4 downloading",
        "15 waiting",
        "1 failed",
        "1 unknown",
        "480 credits spent",
        "240 credits reserved",
        "no connection to api.example.com since",
        "tried until",
        "the API takes 8 at once",
    ):
        assert part in head
    assert all(cell_len(line) <= 60 for line in lines) and "in flight" not in head
    found.apply(Event("reachable", detail={"host": "api.example.com", "seconds": 12.0}))
    assert "no connection" not in drawn(found, 60, 23)


def test_the_time_left_is_what_was_learned() -> None:
    """Known from tasks like those that run and wait; nothing is said where that isn't known of all."""
    clock = ManualClock()
    found = Scoreboard(concurrency=2, clock=clock)
    found.plan(planner(board(*(shot(f"s{n}") for n in range(6))), None).plan())
    for number in range(2):
        found.apply(changed(f"s{number}", "sent"))
    assert found.time_left() is None and " left" not in drawn(found, 80, 23)
    for number in range(2):
        found.apply(changed(f"s{number}", "pending", usual_seconds=60.0))
    assert found.time_left() == 180
    clock.advance(40)
    assert found.time_left() == 140 and "about 02:20 left" in drawn(found, 80, 23)
    clock.advance(400)
    assert found.time_left() == 120
    for number in range(6):
        found.apply(changed(f"s{number}", "succeeded"))
    assert found.time_left() is None


def test_scenes_that_do_not_fit_are_summed_up() -> None:
    """What moves is shown first; nothing is left out of the counts."""
    found = scoreboard(*(shot(f"s{n}", scene=f"scene{n}") for n in range(50)))
    found.apply(changed("s40", "pending"))
    text = drawn(found, 80, 20)
    assert "scene40" in text
    assert "other scenes" in text


def test_names_of_people_can_not_steer_the_terminal() -> None:
    """Control characters of scenes are made visible."""
    found = scoreboard(shot("a", scene="\x1b[31mred"))
    assert "\\x1b[31mred" in drawn(found, 80, 20)
    assert "\x1b" not in drawn(found, 80, 20)


def test_a_terminal_without_blocks_gets_ascii() -> None:
    """The bar is drawn in letters that every terminal has."""
    found = scoreboard(shot("a", scene="intro"))
    assert drawn(found, 80, 20, encoding="ascii").isascii()
