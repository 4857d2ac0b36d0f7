"""Which shots of storyboards ``--only`` and ``--exclude`` mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from rivya_run.errors import UsageError
from rivya_run.storyboard.model import Shot, Storyboard
from rivya_run.suggest import suggest


@dataclass(frozen=True, slots=True)
class Selection:
    """The ids of the shots that a command asks for, and of those that it leaves out by name: what the first need
    comes along, but none of these."""

    shots: frozenset[str]
    excluded: frozenset[str] = frozenset()


NOTHING = Selection(frozenset())


def selected_shots(
    storyboards: list[Storyboard], only: tuple[str, ...], exclude: tuple[str, ...]
) -> list[Selection | None]:
    """What is asked for of each storyboard; None where nothing was left out.

    A pattern is a glob over ids (also those in the file, of which versions make others), ``tag:x``, ``scene:x`` or
    ``version:x``. Raises UsageError for one that matches nothing.
    """
    shots = [shot for storyboard in storyboards for shot in storyboard.shots]
    for pattern in (*only, *exclude):
        if not any(_matches(shot, pattern) for shot in shots):
            raise UsageError(f"{pattern!r} matches no shot", hint=_nearest(pattern, shots))
    if not only and not exclude:
        return [None for _ in storyboards]
    return [_of(storyboard, only, exclude) for storyboard in storyboards]


def _of(storyboard: Storyboard, only: tuple[str, ...], exclude: tuple[str, ...]) -> Selection:
    def ids(patterns: tuple[str, ...]) -> frozenset[str]:
        return frozenset(shot.id for shot in storyboard.shots if any(_matches(shot, one) for one in patterns))

    excluded = ids(exclude)
    return Selection(ids(only or ("*",)) - excluded, excluded)


def _matches(shot: Shot, pattern: str) -> bool:
    kind, colon, name = pattern.partition(":")
    if colon and kind == "tag":
        return any(fnmatchcase(tag, name) for tag in shot.tags)
    if colon and kind == "scene":
        return shot.scene is not None and fnmatchcase(shot.scene, name)
    if colon and kind == "version":
        return any(fnmatchcase(version, name) for version in shot.versions)
    return fnmatchcase(shot.id, pattern) or fnmatchcase(shot.family, pattern)


def patterns_of(shots: Iterable[Shot]) -> list[str]:
    """The patterns that name shots by what they have: ids, then those in the file, tags, scenes, versions."""
    every = list(shots)
    found = [*(shot.id for shot in every), *(shot.family for shot in every)]
    found += [f"tag:{tag}" for shot in every for tag in shot.tags]
    found += [f"scene:{shot.scene}" for shot in every if shot.scene is not None]
    found += [f"version:{version}" for shot in every for version in shot.versions]
    return list(dict.fromkeys(found))


def _nearest(pattern: str, shots: list[Shot]) -> str:
    near = suggest(pattern, patterns_of(shots))
    usual = "patterns are globs over shot ids, tag:NAME, scene:NAME or version:NAME"
    return f"did you mean {near!r}?" if near else usual
