"""The journal's events: one class for each thing that happened. Its fields are those of the journal's line.

What is written and read is derived from these classes (``text_of``, ``event_of``): a field with a default may be
missing in a line and isn't written where it has that value, a member that a class doesn't have is passed over. A
line that was ever written must stay readable, so a new field needs a default and none changes its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from rivya_run.json_types import Json


def _name_of(event: str) -> str:
    """``TaskMissing`` as ``task_missing``."""
    return re.sub(r"(?<=.)([A-Z])", r"_\1", event).lower()


_IN_LINES = {
    "reserved_credits": "reserved",
    "final_credits": "final",
    "task_seconds": "lasted",
    "running_seconds": "ran",
}
"""Fields that lines have under another name than the code."""


class _Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="event",
    tag=_name_of,
    omit_defaults=True,
    rename=_IN_LINES,
):
    """What all events share: the name in a line is that of the class, in small letters."""

    @property
    def name(self) -> str:
        """As the journal writes it."""
        return str(self.__struct_config__.tag)


class RunStarted(_Event, frozen=True, kw_only=True):
    """A run (or another writing command) took the folder."""

    program: str
    base_url: str
    storyboard_id: str
    storyboard_path: str
    storyboard_sha256: str
    pid: int
    storyboard_inputs: Mapping[str, str] = {}


class Uploaded(_Event, frozen=True, kw_only=True):
    """A reference file is at the Files API."""

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


class Intended(_Event, frozen=True, kw_only=True):
    """A create is about to be sent: the exact body and key.

    ``api_sent_at`` is the time by the API's own clock, where it was heard: the machine's may be wrong. ``family`` is
    the shot's id in the storyboard, where a version gave it another one. ``from_storyboards`` are the takes of other
    storyboards that it is made from: ``(storyboard from the project root, shot, take, identity of the output)``.
    ``client``, ``tags`` and ``scene`` are those of that moment: what it costs is theirs for ever.
    ``counted_at`` is the time by which budgets count it, where this machine's clock was behind what was seen before.
    ``via`` is by which way in it was asked for, where that isn't the command line: ``mcp``, an agent.
    """

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
    family: str | None = None
    from_storyboards: tuple[tuple[str, str, int, str], ...] = ()
    client: str | None = None
    tags: tuple[str, ...] = ()
    scene: str | None = None
    counted_at: str | None = None
    via: str | None = None


class Withdrawn(_Event, frozen=True, kw_only=True):
    """It is known that no create of this intent arrived."""

    key: str
    reason: str


class LeftOpen(_Event, frozen=True, kw_only=True):
    """What the API said to a sending that doesn't tell what became of the create: one may have made a task."""

    key: str
    code: str
    message: str
    request_id: str | None = None


class Refused(_Event, frozen=True, kw_only=True):
    """The API plainly refused the create."""

    key: str
    code: str
    message: str
    request_id: str | None = None
    http_status: int | None = None


class Created(_Event, frozen=True, kw_only=True):
    """The API answered the create with a task. Reserves credits."""

    key: str
    task_id: str
    status: str
    reserved_credits: float | None = None
    final_credits: float | None = None
    created_at: str | None = None
    updated_at: str | None = None


class Observed(_Event, frozen=True, kw_only=True):
    """The task's status or credits changed."""

    key: str
    status: str
    reserved_credits: float | None = None
    final_credits: float | None = None
    updated_at: str | None = None


class Succeeded(_Event, frozen=True, kw_only=True):
    """The task succeeded (again, when its URLs were renewed). Settles credits.

    ``task_seconds`` is for how many seconds it was at the API, ``running_seconds`` for how many of them out of the
    queue, as far as a run that watched it can tell. ``places`` says where each of the ``urls`` stands in the API's
    own list.
    """

    key: str
    urls: tuple[str, ...]
    reserved_credits: float | None = None
    final_credits: float | None = None
    updated_at: str | None = None
    task_seconds: float | None = None
    running_seconds: float | None = None
    places: tuple[int, ...] = ()


