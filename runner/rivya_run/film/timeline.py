"""Timelines for editing programs: a film as OTIO, EDL, FCPXML or FCP 7 XML, and what an editor used of it.

Media paths are relative to the timeline file, so that the folder can be handed over as it is. Each format gets shot,
scene, prompt, task, model and credits where it keeps such things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from rivya_run.durable import write_atomically
from rivya_run.errors import UsageError
from rivya_run.film.cut import NothingToExport
from rivya_run.film.edit import Edit
from rivya_run.film.formats import edl, fcp7xml, fcpxml
from rivya_run.film.formats.sequence import Seen
from rivya_run.film.placing import Notice
from rivya_run.project.names import take_of


@dataclass(frozen=True, slots=True)
class Format:
    """How a format's files end; ``write`` takes a film and the folder that it is written to.

    ``read`` raises ValueError for what isn't in its format.
    """

    suffix: str
    write: Callable[[Edit, Path], tuple[str, tuple[Notice, ...]]]
    read: Callable[[str], list[Seen]]


def _write_otio(edit: Edit, beside: Path) -> tuple[str, tuple[Notice, ...]]:
    from rivya_run.film.formats import otio  # the library is an extra

    return otio.write(edit, beside)


def _read_otio(content: str) -> list[Seen]:
    from rivya_run.film.formats import otio

    return otio.read(content)


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "otio": Format(".otio", _write_otio, _read_otio),
        "edl": Format(".edl", edl.write, edl.read),
        "fcpxml": Format(".fcpxml", fcpxml.write, fcpxml.read),
        "fcp7xml": Format(".xml", fcp7xml.write, fcp7xml.read),
    }
)
"""Every format by its name."""


@dataclass(frozen=True, slots=True)
class Handover:
    """The timeline that was written: how many clips, how long, what a person should be told."""

    path: Path
    clips: int
    seconds: float
    notices: tuple[Notice, ...]


def write_timeline(edit: Edit, to: Path, form: str) -> Handover:
    """Write a film as a timeline. Raises RivyaError when there is nothing to hand over."""
    if not edit.pieces:
        raise NothingToExport
    content, notices = FORMATS[form].write(edit, to.parent)
    write_atomically(to, (content.rstrip("\n") + "\n").encode("utf-8", "replace"))
    return Handover(to, len(edit.pieces), float(edit.seconds), (*edit.notices, *notices))


@dataclass(frozen=True, slots=True)
class UsedShot:
    """A take that is in the edit, for how many seconds in all."""

    shot: str
    take: int
    seconds: float


def used_shots(path: Path) -> list[UsedShot]:
    """The takes of an edited timeline in order of first use; what is none of ours is left out.

    Raises UsageError for a file that can't be read as what its extension says.
    """
    seconds: dict[tuple[str, int], float] = {}
    for clip in seen_in(path):
        found = clip.known or next(filter(None, map(take_of, clip.names)), None)
        if found is not None:
            seconds[found] = seconds.get(found, 0.0) + float(clip.seconds)
    return [UsedShot(shot, take, round(length, 6)) for (shot, take), length in seconds.items()]


def seen_in(path: Path) -> list[Seen]:
    """The pictures of a timeline file in their order. Raises UsageError."""
    form = next((form for form in FORMATS.values() if form.suffix == path.suffix.lower()), None)
    if form is None:
        known = ", ".join(form.suffix for form in FORMATS.values())
        raise UsageError(f"{path.name} is not a timeline that can be read ({known})")
    try:
        return form.read(path.read_text("utf-8-sig", "replace"))
    except OSError as problem:
        raise UsageError(f"{path} can't be read: {problem.strerror or problem}") from problem
    except ValueError as problem:
        raise UsageError(f"{path.name} can't be read as a timeline: {problem}") from problem
