"""What the words of a command line can be, for a shell that completes them: storyboards, shots, tags, models.

A file that can't be read has nothing to offer; nothing is ever said about it here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from rivya_run.project.places import DEFAULT_FILE

if TYPE_CHECKING:
    from rivya_run.storyboard.model import Storyboard

_PLAIN = re.compile(r"[\w./:@%+,~-]+")
"""What a shell needs no quotes for: names with other characters are left to the shell's own completion of files."""


def storyboards(_: click.Context, __: click.Parameter | None, incomplete: str) -> list[CompletionItem[str]]:
    """The storyboards of the folder that is begun; where there is none, whatever files the shell finds."""
    from rivya_run.errors import RivyaError
    from rivya_run.project.open import has_shots, storyboards_in

    folder, slash, begun = incomplete.rpartition("/")
    found = []
    for file in storyboards_in(Path(folder + slash)):
        name = f"{folder}{slash}{file.name}"
        with suppress(RivyaError):
            if file.name.startswith(begun) and _PLAIN.fullmatch(name) and has_shots(file):
                found.append(CompletionItem(name))
    return found or [CompletionItem(incomplete, type="file")]


def shots(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The ids of what is made."""
    return _of((shot.id for board in _named(ctx) for shot in board.shots), incomplete)


def takes(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """The takes of the shot that is named."""
    most = max(
        (shot.takes for board in _named(ctx) if (shot := board.shot(ctx.params.get("shot", "")))), default=0
    )
    return _of(map(str, range(1, most + 1)), incomplete)


def patterns(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """What ``--only`` takes: ids, those in the file too, and tags, scenes and versions."""
    from rivya_run.storyboard.selection import patterns_of

    return _of(patterns_of(shot for board in _named(ctx) for shot in board.shots), incomplete)


def versions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    return _of((one for board in _named(ctx) for one in board.films if one is not None), incomplete)


def models(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    from rivya_run.errors import RivyaError
    from rivya_run.models.catalog import PROJECT_FOLDER, load_catalog
    from rivya_run.project.places import project_root

    with suppress(RivyaError):
        return _of(load_catalog(project_root(Path.cwd() / "any") / PROJECT_FOLDER).ids(), incomplete)
    return []


def _of(words: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    """Each word once that begins as what is typed so far."""
    return [CompletionItem(word) for word in dict.fromkeys(words) if word.startswith(incomplete)]


def _named(ctx: click.Context) -> list[Storyboard]:
    """The storyboards that the command line names so far, as far as they can be read."""
    from rivya_run.errors import RivyaError
    from rivya_run.project.open import draft_of, storyboard_files

    given = ctx.params.get("storyboards") or ctx.params.get("storyboard") or ctx.args or DEFAULT_FILE
    paths = [Path(one) for one in ([given] if isinstance(given, str | Path) else given)]
    found = []
    for path in paths:
        with suppress(RivyaError, OSError):
            found += [draft for file in storyboard_files([path]) if (draft := draft_of(file)) is not None]
    return found
