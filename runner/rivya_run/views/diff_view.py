"""What changed between two revisions, as a comment on a pull request: Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from rivya_run.project.difference import BoardNews, Difference, ShotNews
from rivya_run.text import counted, credits_in_words, figure, markdown, markdown_table
from rivya_run.views.wording import status_in_words

_HEADS = ("shot", "change", "takes", "spent", "to make")
_NUMBERS = (3, 4)


def diff_markdown(found: Difference) -> str:
    """Each storyboard with its shots; one line where nothing changed."""
    head = found.head or "the working tree"
    if not found.storyboards:
        return markdown(f"Nothing changed between {found.base} and {head}.")
    return "\n".join(line for board in found.storyboards for line in _board(board)).rstrip()


def _board(board: BoardNews) -> Iterator[str]:
    told = f" ({board.change})" if board.change != "changed" else ""
    yield f"### {markdown(board.storyboard)}{told}"
    yield ""
    for side, problem in board.problems.items():
        where = "before" if side == "base" else "now"
        yield f"{markdown(f'It has problems {where}, so nothing can be compared: {problem}')}"
        yield ""
    if not board.problems:
        changed = sum(one.change != "same" for one in board.shots)
        now = (
            f"{credits_in_words(board.to_spend)} to make what is missing"
            if board.to_spend
            else "nothing to pay"
        )
        yield f"**{counted(changed, 'shot')} changed, {credits_in_words(board.spent)} spent, {now}**"
        yield ""
    yield from (f"{markdown(words)}\n" for words in board.changes)
    if board.shots:
        rows = [[markdown(cell) for cell in _row(one)] for one in board.shots]
        yield from markdown_table(_HEADS, rows, _NUMBERS)
        yield ""


def _row(shot: ShotNews) -> tuple[str, ...]:
    words = [f"renamed from {shot.was}"] if shot.was else []
    words += [shot.change] if shot.change in ("new", "removed") else []
    takes = [f"{one.take} {status_in_words(one.status)}" for one in shot.takes]
    return (
        shot.shot,
        "; ".join([*words, *shot.changes]),
        ", ".join(takes),
        figure(shot.spent) if shot.spent else "",
        figure(shot.to_spend) if shot.to_spend else "",
    )
