"""One picture of a run as text that fits a terminal: pure, from a scoreboard."""

from __future__ import annotations

from heapq import nsmallest

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from rivya_run.reporting.scoreboard import Mark, Scene, Scoreboard
from rivya_run.reporting.wording import clock_time, credits_in_words
from rivya_run.safetext import visible

_NAME_WIDTH = 24
_COUNTS_WIDTH = 34
_BAR_WIDTH = 40
_STYLES = {
    Mark.DONE: "green",
    Mark.FLIGHT: "cyan",
    Mark.FAILED: "red",
    Mark.UNKNOWN: "magenta",
    Mark.WAITING: "dim",
}
_LETTERS = {
    Mark.DONE: "█",
    Mark.FLIGHT: "▒",
    Mark.FAILED: "x",
    Mark.UNKNOWN: "?",
    Mark.WAITING: "·",
}
_ASCII = {**_LETTERS, Mark.DONE: "#", Mark.FLIGHT: "=", Mark.WAITING: "."}
_ORDER = (Mark.DONE, Mark.FAILED, Mark.UNKNOWN, Mark.FLIGHT, Mark.WAITING)
"""The order of the parts of a bar."""


def frame(
    board: Scoreboard, width: int, height: int, *, ended: bool = False, ascii_only: bool = False
) -> Text:
    """At most ``height`` lines of at most ``width`` cells. ``ended``: the last one, without takes in flight."""
    letters = _ASCII if ascii_only else _LETTERS
    lines = [_head(board, ended=ended)]
    active = 0 if ended else len(board.active)
    room = max(1, height - len(lines) - min(active, max(3, height // 3)))
    lines += _scene_lines(board, width, room, letters)
    if active:
        lines += _active_lines(board, height - len(lines))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n").join(lines[:height])


def _head(board: Scoreboard, *, ended: bool) -> Text:
    head = Text()
    head.append(f"{board.count(Mark.DONE)}/{board.total} takes", style="bold")
    for mark in (Mark.FLIGHT, Mark.FAILED, Mark.UNKNOWN):
        if board.count(mark):
            head.append("  ")
            head.append(f"{board.count(mark)} {mark.value}", style=_STYLES[mark])
    if board.credits:
        head.append(f"  {credits_in_words(board.credits)} reserved")
    head.append(f"  {clock_time(board.elapsed())}", style="dim")
    if not ended:
        head.append(f"  at most {board.limit} at once", style="dim")
        pause = board.pause()
        if pause is not None:
            head.append(f"  waiting {pause[0]:.0f} s: {visible(pause[1])}", style="yellow")
    return head


def _scene_lines(board: Scoreboard, width: int, room: int, letters: dict[Mark, str]) -> list[Text]:
    """The scenes; where not all fit, those with something to see come first and the others are summed up."""
    scenes = [scene for scene in board.scenes.values() if scene.total]
    several = len({scene.storyboard for scene in scenes}) > 1
    if len(scenes) <= room:
        return [_scene_line(scene, _name(scene, several), width, letters) for scene in scenes]
    ranked = sorted(scenes, key=_interest)[: max(0, room - 1)]
    shown = {id(scene) for scene in ranked}
    rest = Scene("", "")
    for scene in scenes:
        if id(scene) not in shown:
            for mark, count in scene.counts.items():
                rest.counts[mark] += count
    lines = [
        _scene_line(scene, _name(scene, several), width, letters) for scene in scenes if id(scene) in shown
    ]
    return [*lines, _scene_line(rest, f"{len(scenes) - len(ranked)} other scenes", width, letters)]


def _interest(scene: Scene) -> int:
    """Lower comes first: in flight, trouble, waiting, done."""
    for place, mark in enumerate((Mark.FLIGHT, Mark.FAILED, Mark.UNKNOWN, Mark.WAITING)):
        if scene.counts[mark]:
            return place
    return 4


def _name(scene: Scene, several: bool) -> str:
    name = visible(scene.name) or ("takes" if not several else "")
    return f"{visible(scene.storyboard)} {name}".rstrip() if several else name


def _scene_line(scene: Scene, name: str, width: int, letters: dict[Mark, str]) -> Text:
    bar_width = max(8, min(_BAR_WIDTH, width - _NAME_WIDTH - _COUNTS_WIDTH))
    if cell_len(name) > _NAME_WIDTH:
        name = set_cell_size(name, _NAME_WIDTH - 1) + "…"
    line = Text("  " + set_cell_size(name, _NAME_WIDTH) + " ")
    for mark, cells in bar(scene, bar_width).items():
        line.append(letters[mark] * cells, style=_STYLES[mark])
    line.append(f" {scene.counts[Mark.DONE]}/{scene.total}")
    for mark in (Mark.FLIGHT, Mark.FAILED, Mark.UNKNOWN):
        if scene.counts[mark]:
            line.append(f"  {scene.counts[mark]} {mark.value}", style=_STYLES[mark])
    return line


def bar(scene: Scene, width: int) -> dict[Mark, int]:
    """How many cells each mark gets, ``width`` in all: nothing that is there is invisible."""
    counts = {mark: scene.counts[mark] for mark in _ORDER if scene.counts[mark]}
    if not counts:
        return {}
    cells = {mark: max(1, count * width // scene.total) for mark, count in counts.items()}
    widest = max(cells, key=cells.__getitem__)
    cells[widest] += width - sum(cells.values())
    return cells


def _active_lines(board: Scoreboard, room: int) -> list[Text]:
    """Takes in flight, longest in their state first, and how many more there are."""
    shown = len(board.active) if len(board.active) <= room else max(0, room - 1)
    ranked = nsmallest(shown, board.active.items(), key=lambda one: one[1].since)
    several = len({storyboard for storyboard, _, _ in board.active}) > 1
    lines = []
    for (storyboard, shot, take), cell in ranked:
        name = visible(f"{storyboard} {shot}/{take}" if several else f"{shot}/{take}")
        padded = set_cell_size(name, _NAME_WIDTH) if cell_len(name) <= _NAME_WIDTH else name
        line = Text(f"  {padded} {cell.status:<9} ")
        line.append(f"{clock_time(board.age(cell)):>6}  {visible(cell.model)}", style="dim")
        lines.append(line)
    if shown < len(board.active) and room > 0:
        lines.append(Text(f"  and {len(board.active) - shown} more in flight", style="dim"))
    return lines
