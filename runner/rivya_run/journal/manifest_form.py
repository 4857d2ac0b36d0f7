"""The manifest's form: what it is written from, what it is read by, and what its JSON Schema is made of (by
``manifest_schema``).

A field with a default may be missing in a manifest that is read (an older program left it out). All are written,
but those that are UNSET. Members that no class here has are a newer program's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from rivya_run.journal.attempt import TakeStatus
from rivya_run.journal.manifest_values import (
    LONGEST_URL,
    ApiId,
    Bytes,
    CheckCode,
    Count,
    Credits,
    Fact,
    FileName,
    Id,
    Name,
    OwnFile,
    ProjectPath,
    Sha,
    ShortText,
    Sum,
    TakeNumber,
    Time,
    of_pattern,
    said,
)
from rivya_run.storyboard.model import URL_PATTERN


class _Form(Struct, frozen=True, kw_only=True):
    """What all have in common: nothing in it changes, and every field is named where one is made."""


class StatusSeen(_Form, frozen=True, kw_only=True):
    """When a task was seen in which status."""

    status: ShortText
    at: ShortText


class Parent(_Form, frozen=True, kw_only=True):
    """A take whose result another was made from, by the content of its file."""

    shot: Id
    take: TakeNumber
    sha256: Sha


class BoardParent(Parent, frozen=True, kw_only=True):
    """The same of another storyboard of the project."""

    storyboard: ProjectPath


class Error(_Form, frozen=True, kw_only=True):
    """Why a take failed."""

    code: Annotated[ShortText, said("The API's code, as it came")]
    message: ShortText
    request_id: ShortText | None = None


class Still(_Form, frozen=True, kw_only=True):
    """A frame that was taken out of a clip."""

    path: FileName
    sha256: Sha
    bytes: Bytes
    frame: ShortText = ""


class FailedCheck(_Form, frozen=True, kw_only=True):
    """Something that is wrong with a file, as it was found when the file was stored."""

    check: Annotated[CheckCode, said("black, frozen, short, ratio, silent or damaged")]
    begin: Annotated[Fact | UnsetType, said("Seconds; where it is so in a part of the file")] = field(
        default=UNSET, name="from"
    )
    end: Annotated[Fact | UnsetType, said("Seconds")] = field(default=UNSET, name="to")
    about: Annotated[ShortText, said("In words, with timecodes")] = ""


class File(_Form, frozen=True, kw_only=True):
    """A file of a take. Beside these members stand further facts about it, whatever was measured."""

    path: Annotated[FileName, said("Relative to the manifest, with forward slashes")]
    url: Annotated[
        Annotated[
            str, of_pattern(r"^[Hh][Tt][Tt][Pp][Ss]?://[^\u0000-\u001f]+$", "an http(s) URL", LONGEST_URL)
        ]
        | None,
        said("Where it was fetched from; it may have expired"),
    ] = None
    bytes: Bytes
    sha256: Sha
    mime_type: ShortText | None = None
    first_sha256: Annotated[
        Sha | UnsetType,
        said("Of the bytes that came first, where others came later; what is made from the file goes by it"),
    ] = UNSET
    first_seconds: Annotated[
        Fact | UnsetType, said("How long those lasted, where the others last longer or shorter")
    ] = UNSET
    removed: Annotated[bool | UnsetType, said("clean removed it")] = UNSET
    width: Annotated[Fact | UnsetType, said("Pixels")] = UNSET
    height: Annotated[Fact | UnsetType, said("Pixels")] = UNSET
    duration: Annotated[Fact | UnsetType, said("Seconds")] = UNSET
    checks: Annotated[
        tuple[FailedCheck, ...] | UnsetType,
        said("What is wrong with it; empty where nothing is, missing where nobody looked"),
    ] = UNSET
    frames: Annotated[
        tuple[Still, ...] | UnsetType,
        said("Stills that were taken out of it, for shots that are made from it"),
    ] = UNSET


class Earlier(_Form, frozen=True, kw_only=True):
    """An attempt that a later one replaced."""

    take: TakeNumber
    status: Annotated[
        TakeStatus,
        said(
            "planned, sent (no answer yet, will be resent), pending (a task exists), "
            "succeeded (files on disk), failed, unknown (awaits a decision)"
        ),
    ]
    model: Name = ""
    fingerprint: Annotated[
        Annotated[str, of_pattern("^sha256:[0-9a-f]{64}$", "a fingerprint ('sha256:' and 64 hex digits)")]
        | None,
        said("sha256 of what the take is made from"),
    ] = None
    client_request_id: Annotated[
        Annotated[
            str,
            of_pattern(
                r"^[A-Za-z0-9._-]{1,128}$",
                "a client request id (letters, digits, '.', '_' and '-', at most 128)",
            ),
        ]
        | None,
        said("Also the Idempotency-Key of the create"),
    ] = None
    attempt: Annotated[int, Meta(ge=0, le=9999, description="0 where none was made")] = 0
    task_id: Annotated[ApiId | None, said("The job at Rivya")] = None

    attempts: Annotated[tuple[Any, ...] | UnsetType, said("Not here: the take has them")] = UNSET
    request: Annotated[dict[str, Any] | None, said("The body as it was sent")] = None
    sent_at: Annotated[Time | None, said("By the clock of the machine that sent it")] = None
    reserved_credits: Credits | None = None
    final_credits: Credits | None = None
    estimated_credits: Credits | None | UnsetType = UNSET
    created_at: Annotated[ShortText | None, said("As the API wrote it")] = None
    updated_at: Annotated[ShortText | None, said("As the API wrote it")] = None
    parents: Annotated[tuple[Parent, ...] | UnsetType, said("The takes whose results it was made from")] = (
        UNSET
    )
    timeline: Annotated[tuple[StatusSeen, ...] | UnsetType, said("When it was seen in which status")] = UNSET
    outputs: Annotated[tuple[File, ...], said("The files, the main one first")] = ()
    error: Annotated[Error | None, said("Why it failed; null otherwise")] = None
    api_sent_at: Annotated[
        Time | UnsetType, said("The moment of sent_at by the API's clock, where that is known")
    ] = UNSET
    family: Annotated[
        Id | UnsetType, said("The shot's id in the storyboard, where a version gave it another one")
    ] = UNSET
    from_storyboards: Annotated[
        tuple[BoardParent, ...] | UnsetType,
        said("What other storyboards made of theirs, that it was made from, in the order of its references"),
    ] = UNSET
    client: Annotated[str | UnsetType, said("Who was to pay for it when it was sent")] = UNSET
    tags: Annotated[tuple[str, ...] | UnsetType, said("Those of its shot when it was sent")] = UNSET
    scene: Annotated[str | UnsetType, said("That of its shot when it was sent")] = UNSET
    counted_at: Annotated[
        Time | UnsetType, said("When budgets count it, where the clock was behind at sent_at")
    ] = UNSET
    via: Annotated[
        str | UnsetType,
        said("The way in by which it was asked for: mcp is an agent's; the command line's has none"),
    ] = UNSET
    given_up: Annotated[
        bool | UnsetType, said("Its outcome was never known; a later attempt replaced it")
    ] = UNSET


class SameAs(_Form, frozen=True, kw_only=True):
    """A take of another shot."""

    shot: Id
    take: TakeNumber


class Take(Earlier, frozen=True, kw_only=True):
    """A take: what its last attempt came to, with those before it."""

    wanted: Annotated[
        bool | UnsetType, said("false: the shot has another take that is approved; kept, but not used")
    ] = UNSET
    stopped: Annotated[
        tuple[str, ...] | UnsetType,
        said("The checks that keep it from films and other shots until it is approved"),
    ] = UNSET
    same_as: Annotated[
        SameAs | UnsetType,
        said(
            "The take whose files these are: it was made for that shot and approved for this one; paid once"
        ),
    ] = UNSET
    attempts: Annotated[tuple[Earlier, ...], said("The attempts before this one, with what they cost")] = ()


class Past(Take, frozen=True, kw_only=True):
    """A take that no present shot asks for."""

    shot: Annotated[Id, said("The shot that it was made for")]


class ShotChecks(_Form, frozen=True, kw_only=True):
    """What the storyboard says of the checks of a shot."""

    stop: Annotated[tuple[CheckCode, ...], said("These keep a take from films and other shots")] = ()
    quiet: Annotated[tuple[CheckCode, ...], said("Of these nothing is said")] = ()


class ShotForm(_Form, frozen=True, kw_only=True):
    """A shot, in the order of the storyboard."""

    id: Id
    scene: str | None = None
    pick: Annotated[
        TakeNumber | None, said("The take chosen in the storyboard; null: the first that succeeded")
    ] = None
    skipped: bool = False
    approved: Annotated[
        Annotated[str, of_pattern(r"^[1-9][0-9]?@[0-9a-f]{8,64}$", "a take and digits like 2@3fa9c1d2")]
        | UnsetType,
        said("What is approved of it; the approved take is its pick, null where it isn't on record"),
    ] = UNSET
    title: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    versions: Annotated[tuple[str, ...] | UnsetType, said("The versions that it is made for")] = UNSET
    checks: ShotChecks | UnsetType = UNSET
    file: Annotated[
        OwnFile | UnsetType,
        said("The file that the shot is, relative to the storyboard; nothing is made of it"),
    ] = UNSET
    takes: Annotated[tuple[Take, ...], said("In their order")]


class Upload(_Form, frozen=True, kw_only=True):
    """A reference file that was sent."""

    sha256: Sha
    path: Annotated[str, of_pattern(r"^[^\u0000]+$", "a path", 4096), said("As the storyboard names it")]
    kind: Literal["image", "video", "audio"]
    model: Annotated[Name, said("The model whose rules it was checked by")]
    mime_type: ShortText | None = None
    bytes: Bytes
    url: Annotated[
        str,
        of_pattern(URL_PATTERN, "an https URL (plain http only to this machine)", LONGEST_URL),
        said("What the request sends"),
    ]
    file_id: ApiId | None = None
    uploaded_at: Time = ""
    duration_token: ShortText | None = None


class Input(_Form, frozen=True, kw_only=True):
    """A file that was read beside the storyboard."""

    path: Annotated[
        str,
        of_pattern(r"^[^\u0000-\u001f]+$", "a path", 4096),
        said("Relative to the project root, with forward slashes"),
    ]
    sha256: Sha


class StoryboardForm(_Form, frozen=True, kw_only=True):
    """Which storyboard it is."""

    id: Id = ""
    title: str | None | UnsetType = UNSET
    path: ProjectPath = ""
    sha256: Annotated[Sha, said("Of the file's bytes when the manifest was written")] = ""
    inputs: Annotated[
        tuple[Input, ...] | UnsetType,
        said("What else was read, by path: files that it includes, sounds and files of one's own"),
    ] = UNSET


class Totals(_Form, frozen=True, kw_only=True):
    """Sums of everything."""

    takes: Annotated[Count, said("Present takes")] = 0
    succeeded: Count = 0
    failed: Count = 0
    pending: Annotated[Count, said("Planned, sent or running")] = 0
    unknown: Annotated[Count, said("Created or not: nobody knows; they await a decision")] = 0
    reserved_credits: Annotated[Sum, said("Sum over the present takes")] = 0
    final_credits: Annotated[Sum, said("Sum over the present takes")] = 0
    spent_credits: Annotated[
        Sum, said("Everything this storyboard ever cost, all attempts and history included")
    ] = 0


class Document(_Form, frozen=True, kw_only=True):
    """What a storyboard's takes became: status, cost and files. Derived from the journal."""

    version: Annotated[Literal[1], said("The version of the manifest's form")] = 1
    storyboard: StoryboardForm = field(default_factory=StoryboardForm)
    updated_at: Annotated[ShortText, said("UTC, ISO 8601")] = ""
    base_url: Annotated[ShortText, said("The API origin; 'simulator' for simulated results")] = ""
    books: Annotated[
        ShortText | UnsetType,
        said("Where the journal is: 'file' (beside this), or 'postgres:' and the database's id"),
    ] = UNSET
    book_commit: Annotated[
        Count | UnsetType,
        said("The commit of these books in the database; one with fewer is not the same any more"),
    ] = UNSET
    totals: Totals = field(default_factory=Totals)
    shots: Annotated[tuple[ShotForm, ...], said("In the order of the storyboard")]
    uploads: Annotated[tuple[Upload, ...], said("Reference files that were sent")] = ()
    history: Annotated[
        tuple[Past, ...], said("What no present shot asks for; paid, and never made again")
    ] = ()
