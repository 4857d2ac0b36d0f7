"""``pick`` and ``approve`` as functions."""

from __future__ import annotations

from rivya_run.api.given import PathLike, options_of, path_of
from rivya_run.project import decisions
from rivya_run.project.decisions import WrittenDecision
from rivya_run.project.plan import RunOptions


def pick(
    storyboard: PathLike, shot: str, take: int | str, options: RunOptions | None = None
) -> WrittenDecision:
    """Write into the storyboard that a take stands for a shot: by its number, or by digits of its file's sha256.

    Raises RivyaError where it can't be written, UsageError (there is no such shot), StoryboardError.
    """
    return decisions.pick(path_of(storyboard), shot, take, options_of(options))


def approve(
    storyboard: PathLike, shot: str, take: int | str | None = None, options: RunOptions | None = None
) -> WrittenDecision:
    """Write into the storyboard that a take is settled; without ``take`` the one that is chosen now.

    Raises what ``pick`` does.
    """
    return decisions.approve(path_of(storyboard), shot, take, options_of(options))
