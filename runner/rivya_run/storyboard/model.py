"""A storyboard after all its layers: what is to be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from rivya_run.json_types import Json
from rivya_run.models.table import Track

NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
URL_PATTERN = (
    r"^(https://[^\s/?#]|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?([/?#]|$))\S*$"
)
VERSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,15}$"
"""Short, since it becomes part of ids and of file names."""

FRAMES = ("first", "last")
CHECKS = ("black", "frozen", "short", "ratio", "silent", "damaged")
"""What a stored file is checked for."""
MAX_TAKES = 99  # two digits in file names
WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{digit}" for port in ("com", "lpt") for digit in range(1, 10)]
)

Frame: TypeAlias = Literal["first", "last"] | float
FilmTime: TypeAlias = float | Mapping[str, Any]
"""Seconds of the film, or ``{"shot": id, "offset": seconds}``."""


@dataclass(frozen=True, slots=True)
class FileReference:
    """A reference file. ``path`` is as written (vars filled in), relative to the storyboard's folder.

    ``shot`` is set where a shot was named that has this ``file``; ``frame`` is then one of its video.
    """

    path: str
    line: int
    column: int
    where: str
    shot: str | None = None
    frame: Frame | None = None


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


@dataclass(frozen=True, slots=True)
class BoardReference:
    """What another storyboard of the project made of one of its shots.

    ``storyboard`` is its file as written (vars filled in), relative to this one's folder, ``shot`` the id of what is
    made there; ``take`` and ``frame`` are as in ``ShotReference``.
    """

    storyboard: str
    shot: str
    line: int
    column: int
    where: str
    take: int | None = None
    frame: Frame | None = None


Reference: TypeAlias = FileReference | UrlReference | ShotReference | BoardReference


@dataclass(frozen=True, slots=True)
class Mention:
    """A member of the cast in a prompt: its text stands from ``start`` to before ``end``."""

    member: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fit:
    """The value of a parameter that follows the length of a sound, with ``pad`` more seconds.

    ``file`` is set where the sound is a file of one's own: its path as written.
    """

    shot: str
    pad: float
    line: int
    column: int
    where: str
    file: str | None = None


LEAST_DIGITS = 8
"""Of a sha256 that names a take: as many as two takes of a storyboard hardly ever share."""


@dataclass(frozen=True, slots=True)
class Approved:
    """The take that is settled: its file's sha256 begins with ``digits``. The number is for people."""

    take: int
    digits: str

    def __str__(self) -> str:
        return f"{self.take}@{self.digits}"


@dataclass(frozen=True, slots=True)
class Checks:
    """Faults of a clip (``CHECKS``): what keeps it from films and other shots, and what nothing is said of."""

    stop: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot after defaults, presets, matrix and vars.

    ``params`` is what will be sent: what was written, normalised by the model's table, plus the table's
    defaults; references are not in it, nor what ``fits`` sounds, which is known when these are there. ``where`` names
    it in messages (``shots[2] (sh020)``), ``line`` and ``column`` its place. Takes are numbered from 1. ``mentions``
    are the members of the cast in the prompt. The fields with a default, but for these two, are those keys of the
    language that are carried here as they were written, times in seconds; ``film`` None is the default.

    A shot with a ``file`` is made by nobody: it has no model, no takes and no references.

    With versions ``id`` is the id of what is made, ``written`` the one in the file, and ``versions`` are those that
    it is made for; without, ``versions`` is empty and both ids are the same. The film's keys are those of the first
    version; ``Storyboard.of_version`` has each version's.

    ``approval``: what is to be made from it waits until a take of it is ``approved``.
    """

    id: str
    model: str
    prompt: str | None
    params: Mapping[str, Json]
    references: tuple[Reference, ...]
    tags: tuple[str, ...]
    where: str
    line: int
    column: int
    mentions: tuple[Mention, ...] = ()
    scene: str | None = None
    title: str | None = None
    notes: str | None = None
    takes: int = 1
    pick: int | None = None
    skip: bool = False
    film: bool | None = None
    file: str | None = None
    trim: Sequence[float | None] | None = None
    hold: float | None = None
    transition: Mapping[str, float] | None = None
    volume: float | Literal["off"] | None = None
    at: FilmTime | None = None
    until: FilmTime | Literal["end"] | None = None
    loop: bool = False
    fade: Sequence[float] | None = None
    track: Track | None = None
    fits: Mapping[str, Fit] = field(default_factory=dict)
    written: str = ""
    versions: tuple[str, ...] = ()
    approved: Approved | None = None
    approval: bool = False
    checks: Checks = Checks()

    @property
    def needs_approval(self) -> bool:
        """Whether what is to be made from it waits for a decision."""
        return self.approval and self.approved is None

    @property
    def family(self) -> str:
        """The id in the file, which all that is made of this shot have in common."""
        return self.written or self.id

    @property
    def recorded_family(self) -> str | None:
        """The family, where the id doesn't say it."""
        return self.family if self.family != self.id else None


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound of the film from a file of one's own, as it was written."""

    file: str
    line: int
    column: int
    where: str
    id: str | None = None
    text: str | None = None
    trim: Sequence[float | None] | None = None
    volume: float | Literal["off"] | None = None
    at: FilmTime | None = None
    until: FilmTime | Literal["end"] | None = None
    loop: bool = False
    fade: Sequence[float] | None = None
    track: Track | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """What the top of the file says of the film, as it was written; what it leaves out isn't here."""

    sounds: tuple[Sound, ...] = ()
    mix: Mapping[str, Any] = field(default_factory=dict)
    captions: Mapping[str, int] = field(default_factory=dict)
    ending: float = 0.0