class NotFetched(_Event, frozen=True, kw_only=True):
    """A task succeeded, and a file of it could not be had in a run: paid, not fetched. ``message`` says why."""

    key: str
    message: str


class Failed(_Event, frozen=True, kw_only=True):
    """The task failed. Returns credits as far as ``final_credits`` says."""

    key: str
    code: str
    message: str
    reserved_credits: float | None = None
    final_credits: float | None = None
    updated_at: str | None = None


class TaskMissing(_Event, frozen=True, kw_only=True):
    """The API answered ``not_found`` for a task that it had created."""

    key: str
    message: str
    request_id: str | None = None


class Stored(_Event, frozen=True, kw_only=True):
    """File ``index`` (from 0) of ``of`` is on disk, checked and synced."""

    key: str
    index: int
    of: int
    path: str
    url: str | None
    bytes: int
    sha256: str
    mime_type: str | None
    mtime_ns: int | None = None
    media: Mapping[str, Any] | None = None


class Reassigned(_Event, frozen=True, kw_only=True):
    """An attempt serves another take from now on; its files follow (``paths``: old -> new)."""

    key: str
    shot: str
    take: int
    paths: Mapping[str, str]
    family: str | None = None


class MarkedUnknown(_Event, frozen=True, kw_only=True):
    """The outcome of a create can't be found out any more without a person."""

    key: str
    code: str
    message: str
    request_id: str | None = None


class GivenUp(_Event, frozen=True, kw_only=True):
    """A person chose to pay again instead of waiting for an unknown outcome."""

    key: str


class Adopted(_Event, frozen=True, kw_only=True):
    """A person tied an existing task to a take; where the key is known, to that attempt."""

    key: str
    shot: str
    take: int
    fingerprint: str
    number: int
    model: str
    body: str
    task_id: str
    status: str
    reserved_credits: float | None = None
    final_credits: float | None = None
    created_at: str | None = None
    updated_at: str | None = None
    family: str | None = None
    from_storyboards: tuple[tuple[str, str, int, str], ...] = ()
    client: str | None = None
    tags: tuple[str, ...] = ()
    scene: str | None = None


class TakenIn(_Event, frozen=True, kw_only=True):
    """The manifest knew of an attempt (a colleague's run) that the journal did not.

    ``entry`` is what it says of it. Early versions recorded that unjudged, so it may be anything, and so may the
    other two: the fold judges them.
    """

    key: Any
    shot: Any
    entry: Any


class Removed(_Event, frozen=True, kw_only=True):
    """``clean`` removed a file; the attempt stays on record."""

    key: str
    path: str


class FrameTaken(_Event, frozen=True, kw_only=True):
    """A still was taken out of an output, for a shot that is made from it. ``frame`` as in the storyboard."""

    key: str
    frame: str
    path: str
    sha256: str
    bytes: int


class Checked(_Event, frozen=True, kw_only=True):
    """The content of a file was looked into again: what is wrong with it, as the manifest has it."""

    key: str
    sha256: str
    checks: tuple[Mapping[str, Any], ...]


JournalEvent = (
    RunStarted
    | Uploaded
    | Intended
    | Withdrawn
    | LeftOpen
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
    | Checked
)


class Entry(msgspec.Struct, frozen=True):
    """One line of the journal: its number (from 1), when it was written (ISO 8601, UTC) and what happened."""

    number: int
    at: str
    event: JournalEvent


def text_of(number: int, at: str, event: JournalEvent, **more: Json) -> str:
    """A line's text, without its seal; ``more`` stands between its head and the event's own fields."""
    fields = msgspec.to_builtins(event)
    head = {"n": number, "at": at, "event": fields.pop("event"), **more}
    return json.dumps(head | fields, ensure_ascii=False, separators=(",", ":"))


def event_of(fields: Mapping[str, Any]) -> JournalEvent:
    """The event that a line's members tell of. Raises ValueError where they tell of none."""
    event: JournalEvent = msgspec.convert(fields, JournalEvent)
    return event
