"""What is known of everything that was ever asked for: attempts, their outputs, and what the API tells of a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from rivya_run.json_types import Json


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error as the API told it. ``code`` is its contract; an unknown one is shown as it came."""

    code: str
    message: str
    request_id: str | None = None
    http_status: int | None = None


class TaskStatus(StrEnum):
    """Where a task is. OTHER is a status that this version doesn't know: it is waited on."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Task:
    """The public task object (create and status replies). Times are as the API wrote them.

    ``urls`` are its results, the primary one first; ``places`` says where each stands in the API's own list. A URL
    that can't be fetched is among them, last, so that it can be told.
    """

    id: str
    status: TaskStatus
    raw_status: str
    model: str | None = None
    reserved_credits: float | None = None
    final_credits: float | None = None
    created_at: str | None = None
    updated_at: str | None = None
    urls: tuple[str, ...] = ()
    error: ApiError | None = None
    places: tuple[int, ...] = ()


MOST_CREDITS = 1e9
"""More than any take can cost: a larger number is none, and sums of such stay exact."""


DOWNLOADING = "downloading"
"""In the timeline of an attempt: its task has succeeded, and its files are to be fetched."""


class AttemptState(StrEnum):
    """How far an attempt has come.

    SENT       its intent is on disk: a create may have reached the API, no answer is known
    WITHDRAWN  it is known that no create arrived
    REFUSED    the API plainly refused the create
    RUNNING    a task exists
    FINISHED   the task succeeded, its files are to be fetched
    STORED     its files are on disk
    FAILED     the task failed
    UNKNOWN    the outcome can't be found out without a person
    TASK_MISSING  the API no longer finds the task that it had created: asked for again, till a person decides
    GIVEN_UP   was UNKNOWN or TASK_MISSING; a person chose to pay again instead
    """

    SENT = "sent"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    RUNNING = "running"
    FINISHED = "finished"
    STORED = "stored"
    FAILED = "failed"
    UNKNOWN = "unknown"
    TASK_MISSING = "task_missing"
    GIVEN_UP = "given_up"


OPEN_STATES = frozenset(
    {AttemptState.SENT, AttemptState.RUNNING, AttemptState.FINISHED, AttemptState.TASK_MISSING}
)
"""States that a run works on until they end."""

UNDECIDED_STATES = frozenset({AttemptState.UNKNOWN, AttemptState.TASK_MISSING})
"""States that a person decides on: wait, adopt a task, or pay again."""

FOLLOWED_STATES = frozenset({AttemptState.RUNNING, AttemptState.TASK_MISSING})
"""States of a task that the API is asked for."""

CLAIMABLE_STATES = OPEN_STATES | {AttemptState.STORED, AttemptState.UNKNOWN}
"""States of things that were paid for or may have been: a take can be served by them."""


def credits_spent(ended: bool, reserved: float | None, final: float | None) -> float:
    """What an attempt cost as far as the API has said: final credits once its task ended, else what is reserved.

    An API that tells nothing final when a task ends has taken what it reserved.
    """
    return final if ended and final is not None else reserved or 0


def credits_at_stake(
    ended: bool, reserved: float | None, final: float | None, estimate: float | None
) -> float:
    """What an attempt may have cost at most: the estimate where the API said nothing, for a create that may count."""
    silent = reserved is None and not (ended and final is not None)
    return estimate or 0 if silent else credits_spent(ended, reserved, final)


class TakeStatus(StrEnum):
    """What the manifest says of a take."""

    PLANNED = "planned"
    SENT = "sent"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a take. ``path`` is relative to the output folder, with forward slashes.

    ``media`` holds measured facts (width, height, duration in seconds, ...) and, under ``frame:<name>``
    keys of ``frames``, the stills taken out of it; ``checks`` are the verdicts on it, an empty list where nothing was
    found, absent where nobody looked. ``mtime_ns`` is the file's time when it was stored.
    ``removed``: a person had ``clean`` remove it. ``first_sha256`` is that of the bytes that came first, where
    the API served others when the file was fetched again; ``first_seconds`` is how long those lasted, where the
    others last longer or shorter.
    """

    path: str
    url: str | None
    bytes: int
    sha256: str
    mime_type: str | None
    mtime_ns: int | None = None
    media: Mapping[str, Json] | None = None
    removed: bool = False
    first_sha256: str | None = None
    first_seconds: float | None = None

    @property
    def identity(self) -> str:
        """The checksum that what is made from this file goes by: other bytes later make nothing anew."""
        return self.first_sha256 or self.sha256

    @property
    def seconds(self) -> float | None:
        """The length that what follows this file goes by, as it was measured first; None where nobody could."""
        duration = self.first_seconds or (self.media or {}).get("duration")
        return float(duration) if isinstance(duration, int | float) and duration else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One create and what came of it. Times are ISO 8601 in UTC.

    ``shot`` and ``take`` say whom it serves now (a renamed shot takes its attempts along), ``client_request_id``
    whom it was made for. ``body`` is the exact text that is sent. ``price_key`` names model and params for learned
    costs, ``estimate`` what it was thought to cost. ``parents`` are ``(shot, take, identity of the output)``.
    ``from_storyboards`` are ``(storyboard from the project root, shot, take, identity)`` of what others made.
    ``outputs`` are the files of ``urls``, in their order; ``places`` says where each URL stands in the API's own
    list, where that is known.
    ``withdrawn`` is why no create arrived, in words. ``task_seconds`` and ``running_seconds`` are how long its task
    took in all, and out of the queue, as far as a run has watched it. ``sent_at`` is by the clock of the
    machine that sent it, ``api_sent_at`` by the API's, where that was heard. ``family`` is the id of ``shot`` in the
    storyboard, where a version gave it another one. ``client``, ``tags`` and ``scene`` are those that it had when it
    was sent, and ``via`` the way in by which it was asked for (``ATTRIBUTION``); they stay, whatever is written
    later.
    ``counted_at`` is when budgets count it, where that isn't ``sent_at``.
    """

    client_request_id: str
    shot: str
    take: int
    fingerprint: str
    number: int
    model: str
    body: str
    state: AttemptState
    sent_at: str | None
    estimate: float | None = None
    price_key: str | None = None
    task_id: str | None = None
    reserved_credits: float | None = None
    final_credits: float | None = None
    created_at: str | None = None
    updated_at: str | None = None
    urls: tuple[str, ...] = ()
    places: tuple[int, ...] = ()
    outputs: tuple[Output, ...] = ()
    error: ApiError | None = None
    parents: tuple[tuple[str, int, str], ...] = ()
    timeline: tuple[tuple[str, str], ...] = ()
    withdrawn: str | None = None
    task_seconds: float | None = None
    running_seconds: float | None = None
    api_sent_at: str | None = None
    family: str | None = None
    from_storyboards: tuple[tuple[str, str, int, str], ...] = ()
    client: str | None = None
    tags: tuple[str, ...] = ()
    scene: str | None = None
    counted_at: str | None = None
    via: str | None = None

    @property
    def open(self) -> bool:
        """Whether a run still has something to do for it."""
        return self.state in OPEN_STATES

    @property
    def ended(self) -> bool:
        """Whether its task is known to be over, so that its final credits count.

        One that a manifest calls pending may have succeeded: it runs again, to be asked for its URLs.
        """
        made = (
            self.state is AttemptState.RUNNING and self.timeline[-1:] and self.timeline[-1][0] == DOWNLOADING
        )
        return bool(made) or self.state in {AttemptState.FINISHED, AttemptState.STORED, AttemptState.FAILED}

    @property
    def spent(self) -> float:
        """Credits that it cost as far as the API has said."""
        return credits_spent(self.ended, self.reserved_credits, self.final_credits)

    @property
    def at_stake(self) -> float:
        """Credits that it may have cost at most."""
        never = self.state in {AttemptState.WITHDRAWN, AttemptState.REFUSED}
        return credits_at_stake(
            self.ended, self.reserved_credits, self.final_credits, None if never else self.estimate
        )

    @property
    def price_unknown(self) -> bool:
        """Whether it may have cost something, and neither a table nor the API says how much."""
        never = self.state in {AttemptState.WITHDRAWN, AttemptState.REFUSED}
        return not never and (self.estimate, self.reserved_credits, self.final_credits) == (None, None, None)


ATTRIBUTION = ("client", "tags", "scene", "via")
"""What says whom an attempt's credits are counted for."""


