"""``rivya-run export``: the film as a cut, a contact sheet, captions, or a timeline for an editor."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rivya_run.cli import candidates, options
from rivya_run.errors import UsageError
from rivya_run.suggest import did_you_mean
from rivya_run.text import counted, visible

if TYPE_CHECKING:
    from rivya_run.errors import Problem
    from rivya_run.film.captions import Cue
    from rivya_run.film.edit import Edit
    from rivya_run.film.script import Script
    from rivya_run.project.places import Outputs
    from rivya_run.project.results import Present

_NAMES: Final = {
    "cut": "cut.mp4",
    "contact-sheet": "contact-sheet.png",
    "otio": "timeline.otio",
    "edl": "timeline.edl",
    "fcpxml": "timeline.fcpxml",
    "fcp7xml": "timeline.xml",
    "srt": "captions.srt",
    "vtt": "captions.vtt",
}
_CREDITS: Final = "credits.json"
_ELSEWHERE: Final = ("missing-file", "empty-file", "unreadable", "not-a-file")
_ONLY_CUT: Final = ("burn_in", "burn_captions", "font", "size", "fps")
_LARGEST: Final = 8192  # pixels of a side: beyond it H.264 has no level
_FASTEST: Final = 240  # pictures a second


def _size(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(2 <= side <= _LARGEST and side % 2 == 0 for side in sides):
        raise click.BadParameter(
            f"'{text}' is not a size: two even numbers up to {_LARGEST}, as in 1920x1080"
        )
    return sides


def _rate(_: click.Context, __: click.Parameter, text: str | None) -> Fraction | None:
    if text is None:
        return None
    from rivya_run.film.edit import standard_rate

    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= _FASTEST:
        raise click.BadParameter(
            f"'{text}' is not a frame rate: 1 to {_FASTEST}, as in 24, 23.976 or 24000/1001"
        )
    return standard_rate(rate)


@click.command("export", short_help="Cut, contact sheet, captions, timelines for editors.")
@options.reads_books
@options.storyboards()
@options.place
@click.option("--format", "form", type=click.Choice(list(_NAMES)), default="cut", show_default=True)
@click.option(
    "--film",
    "versions",
    multiple=True,
    metavar="VERSION",
    shell_complete=candidates.versions,
    help="Only this version's film.",
)
@click.option("--output", type=options.FILE, metavar="FILE", help="The file to write (one film).")
@options.outside
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    shell_complete=candidates.patterns,
    help="Only these shots: id globs, tag:x, scene:x.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    shell_complete=candidates.patterns,
    help="All shots but these.",
)
@click.option("--no-sound", is_flag=True, help="Leave all sound out.")
@click.option(
    "--slates", is_flag=True, help="Keep the place of a shot without a take: a slate, or a gap with a marker."
)
@click.option("--burn-in", is_flag=True, help="Write the shot's id into the picture (cut).")
@click.option("--burn-captions", is_flag=True, help="Write the captions into the picture (cut).")
@click.option("--font", type=options.FILE, metavar="FILE", help="The font of burnt captions.")
@click.option("--size", callback=_size, metavar="WxH", help="Size of the cut; without it the clips decide.")
@click.option(
    "--fps", callback=_rate, metavar="R", help="Frame rate of the cut; without it the clips decide."
)
def command(
    storyboards: tuple[Path, ...],
    form: str,
    output: Path | None,
    simulate: bool,
    outputs: Outputs,
    allow_outside: bool,
    **given: Any,
) -> None:
    """Write the film of a storyboard as it is now, into the output folder unless --output names a file.

    Order, picks and the film's keys are those that the storyboard has now: no run is needed in between, no key, and
    nothing is sent. A take is chosen by `pick`, else it is the lowest-numbered one that succeeded.
    """
    from rivya_run.cli.messages import show_notices
    from rivya_run.film.cut import NothingToExport
    from rivya_run.project.lock import exporting
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.results import present

    wanted = _Wanted(form, **given)
    wanted.check()
    paths = storyboard_files(storyboards)
    if output is not None and len(paths) > 1:
        raise UsageError("--output takes one storyboard")
    for storyboard in paths:
        found = present(storyboard, outputs, simulate=simulate, allow_outside=allow_outside)
        if found.source is None:
            _refuse_mistakes(storyboard, found)
        films = wanted.films(found)
        show_notices(found.fetch(chosen=True))
        if output is not None and len(films) > 1:
            raise UsageError("--output takes one film", hint=f"choose it: --film {films[0]}")
        found.folder.mkdir(parents=True, exist_ok=True)  # of files of one's own alone, nothing was run
        lacking = None
        for version in films:
            to = found.folder / _named(_NAMES[form], version)
            if output is not None:
                to = _target(output, found, storyboard, form)
            try:
                with exporting(found.folder):
                    path, about, notices = wanted.write(found, version, to)
            except NothingToExport as nothing:
                lacking = nothing
                show_notices([f"film {version}: nothing of it is there yet"] if len(films) > 1 else ())
                continue
            show_notices([*filter(None, [found.notice]), *notices])
            click.echo(about, err=True)
            click.echo(path)
        if lacking is not None:
            raise lacking


def _named(name: str, version: str | None) -> str:
    """The name of a version's file: ``cut-tall.mp4``."""
    stem, dot, ending = name.partition(".")
    return name if version is None else f"{stem}-{version}{dot}{ending}"


