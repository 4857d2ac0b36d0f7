"""``rivya-run export``: the film as a cut, a contact sheet, captions, or a timeline for an editor."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rivya_run.cli import candidates, options
from rivya_run.errors import UsageError

if TYPE_CHECKING:
    from rivya_run.project.places import Outputs

_FORMATS: Final = ("cut", "contact-sheet", "otio", "edl", "fcpxml", "fcp7xml", "srt", "vtt")


def _size(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    from rivya_run.api.exporting import LARGEST, fits_video

    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if not fits_video(sides):
        raise click.BadParameter(f"'{text}' is not a size: two even numbers up to {LARGEST}, as in 1920x1080")
    return sides


def _rate(_: click.Context, __: click.Parameter, text: str | None) -> Fraction | None:
    if text is None:
        return None
    from rivya_run.api.exporting import FASTEST
    from rivya_run.film.edit import standard_rate

    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= FASTEST:
        raise click.BadParameter(
            f"'{text}' is not a frame rate: 1 to {FASTEST}, as in 24, 23.976 or 24000/1001"
        )
    return standard_rate(rate)


@click.command("export", short_help="Cut, contact sheet, captions, timelines for editors.")
@options.reads_books
@options.storyboards()
@options.place
@click.option("--format", "form", type=click.Choice(_FORMATS), default="cut", show_default=True)
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
    from rivya_run.api.exporting import WantedExport
    from rivya_run.cli.messages import cut_progress, show_notices
    from rivya_run.project.open import storyboard_files

    wanted = WantedExport(form, **given)
    wanted.check()
    paths = storyboard_files(storyboards)
    if output is not None and len(paths) > 1:
        raise UsageError("--output takes one storyboard")
    for storyboard in paths:
        for one in wanted.exported(
            storyboard,
            output,
            outputs,
            simulate=simulate,
            allow_outside=allow_outside,
            measured=cut_progress,
            tell=lambda notice: show_notices([notice]),
        ):
            show_notices(one.notices)
            click.echo(one.about, err=True)
            click.echo(one.path)
