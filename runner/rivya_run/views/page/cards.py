"""What the page shows, as values: the template reads these and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from rivya_run.media.types import Kind
from rivya_run.views.page.figures import Run, Spend


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
    """One take. ``source`` is a relative URL or a data URI of its file, None where nothing can be played."""

    anchor: str
    shot: str
    take: int
    status: str
    label: str
    chosen: bool
    kind: Kind | None
    source: str | None
    mime: str
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


@dataclass(frozen=True, slots=True)
class ShotCard:
    """A shot with its takes. ``pick`` is what the storyboard says, ``shown`` the chosen take's number."""

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


@dataclass(frozen=True, slots=True)
class SceneCard:
    """Shots of one scene that stand next to each other in the storyboard."""

    anchor: str
    name: str
    shots: tuple[ShotCard, ...]


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    storyboard: str
    path: str
    simulated: bool
    updated: str
    takes: int
    shots: int
    counts: tuple[tuple[str, str, int], ...]
    running_time: str
    chosen: int
    troubles: tuple[TakeCard, ...]
    scenes: tuple[SceneCard, ...]
    scene_names: tuple[str, ...]
    tags: tuple[str, ...]
    spend: Spend
    runs: tuple[Run, ...]
    history: tuple[TakeCard, ...]