def _refuse_mistakes(storyboard: Path, found: Present) -> None:
    """A manifest doesn't know the film's keys: what it holds is another film than the one that is being written.

    Raises StoryboardError, but for reference files that are only elsewhere, where there is but one film.
    """
    from rivya_run.errors import Severity, StoryboardError
    from rivya_run.project.manifest_reader import entries
    from rivya_run.project.open import open_storyboard

    problems = open_storyboard(storyboard, allow_outside=True).problems
    errors = [one for one in problems if one.severity is Severity.ERROR]
    several = any(shot.get("versions") for shot in entries(found.manifest.get("shots")))
    if errors and (several or not all(map(_is_elsewhere, errors))):
        raise StoryboardError("the storyboard has problems; nothing was written", problems)


def _is_elsewhere(problem: Problem) -> bool:
    """A file that a shot was made from; an included one holds what the film is made by."""
    return problem.code in _ELSEWHERE and not problem.where.startswith("include")


def _target(output: Path, found: Present, storyboard: Path, form: str) -> Path:
    """The file that --output names, if it may be written."""
    from rivya_run.journal.attempt import owned_paths
    from rivya_run.journal.manifest import known_attempts
    from rivya_run.project.names import PRODUCTS, free_to_write
    from rivya_run.project.open import reference_paths

    kept = dict.fromkeys(reference_paths(storyboard), "a reference of this storyboard")
    for _, _, attempt in known_attempts(found.manifest):
        kept |= {found.folder / path: "a clip that was paid for" for path in owned_paths(attempt)}
    return free_to_write(output, PRODUCTS[form], kept=kept)


