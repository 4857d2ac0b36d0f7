"""``export`` as a function, and what the command does it with: the film as a cut, a contact sheet, captions, or a
timeline for an editor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from rivya_run.api.given import PathLike, optional_path, outputs_of, path_of
from rivya_run.errors import UsageError
from rivya_run.suggest import did_you_mean
from rivya_run.text import counted, visible

if TYPE_CHECKING:
    from rivya_run.errors import Problem
    from rivya_run.film.captions import Cue
    from rivya_run.film.cut import CutProgress
    from rivya_run.film.edit import Edit
    from rivya_run.film.script import Script
    from rivya_run.project.places import Outputs
    from rivya_run.project.results import Present

ExportFormat: TypeAlias = Literal["cut", "contact-sheet", "otio", "edl", "fcpxml", "fcp7xml", "srt", "vtt"]
_NAMES: Final[dict[str, str]] = {
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
LARGEST: Final = 8192  # pixels of a side: beyond it H.264 has no level
FASTEST: Final = 240  # pictures a second


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written: where, what it is in one line, and what is to be known of it."""

    path: Path
    about: str
    notices: tuple[str, ...]


def export(
    storyboard: PathLike,
    form: ExportFormat = "cut",
    *,
    versions: Collection[str] = (),
    output: PathLike | None = None,
    simulate: bool = False,
    outputs: PathLike | None = None,
    allow_outside: bool = False,
    only: Collection[str] = (),
    exclude: Collection[str] = (),
    slates: bool = False,
    no_sound: bool = False,
    burn_in: bool = False,
    burn_captions: bool = False,
    font: PathLike | None = None,
    size: tuple[int, int] | None = None,
    fps: Fraction | None = None,
    progress: CutProgress | None = None,
) -> tuple[Exported, ...]:
    """Write the film of a storyboard as it is now, one file for each version; into the output folder unless
    ``output`` names a file.

    ``progress`` hears how far a cut is, and may raise to end it. Raises RivyaError where there is nothing to show,
    UsageError for what doesn't go together.
    """
    wanted = WantedExport(
        form=form,
        versions=tuple(versions),
        only=tuple(only),
        exclude=tuple(exclude),
        no_sound=no_sound,
        slates=slates,
        burn_in=burn_in,
        burn_captions=burn_captions,
        font=optional_path(font),
        size=size,
        fps=fps,
    )
    wanted.check()
    return tuple(
        wanted.exported(
            path_of(storyboard),
            optional_path(output),
            outputs_of(outputs),
            simulate=simulate,
            allow_outside=allow_outside,
            measured=lambda: nullcontext(progress),
        )
    )


def fits_video(size: tuple[int, int]) -> bool:
    """Whether a cut can have this size."""
    return all(2 <= side <= LARGEST and side % 2 == 0 for side in size)


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


Measured: TypeAlias = Callable[[], "AbstractContextManager[CutProgress | None]"]
"""What is around the making of a cut, and hears how far it is."""


@dataclass(frozen=True, slots=True)
class WantedExport:
    """What is asked for."""

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
        if self.size is not None and not fits_video(self.size):
            raise UsageError(f"{self.size} is not a size: two even numbers up to {LARGEST}")
        if self.fps is not None and not 1 <= self.fps <= FASTEST:
            raise UsageError(f"{self.fps} is not a frame rate: 1 to {FASTEST}")

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

    def exported(
        self,
        storyboard: Path,
        output: Path | None,
        outputs: Outputs,
        *,
        simulate: bool,
        allow_outside: bool,
        measured: Measured,
        tell: Callable[[str], None] = lambda notice: None,
    ) -> Iterator[Exported]:
        """Write the films of a storyboard, one after another. ``tell`` hears of one of several that has nothing yet.

        Raises NothingToExport at the end where any has nothing, UsageError, StoryboardError.
        """
        from rivya_run.film.cut import NothingToExport
        from rivya_run.project.lock import exporting
        from rivya_run.project.results import present

        found = present(storyboard, outputs, simulate=simulate, allow_outside=allow_outside)
        if found.source is None:
            _refuse_mistakes(storyboard, found)
        films = self.films(found)
        for notice in found.fetch(chosen=True):
            tell(notice)
        if output is not None and len(films) > 1:
            raise UsageError("--output takes one film", hint=f"choose it: --film {films[0]}")
        found.folder.mkdir(parents=True, exist_ok=True)  # of files of one's own alone, nothing was run
        lacking = None
        for version in films:
            to = found.folder / _named(_NAMES[self.form], version)
            if output is not None:
                to = _target(output, found, storyboard, self.form)
            try:
                with exporting(found.folder):
                    path, about, notices = self.write(found, version, to, measured)
            except NothingToExport as nothing:
                lacking = nothing
                if len(films) > 1:
                    tell(f"film {version}: nothing of it is there yet")
                continue
            yield Exported(path, about, tuple(filter(None, [found.notice, *notices])))
        if lacking is not None:
            raise lacking

    def write(
        self, found: Present, version: str | None, to: Path, measured: Measured
    ) -> tuple[Path, str, Collection[str]]:
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
            from rivya_run.film.credits import write_credits
            from rivya_run.film.cut import write_cut

            credits_file = _credits_file(to, found, version)
            with measured() as progress:
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