@dataclass(frozen=True, slots=True)
class FilmVersion:
    """One of the films of a storyboard: its shots, with the film's keys as they are in it, and what the top says."""

    shots: tuple[Shot, ...]
    film: Film


@dataclass(frozen=True, slots=True)
class Storyboard:
    """``path`` is the file as the person named it; ``sha256`` is that of its bytes; shots in file order.

    ``named``: the id stands in the file, so that a new name of the file leaves it as it is. ``cast_shots`` is what
    the members of the cast refer to of the shots, whether a shot names them or not; ``quiet`` are codes of advice;
    ``client`` is who pays for it.
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
    film: Film = Film()
    cast_shots: tuple[ShotReference, ...] = ()
    versions: Mapping[str, FilmVersion] = field(default_factory=dict)
    quiet: frozenset[str] = frozenset()
    client: str | None = None

    def of_version(self, name: str | None) -> Storyboard:
        """The storyboard of one version alone; of ``None``, where there are no versions, itself."""
        if name is None:
            return self
        version = self.versions[name]
        return replace(self, shots=version.shots, film=version.film, versions={})

    def with_shots(self, changed: Callable[[Shot], Shot]) -> Storyboard:
        """The storyboard with its shots changed, here and in its versions."""
        versions = {
            name: replace(one, shots=tuple(map(changed, one.shots))) for name, one in self.versions.items()
        }
        return replace(self, shots=tuple(map(changed, self.shots)), versions=versions)

    @property
    def sounds(self) -> list[Sound]:
        """The entries of ``sound`` as they are in each film, one version's after the other's."""
        return [sound for name in self.films for sound in self.of_version(name).film.sounds]

    @property
    def films(self) -> tuple[str | None, ...]:
        """The versions' names; one None where there are no versions."""
        return tuple(self.versions) or (None,)

    @property
    def made(self) -> tuple[Shot, ...]:
        """The shots that are made, and not files of one's own."""
        return tuple(shot for shot in self.shots if shot.file is None)

    @property
    def says_of_film(self) -> bool:
        """Whether anything is written of its film, apart from which shots are in it."""
        keys = ("file", "trim", "transition", "at", "until", "fade")
        said = (getattr(shot, key) is not None for shot in self.shots for key in keys)
        return self.film != Film() or any(said)

    def shot(self, shot_id: str) -> Shot | None:
        return next((shot for shot in self.shots if shot.id == shot_id), None)


def without_decision(shot: Shot) -> Shot:
    """The shot as if nothing had been said of approval."""
    return replace(shot, approved=None, approval=False) if shot.approved or shot.approval else shot


def without_decisions(storyboard: Storyboard) -> Storyboard:
    """The storyboard without approvals: what is simulated was never approved."""
    decided = any(shot.approved or shot.approval for shot in storyboard.shots)
    return storyboard.with_shots(without_decision) if decided else storyboard


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A reference file as it is on disk, its type read from its signature.

    ``kind`` is image, video or audio, or None for anything else; ``path`` is absolute, links resolved;
    ``mtime_ns`` and ``bytes`` let a later run see quickly that it has not changed. ``seconds`` is how long a sound is
    that a parameter follows, ``size`` how wide and high in pixels a picture beside which a ratio is asked for.
    """

    path: str
    sha256: str
    bytes: int
    mtime_ns: int
    kind: str | None
    mime_type: str | None
    seconds: float | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class FileTrouble:
    """Why a reference file can't be used: ``code`` as in Problem.code, ``message`` for the person."""

    path: str
    code: str
    message: str