def _credits_file(cut: Path, found: Present, version: str | None) -> Path:
    """Where the credits of a cut go: beside it, under its name where that isn't the one in the output folder."""
    from rivya_run.project.names import PRODUCTS, free_to_write

    if cut == found.folder / _named(_NAMES["cut"], version):
        return found.folder / _named(_CREDITS, version)
    return free_to_write(cut.with_suffix(f".{_CREDITS}"), PRODUCTS["credits"])


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the command line asks for."""

    form: str
    versions: tuple[str, ...]
    only: tuple[str, ...]
    exclude: tuple[str, ...]
    no_sound: bool
    slates: bool
    burn_in: bool
    burn_captions: bool
    font: Path | None
    size: tuple[int, int] | None
    fps: Fraction | None

    def check(self) -> None:
        """Raises UsageError for an option without a place in the format."""
        for name in _ONLY_CUT:
            if getattr(self, name) and self.form != "cut":
                raise UsageError(f"--{name.replace('_', '-')} applies to a cut only, not to {self.form}")
        if self.font is not None and not self.burn_captions:
            raise UsageError("--font is for --burn-captions")

    def films(self, found: Present) -> tuple[str | None, ...]:
        """The versions to write; one None where there are none. Raises UsageError for one that isn't there."""
        if found.source is None:
            if self.versions:
                raise UsageError("--film needs a storyboard without problems")
            return (None,)
        known = [name for name in found.source.storyboard.films if name is not None]
        for name in self.versions:
            if name not in known:
                none = "there are no versions" if not known else f"there is no version '{visible(name)}'"
                raise UsageError(f"{none}{did_you_mean(name, known)}")
        return self.versions or found.source.storyboard.films

    def write(self, found: Present, version: str | None, to: Path) -> tuple[Path, str, Collection[str]]:
        """The file, a line about it, and notices. A cut's credits are written beside it."""
        from rivya_run.film.edit import edited

        script = self._script(found, version)
        if self.form == "contact-sheet":
            from rivya_run.film.contact_sheet import write_contact_sheet

            updated = str(found.manifest.get("updated_at") or "")[:10]
            sheet = write_contact_sheet(script, to, date=updated)
            return sheet.path, f"contact sheet of {sheet.shots} shots", sheet.notices
        edit = edited(script)
        captions = (
            _captions(edit, found, version) if self.burn_captions or self.form in ("srt", "vtt") else []
        )
        if self.no_sound:
            edit = replace(edit, own=(), sounds=())
        if self.form == "cut":
            from rivya_run.cli.messages import cut_progress
            from rivya_run.film.credits import write_credits
            from rivya_run.film.cut import write_cut

            credits_file = _credits_file(to, found, version)
            with cut_progress() as progress:
                cut = write_cut(
                    edit, to, labels=self.burn_in, captions=captions, font=self.font, progress=progress
                )
            write_credits(script, edit, cut.path, credits_file)
            how = "clips copied as they are" if cut.copied else "re-encoded"
            return cut.path, f"cut of {cut.seconds:g} s, {how}", cut.notices
        if self.form in ("srt", "vtt"):
            return self._write_captions(edit, captions, to)
        from rivya_run.film.timeline import write_timeline

        handed = write_timeline(edit, to, self.form)
        return handed.path, f"timeline of {handed.clips} clips, {handed.seconds:g} s", handed.notices

    def _script(self, found: Present, version: str | None) -> Script:
        from rivya_run.film.from_storyboard import script_now
        from rivya_run.storyboard.selection import selected_shots

        selected = None
        if found.source is not None:
            [selection] = selected_shots([found.source.storyboard], self.only, self.exclude)
            selected = selection.shots if selection is not None else None
        elif self.only or self.exclude:
            raise UsageError("--only and --exclude need a storyboard without problems")
        script = script_now(found, version, slates=self.slates, selected=selected).script
        return replace(script, size=self.size, rate=self.fps)

    def _write_captions(self, edit: Edit, captions: list[Cue], to: Path) -> tuple[Path, str, Collection[str]]:
        from rivya_run.durable import write_atomically
        from rivya_run.film.captions import srt, vtt
        from rivya_run.film.cut import NothingToExport

        if not edit.pieces:
            raise NothingToExport
        write_atomically(to, (srt if self.form == "srt" else vtt)(captions).encode("utf-8", "replace"))
        return to, f"{counted(len(captions), 'caption')} in {float(edit.seconds):g} s", edit.notices


def _captions(edit: Edit, found: Present, version: str | None) -> list[Cue]:
    from rivya_run.film.captions import cues

    said = found.source.storyboard.of_version(version).film.captions if found.source is not None else {}
    return cues(edit, **{name: said[name] for name in ("max_line", "max_lines") if name in said})
