"""What only looks: ``validate``, ``plan``, ``status``, ``verify``; and ``report``, which shows it on a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rivya_run.api.given import PathLike, options_of, outputs_of, path_of
from rivya_run.api.results import StoryboardStatus, takes_of
from rivya_run.errors import OutputFolderError, Problem
from rivya_run.film.cut import CutProgress
from rivya_run.planning.plan import Plan
from rivya_run.project.manifest_reader import mapping, number, text
from rivya_run.project.plan import RunOptions
from rivya_run.project.verify import Verified


def validate(
    storyboard: PathLike, *, strict: bool = False, allow_outside: bool = False
) -> tuple[Problem, ...]:
    """Every problem and advice of a storyboard, in file order; no network."""
    from rivya_run.project.open import open_storyboard
    from rivya_run.project.other_storyboards import judged

    opened = open_storyboard(path_of(storyboard), strict=strict, allow_outside=allow_outside)
    return judged(opened, strict=strict, allow_outside=allow_outside).problems


def plan(storyboard: PathLike, options: RunOptions | None = None) -> Plan:
    """What a run would do, why, and what it costs; no network, nothing is written."""
    from rivya_run.project.plan import open_sources, planned
    from rivya_run.project.plan_budgets import with_budgets

    chosen = options_of(options)
    with planned(open_sources([path_of(storyboard)], chosen), chosen) as [prepared]:
        if not chosen.simulate:
            with_budgets([prepared])
        return prepared.plan


def status(
    storyboard: PathLike, *, simulate: bool = False, outputs: PathLike | None = None
) -> StoryboardStatus:
    """What there is of a storyboard, by its records; no file of a take is looked at.

    Raises RivyaError where nothing was made yet, UsageError without such a storyboard.
    """
    from rivya_run.project.results import results_of

    found = results_of(path_of(storyboard), outputs_of(outputs), simulate=simulate)
    return StoryboardStatus(
        text(mapping(found.manifest.get("storyboard")).get("id")) or found.folder.name,
        found.folder,
        tuple(takes_of(found.manifest, found.folder)),
        number(mapping(found.manifest.get("totals")).get("spent_credits")) or 0.0,
        found.manifest,
    )


def verify(
    storyboard: PathLike, *, simulate: bool = False, outputs: PathLike | None = None
) -> tuple[Verified, ...]:
    """Every file on record, hashed; ``trouble`` is None for one that is what was paid for. Raises what ``status``
    does."""
    from rivya_run.project import verify as verifying
    from rivya_run.project.home import home_of
    from rivya_run.project.results import results_of

    where = outputs_of(outputs)
    found = results_of(path_of(storyboard), where, simulate=simulate)
    home = home_of(found.folder, where, simulate=simulate)
    try:
        return tuple(verifying.verify(home, found.manifest, verifying.files_kept_here(found.folder)))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise OutputFolderError(
            f"{found.folder}: the manifest holds an output that can't be understood"
        ) from error


def report(
    storyboard: PathLike,
    *,
    embed: bool = False,
    simulate: bool = False,
    outputs: PathLike | None = None,
    allow_outside: bool = False,
    progress: CutProgress | None = None,
    notice: Callable[[str], None] = lambda notice: None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Write the page into the output folder; where it is. ``embed``: with small copies of clips and sounds in it.

    ``progress`` hears how far that is, ``notice`` what is to be known of the film, ``tell`` how large the page is.
    Raises what ``status`` does.
    """
    from rivya_run.film.edit import edited
    from rivya_run.film.from_storyboard import script_now
    from rivya_run.project.lock import exporting
    from rivya_run.project.results import present
    from rivya_run.views.page import write_report
    from rivya_run.views.page.decided import Decisions

    where = outputs_of(outputs)
    found = present(path_of(storyboard), where, simulate=simulate, allow_outside=allow_outside)
    lacking = found.fetch()
    versions = found.source.storyboard.films if found.source is not None else (None,)
    scripts = {version: script_now(found, version).script for version in versions}
    notices = [notice for script in scripts.values() for notice in edited(script).notices]
    for words in dict.fromkeys([*filter(None, [found.notice]), *lacking, *notices]):
        notice(words)
    with exporting(found.folder):
        return write_report(
            found.manifest,
            found.folder,
            storyboard_folder=found.own.folder,
            embed=embed,
            scripts=scripts,
            decided=Decisions(found),
            progress=progress,
            tell=tell,
        )
