"""``rivya-run export``: the chosen takes as a cut, a contact sheet, or a timeline for an editor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rivya_run.cli import options
from rivya_run.errors import UsageError

if TYPE_CHECKING:
    from rivya_run.project.results import Results

_NAMES: Final = {
    "cut": "cut.mp4",
    "contact-sheet": "contact-sheet.png",
    "otio": "timeline.otio",
    "edl": "timeline.edl",
    "fcpxml": "timeline.fcpxml",
    "fcp7xml": "timeline.xml",
}


@click.command("export", short_help="Cut, contact sheet, timelines for editors.")
@options.storyboards()
@options.place
@click.option("--format", "form", type=click.Choice(list(_NAMES)), default="cut", show_default=True)
@click.option("--output", type=options.FILE, metavar="FILE", help="The file to write (one storyboard).")
@click.option("--slates", is_flag=True, help="Show a slate for a shot without a take (cut, contact sheet).")
@click.option("--burn-in", is_flag=True, help="Write the shot's id into the picture (cut).")
def command(
    storyboards: tuple[Path, ...],
    form: str,
    output: Path | None,
    slates: bool,
    burn_in: bool,
    simulate: bool,
    outputs: Path | None,
) -> None:
    """Write the chosen takes in storyboard order, into the output folder unless --output names a file.

    A take is chosen by `pick`, else it is the lowest-numbered one that succeeded.
    """
    from rivya_run.project.open import storyboard_files
    from rivya_run.project.results import results_of

    if slates and form not in ("cut", "contact-sheet"):
        raise UsageError(f"--slates doesn't apply to {form}: a timeline holds only clips that exist")
    if burn_in and form != "cut":
        raise UsageError(f"--burn-in applies to a cut only, not to {form}")
    paths = storyboard_files(storyboards)
    if output is not None and len(paths) > 1:
        raise UsageError("--output takes one storyboard")
    for storyboard in paths:
        found = results_of(storyboard, outputs, simulate=simulate)
        to = _target(output, found, storyboard, form) if output is not None else found.folder / _NAMES[form]
        path, about, notices = _write(found, to, form, slates=slates, burn_in=burn_in)
        for notice in notices:
            click.echo(f"notice: {notice}", err=True)
        click.echo(about, err=True)
        click.echo(path)


def _target(output: Path, found: Results, storyboard: Path, form: str) -> Path:
    """The file that --output names, if it may be written."""
    from rivya_run.journal.attempt import owned_paths
    from rivya_run.journal.manifest import known_attempts
    from rivya_run.project.names import PRODUCTS, free_to_write
    from rivya_run.project.open import reference_paths

    kept = dict.fromkeys(reference_paths(storyboard), "a reference of this storyboard")
    for _, _, attempt in known_attempts(found.manifest):
        kept |= {found.folder / path: "a clip that was paid for" for path in owned_paths(attempt)}
    return free_to_write(output, PRODUCTS[form], kept=kept)


def _write(
    found: Results, to: Path, form: str, *, slates: bool, burn_in: bool
) -> tuple[Path, str, Sequence[str]]:
    """The file, a line about it, and notices."""
    from rivya_run.film.edit import edited
    from rivya_run.film.from_manifest import script_of

    script = script_of(found.manifest, found.folder, slates=slates)
    if form == "cut":
        from rivya_run.film.cut import write_cut

        cut = write_cut(edited(script), to, labels=burn_in)
        how = "clips copied as they are" if cut.copied else "re-encoded"
        return cut.path, f"cut of {cut.seconds:g} s, {how}", cut.notices
    if form == "contact-sheet":
        from rivya_run.film.contact_sheet import write_contact_sheet

        updated = str(found.manifest.get("updated_at") or "")[:10]
        sheet = write_contact_sheet(script, to, date=updated)
        return sheet.path, f"contact sheet of {sheet.shots} shots", sheet.notices
    from rivya_run.film.timeline import write_timeline

    handed = write_timeline(edited(script), to, form)
    return handed.path, f"timeline of {handed.clips} clips, {handed.seconds:g} s", handed.notices
