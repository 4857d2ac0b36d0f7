"""A storyboard after all its layers: what is to be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rivya_run.json_types import Json

Frame: TypeAlias = Literal["first", "last"] | float


@dataclass(frozen=True, slots=True)
class FileReference:
    """A reference file. ``path`` is as written (vars filled in), relative to the storyboard's folder."""

    path: str
    line: int
    column: int
    where: str


@dataclass(frozen=True, slots=True)
class UrlReference:
    """A reference that is already on the web. ``id`` names it where its (signed) URL changes."""

    url: str
    kind: str
    line: int
    column: int
    where: str
    name: str | None = None
    mime_type: str | None = None
    duration_token: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ShotReference:
    """The output of another shot; ``take`` None is its pick; ``frame`` a frame of its video (seconds as float)."""

    shot: str
    line: int
    column: int
    where: str
    take: int | None = None
    frame: Frame | None = None


Reference: TypeAlias = FileReference | UrlReference | ShotReference


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot after defaults, presets, matrix and vars.

    ``params`` is what will be sent: what was written, normalised by the model's table, plus the table's
    defaults; references are not in it. ``where`` names it in messages (``shots[2] (sh020)``), ``line`` and
    ``column`` its place. Takes are numbered from 1.
    """

    id: str
    model: str
    prompt: str | None
    params: Mapping[str, Json]
    references: tuple[Reference, ...]
    takes: int
    pick: int | None
    skip: bool
    scene: str | None
    title: str | None
    notes: str | None
    tags: tuple[str, ...]
    where: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Storyboard:
    """``path`` is the file as the person named it; ``sha256`` is that of its bytes; shots in file order.

    ``named``: the id stands in the file, so that a new name of the file leaves it as it is.
    """

    id: str
    path: str
    sha256: str
    title: str | None
    notes: str | None
    max_credits: float | None
    shots: tuple[Shot, ...]
    default_model: str
    named: bool = True

    def shot(self, shot_id: str) -> Shot | None:
        return next((shot for shot in self.shots if shot.id == shot_id), None)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A reference file as it is on disk, its type read from its signature.

    ``kind`` is image, video or audio, or None for anything else; ``path`` is absolute, links resolved;
    ``mtime_ns`` and ``bytes`` let a later run see quickly that it has not changed.
    """

    path: str
    sha256: str
    bytes: int
    mtime_ns: int
    kind: str | None
    mime_type: str | None


@dataclass(frozen=True, slots=True)
class FileTrouble:
    """Why a reference file can't be used: ``code`` as in Problem.code, ``message`` for the person."""

    path: str
    code: str
    message: str
