"""What the page shows, as values: the template reads these and nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rivya_run.media.types import Kind
from rivya_run.views.page.figures import Run, Spend


def data_uri(mime_type: str, content: bytes) -> str:
    """Content as a URL that holds it."""
    return f"data:{mime_type};base64,{base64.b64encode(content).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file that is put into the page. It is read when it is written there, so that one is in memory at a time."""

    file: Path
    mime_type: str

    def __str__(self) -> str:
        return data_uri(self.mime_type, self.file.read_bytes())


@dataclass(frozen=True, slots=True)
class ReferenceCard:
    """A reference as it was sent: its name, what it is, and a picture where the file is at hand."""

    name: str
    kind: str
    thumbnail: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the API reported it."""

    code: str
    message: str
    request_id: str


@dataclass(frozen=True, slots=True)
class AttemptRow:
    number: str
    status: str
    credits: str
    task_id: str
    error: str


@dataclass(frozen=True, slots=True)
class TakeCard:
    """One take. ``source`` is a relative URL of its file, or the file itself; None where nothing can be played.

    ``digits`` are the sha256 of its first file, by which decisions name it; nothing where none can be taken.
    ``waits`` says for which decision it isn't made, or used, yet.
    """

    anchor: str
    shot: str
    take: int
    status: str
    label: str
    chosen: bool
    kind: Kind | None
    source: str | Embedded | None
    poster: str | None
    width: int
    height: int
    length: str
    facts: str
    credits: str
    trouble: str
    warnings: tuple[str, ...]
    model: str
    prompt: str
    params: tuple[tuple[str, str], ...]
    references: tuple[ReferenceCard, ...]
    times: tuple[tuple[str, str], ...]
    copyable: tuple[tuple[str, str], ...]
    more_files: tuple[tuple[str, str], ...]
    error: Failure | None
    attempts: tuple[AttemptRow, ...]
    digits: str = ""
    approved: bool = False
    pick_command: str = ""
    approve_command: str = ""
    waits: str = ""

    @property
    def embedded(self) -> bool:
        return isinstance(self.source, Embedded)


@dataclass(frozen=True, slots=True)
class OwnCard:
    """A file of people's own that is a shot: nothing was made of it."""

    path: str
    kind: Kind
    source: str | Embedded
    poster: str | None
    embedded: bool
    width: int = 16
    height: int = 9
    length: str = ""


@dataclass(frozen=True, slots=True)
class ShotCard:
    """A shot with its takes, or with its ``own`` file. ``pick`` is what the storyboard says, ``shown`` the chosen
    take's number; ``thumb`` is a small picture of it. It ``waits`` for approval where others are to be made from it.
    ``together`` are the picks of all that is made of the same lines of the file, where that is more than this.
    """

    anchor: str
    id: str
    title: str
    notes: str
    scene: str
    tags: tuple[str, ...]
    skipped: bool
    pick: int | None
    shown: int | None
    prompt: str
    model: str
    takes: tuple[TakeCard, ...]
    own: OwnCard | None
    own_path: str
    thumb: str | None
    kind: Kind | None
    status: str
    approved: str
    waits: bool
    together: Mapping[str, int | None] | None


@dataclass(frozen=True, slots=True)
class SceneCard:
    """Shots of one scene that stand next to each other in the storyboard."""

    anchor: str
    name: str
    shots: tuple[ShotCard, ...]


@dataclass(frozen=True, slots=True)
class StripBar:
    """Something in the film: from ``begin`` to ``end`` in seconds, on the strip from ``left`` on, both in percent.

    It starts at ``source`` seconds of its file, of which ``length`` repeats. ``gain`` is a factor, 0 where nothing is
    heard; ``ducks`` are (time, dB) where the level bends. A file that a card of the page plays is named by its
    ``card``, another one by its ``url``. ``place`` is the anchor of its shot, ``joins`` are its transitions: what,
    where and how long on the strip. ``room``: 1 for a picture, 2 for its name too, 3 for it on a phone. Times are
    text, to the microsecond.
    """

    id: str
    kind: Literal["clip", "still", "slate", "sound"]
    track: str
    begin: str
    end: str
    source: str
    length: str
    gain: str
    left: str
    width: str
    room: int
    dissolve: str = "0"
    fade_in: str = "0"
    fade_out: str = "0"
    ducks: str = "[]"
    card: str = ""
    url: str | Embedded = ""
    place: str = ""
    thumb: str | None = None
    how: str = ""
    joins: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FilmStrip:
    """The film. ``rows`` are its sounds by tracks, none in a row overlapping another; ``facts`` tell its length."""

    version: str
    seconds: str
    rate: str
    frames: int
    length: str
    facts: str
    width: int
    height: int
    poster: str | None
    pieces: tuple[StripBar, ...]
    rows: tuple[tuple[StripBar, ...], ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """``holds`` says what is in a page that can be sent around; ``dense`` is one of many takes."""

    title: str
    storyboard: str
    path: str
    simulated: bool
    updated: str
    takes: int
    shots: int
    counts: tuple[tuple[str, str, int], ...]
    running_time: str
    films: tuple[FilmStrip, ...]
    holds: str
    dense: bool
    chosen: int
    troubles: tuple[TakeCard, ...]
    scenes: tuple[SceneCard, ...]
    scene_names: tuple[str, ...]
    tags: tuple[str, ...]
    spend: Spend
    runs: tuple[Run, ...]
    history: tuple[TakeCard, ...]
