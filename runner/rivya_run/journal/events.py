"""The journal's events: one record for each thing that happened, one line in the fold for each record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rivya_run.json_types import Json


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run (or another writing command) took the folder."""

    name: ClassVar[str] = "run_started"
    program: str
    base_url: str
    storyboard_id: str
    storyboard_path: str
    storyboard_sha256: str
    pid: int


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A reference file is at the Files API."""

    name: ClassVar[str] = "uploaded"
    sha256: str
    kind: str
    model: str
    path: str
    mime_type: str | None
    bytes: int
    url: str
    file_id: str | None = None
    duration_token: str | None = None
    uploaded_at: str | None = None


@dataclass(frozen=True, slots=True)
class Intended:
    """A create is about to be sent: the exact body and key.

    ``api_sent_at`` is the time by the API's own clock, where it was heard: the machine's may be wrong.
    """

    name: ClassVar[str] = "intended"
    key: str
    shot: str
    take: int
    fingerprint: str
    number: int
    model: str
    body: str
    estimate: float | None = None
    price_key: str | None = None
    parents: tuple[tuple[str, int, str], ...] = ()
    api_sent_at: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """It is known that no create of this intent arrived."""

    name: ClassVar[str] = "withdrawn"
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The API plainly refused the create."""

    name: ClassVar[str] = "refused"
    key: str
    code: str
    message: str
    request_id: str | None = None
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """The API answered the create with a task. Reserves credits."""

    name: ClassVar[str] = "created"
    key: str
    task_id: str
    status: str
    reserved: float | None = None
    final: float | None = None
    created_at: str | None = None
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """The task's status or credits changed."""

    name: ClassVar[str] = "observed"
    key: str
    status: str
    reserved: float | None = None
    final: float | None = None
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The task succeeded (again, when its URLs were renewed). Settles credits.

    ``lasted`` is for how many seconds it was at the API, ``ran`` for how many of them out of the queue, as far as
    a run that watched it can tell. ``places`` says where each of the ``urls`` stands in the API's own list.
    """

    name: ClassVar[str] = "succeeded"
    key: str
    urls: tuple[str, ...]
    reserved: float | None = None
    final: float | None = None
    updated_at: str | None = None
    lasted: float | None = None
    ran: float | None = None
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NotFetched:
    """A task succeeded, and a file of it could not be had in a run: paid, not fetched. ``message`` says why."""

    name: ClassVar[str] = "not_fetched"
    key: str
    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The task failed. Returns credits as far as ``final`` says."""

    name: ClassVar[str] = "failed"
    key: str
    code: str
    message: str
    reserved: float | None = None
    final: float | None = None
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class TaskMissing:
    """The API answered ``not_found`` for a task that it had created."""

    name: ClassVar[str] = "task_missing"
    key: str
    message: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """File ``index`` (from 0) of ``of`` is on disk, checked and synced."""

    name: ClassVar[str] = "stored"
    key: str
    index: int
    of: int
    path: str
    url: str | None
    bytes: int
    sha256: str
    mime_type: str | None
    mtime_ns: int | None = None
    media: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Reassigned:
    """An attempt serves another take from now on; its files follow (``paths``: old -> new)."""

    name: ClassVar[str] = "reassigned"
    key: str
    shot: str
    take: int
    paths: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MarkedUnknown:
    """The outcome of a create can't be found out any more without a person."""

    name: ClassVar[str] = "marked_unknown"
    key: str
    code: str
    message: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A person chose to pay again instead of waiting for an unknown outcome."""

    name: ClassVar[str] = "given_up"
    key: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """A person tied an existing task to a take; where the key is known, to that attempt."""

    name: ClassVar[str] = "adopted"
    key: str
    shot: str
    take: int
    fingerprint: str
    number: int
    model: str
    body: str
    task_id: str
    status: str
    reserved: float | None = None
    final: float | None = None
    created_at: str | None = None
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class TakenIn:
    """The manifest knew of an attempt (a colleague's run) that the journal did not. ``take`` is its entry."""

    name: ClassVar[str] = "taken_in"
    key: str
    shot: str
    entry: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Removed:
    """``clean`` removed a file; the attempt stays on record."""

    name: ClassVar[str] = "removed"
    key: str
    path: str


@dataclass(frozen=True, slots=True)
class FrameTaken:
    """A still was taken out of an output, for a shot that is made from it. ``frame`` as in the storyboard."""

    name: ClassVar[str] = "frame_taken"
    key: str
    frame: str
    path: str
    sha256: str
    bytes: int


JournalEvent = (
    RunStarted
    | Uploaded
    | Intended
    | Withdrawn
    | Refused
    | Created
    | Observed
    | Succeeded
    | NotFetched
    | Failed
    | TaskMissing
    | Stored
    | Reassigned
    | MarkedUnknown
    | GivenUp
    | Adopted
    | TakenIn
    | Removed
    | FrameTaken
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: its number (from 1), when it was written (ISO 8601, UTC) and what happened."""

    number: int
    at: str
    event: JournalEvent