def attributed_as(attempt: Attempt, known: Attempt | None) -> Attempt:
    """An attempt as another source tells of it, with whom it was for as that is known already."""
    said = {name: getattr(known, name) for name in ATTRIBUTION} if known is not None else {}
    return replace(attempt, **said) if any(said.values()) else attempt


def failed_checks(output: Output) -> tuple[str, ...]:
    """The checks that a file didn't pass when it was stored, each once; none where it was never checked."""
    found = (
        one.get("check") for one in _as_list((output.media or {}).get("checks")) if isinstance(one, dict)
    )
    return tuple(dict.fromkeys(code for code in found if isinstance(code, str)))


def with_still(output: Output, frame: str, path: str, sha256: str, size: int) -> Output:
    """The output with one more still; the same one again changes nothing."""
    still: dict[str, Json] = {"frame": frame, "path": path, "sha256": sha256, "bytes": size}
    frames = [one for one in _frames(output) if one != still]
    return replace(output, media={**(output.media or {}), "frames": [*frames, still]})


def with_checks(output: Output, checks: list[Json]) -> Output:
    """The output with other verdicts."""
    return replace(output, media={**(output.media or {}), "checks": checks})


def stills(output: Output) -> list[Output]:
    """The stills that were taken out of an output, each as a file of its own."""
    return [
        Output(str(one["path"]), None, int(str(one["bytes"])), str(one["sha256"]), None)
        for one in _frames(output)
        if isinstance(one, dict) and one.get("path") and one.get("sha256") and str(one.get("bytes")).isdigit()
    ]


def owned_paths(attempt: Attempt) -> Iterator[str]:
    """Every name that is on record for an attempt: outputs, and the stills that were taken out of them."""
    for output in attempt.outputs:
        yield output.path
        for still in stills(output):
            yield still.path


def without_still(output: Output, path: str) -> Output:
    """The output without the still of that path, which somebody removed."""
    frames = _frames(output)
    left = [one for one in frames if not (isinstance(one, dict) and one.get("path") == path)]
    return replace(output, media={**(output.media or {}), "frames": left}) if left != frames else output


def moved(output: Output, paths: Mapping[str, str]) -> Output:
    """The output and its stills under other paths (old -> new)."""
    found = replace(output, path=paths.get(output.path, output.path))
    frames: list[Json] = [
        {**one, "path": paths.get(str(one.get("path")), one.get("path"))} if isinstance(one, dict) else one
        for one in _frames(output)
    ]
    return replace(found, media={**(output.media or {}), "frames": frames}) if frames else found


def _frames(output: Output) -> list[Json]:
    return _as_list((output.media or {}).get("frames"))


def _as_list(value: Json) -> list[Json]:
    """A JSON list, or an empty one for anything else."""
    return value if isinstance(value, list) else []
