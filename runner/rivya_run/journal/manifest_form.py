"""The manifest's form: what it is written from, what it is read by, and what its JSON Schema is made of.

A field with a default may be missing in a manifest that is read (an older program left it out). All are written,
but those that are UNSET. Members that no class here has are a newer program's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

from rivya_run.journal.attempt import MOST_CREDITS, TakeStatus
from rivya_run.models.table import ID_PATTERN
from rivya_run.storyboard.model import MAX_TAKES, URL_PATTERN, WINDOWS_DEVICES

_LONGEST_TEXT = 16_384
"""Characters: what the API says is cut at 4,000, and our own messages quote it."""

_LONGEST_URL = 32_768
"""Characters: four times what is accepted of the API, for a URL that was quoted."""

_LARGEST = 2**53 - 1
"""Bytes: the largest number that every reader of JSON gets whole."""

_DEVICES = "|".join(
    "".join(f"[{x.upper()}{x}]" if x.isalpha() else x for x in one) for one in sorted(WINDOWS_DEVICES)
)
_ID_BODY = ID_PATTERN.strip("^$")

TITLES: dict[str, str] = {}
"""What a text is that a pattern describes, for messages. Here '$' is written as Python has it."""


def _text(pattern: str, title: str, longest: int | None = None) -> Meta:
    """In Python, '$' lets a line end pass; in JSON Schema it doesn't."""
    pattern = pattern.replace("$", r"\Z")
    TITLES[pattern] = title
    return Meta(pattern=pattern, title=title, max_length=longest)


def _said(description: str) -> Meta:
    return Meta(description=description)


Id: TypeAlias = Annotated[
    str, _text(f"^(?!({_DEVICES})$){_ID_BODY}$", "an id (letters, digits, '-' and '_', at most 64)")
]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
OwnFile: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4096)]  # no system takes a longer path
ShortText: TypeAlias = Annotated[str, Meta(max_length=_LONGEST_TEXT)]
Sha: TypeAlias = Annotated[str, _text("^[0-9a-f]{64}$", "a sha256 of 64 hex digits")]
ApiId: TypeAlias = Annotated[
    str, _text(r"^(?!\.{1,2}$)[^\u0000-\u001f\u007f-\u009f]+$", "an id of the API's", 512)
]
Time: TypeAlias = Annotated[
    str,
    _text(
        r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
        r"(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
        "a time like 2026-05-11T00:00:00.000Z",
    ),
]
FileName: TypeAlias = Annotated[
    str,
    _text(
        f"^(?!({_DEVICES})/){_ID_BODY}/(?!({_DEVICES})([.]|$))[A-Za-z0-9_][A-Za-z0-9._-]*(?<![.])$",
        "a file in the folder of a shot, '<shot>/<file>'",
        255,
    ),
]
ProjectPath: TypeAlias = Annotated[
    str,
    _text(r"^[^\u0000-\u001f]*$", "a path", 4096),
    _said("Relative to the project root, with forward slashes"),
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Bytes: TypeAlias = Annotated[int, Meta(ge=0, le=_LARGEST)]
Fact: TypeAlias = Annotated[float, Meta(ge=0, le=_LARGEST)]
Sum: TypeAlias = Annotated[float, Meta(ge=0)]
Credits: TypeAlias = Annotated[float, Meta(ge=0, le=MOST_CREDITS)]
TakeNumber: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_TAKES)]


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

    code: Annotated[ShortText, _said("The API's code, as it came")]
    message: ShortText
    request_id: ShortText | None = None


class Still(_Form, frozen=True, kw_only=True):
    """A frame that was taken out of a clip."""

    path: FileName
    sha256: Sha
    bytes: Bytes
    frame: ShortText = ""


class File(_Form, frozen=True, kw_only=True):
    """A file of a take. Beside these members stand further facts about it, whatever was measured."""

    path: Annotated[FileName, _said("Relative to the manifest, with forward slashes")]
    url: Annotated[
        Annotated[str, _text(r"^[Hh][Tt][Tt][Pp][Ss]?://[^\u0000-\u001f]+$", "an http(s) URL", _LONGEST_URL)]
        | None,
        _said("Where it was fetched from; it may have expired"),
    ] = None
    bytes: Bytes
    sha256: Sha
    mime_type: ShortText | None = None
    first_sha256: Annotated[
        Sha | UnsetType,
        _said("Of the bytes that came first, where others came later; what is made from the file goes by it"),
    ] = UNSET
    first_seconds: Annotated[
        Fact | UnsetType, _said("How long those lasted, where the others last longer or shorter")
    ] = UNSET
    removed: Annotated[bool | UnsetType, _said("clean removed it")] = UNSET
    width: Annotated[Fact | UnsetType, _said("Pixels")] = UNSET
    height: Annotated[Fact | UnsetType, _said("Pixels")] = UNSET
    duration: Annotated[Fact | UnsetType, _said("Seconds")] = UNSET
    frames: Annotated[
        tuple[Still, ...] | UnsetType,
        _said("Stills that were taken out of it, for shots that are made from it"),
    ] = UNSET


class Earlier(_Form, frozen=True, kw_only=True):
    """An attempt that a later one replaced."""

    take: TakeNumber
    status: Annotated[
        TakeStatus,
        _said(
            "planned, sent (no answer yet, will be resent), pending (a task exists), "
            "succeeded (files on disk), failed, unknown (awaits a decision)"
        ),
    ]
    model: Name = ""
    fingerprint: Annotated[
        Annotated[str, _text("^sha256:[0-9a-f]{64}$", "a fingerprint ('sha256:' and 64 hex digits)")] | None,
        _said("sha256 of what the take is made from"),
    ] = None
    client_request_id: Annotated[
        Annotated[
            str,
            _text(
                r"^[A-Za-z0-9._-]{1,128}$",
                "a client request id (letters, digits, '.', '_' and '-', at most 128)",
            ),
        ]
        | None,
        _said("Also the Idempotency-Key of the create"),
    ] = None
    attempt: Annotated[int, Meta(ge=0, le=9999, description="0 where none was made")] = 0
    task_id: Annotated[ApiId | None, _said("The job at Rivya")] = None

    attempts: Annotated[tuple[Any, ...] | UnsetType, _said("Not here: the take has them")] = UNSET
    request: Annotated[dict[str, Any] | None, _said("The body as it was sent")] = None
    sent_at: Annotated[Time | None, _said("By the clock of the machine that sent it")] = None
    reserved_credits: Credits | None = None
    final_credits: Credits | None = None
    estimated_credits: Credits | None | UnsetType = UNSET
    created_at: Annotated[ShortText | None, _said("As the API wrote it")] = None
    updated_at: Annotated[ShortText | None, _said("As the API wrote it")] = None
    parents: Annotated[tuple[Parent, ...] | UnsetType, _said("The takes whose results it was made from")] = (
        UNSET
    )
    timeline: Annotated[tuple[StatusSeen, ...] | UnsetType, _said("When it was seen in which status")] = UNSET
    outputs: Annotated[tuple[File, ...], _said("The files, the main one first")] = ()
    error: Annotated[Error | None, _said("Why it failed; null otherwise")] = None
    api_sent_at: Annotated[
        Time | UnsetType, _said("The moment of sent_at by the API's clock, where that is known")
    ] = UNSET
    family: Annotated[
        Id | UnsetType, _said("The shot's id in the storyboard, where a version gave it another one")
    ] = UNSET
    from_storyboards: Annotated[
        tuple[BoardParent, ...] | UnsetType,
        _said("What other storyboards made of theirs, that it was made from, in the order of its references"),
    ] = UNSET
    given_up: Annotated[
        bool | UnsetType, _said("Its outcome was never known; a later attempt replaced it")
    ] = UNSET


class SameAs(_Form, frozen=True, kw_only=True):
    """A take of another shot."""

    shot: Id
    take: TakeNumber


class Take(Earlier, frozen=True, kw_only=True):
    """A take: what its last attempt came to, with those before it."""

    wanted: Annotated[
        bool | UnsetType, _said("false: the shot has another take that is approved; kept, but not used")
    ] = UNSET
    stopped: Annotated[
        tuple[str, ...] | UnsetType,
        _said("The checks that keep it from films and other shots until it is approved"),
    ] = UNSET
    same_as: Annotated[
        SameAs | UnsetType,
        _said(
            "The take whose files these are: it was made for that shot and approved for this one; paid once"
        ),
    ] = UNSET
    attempts: Annotated[tuple[Earlier, ...], _said("The attempts before this one, with what they cost")] = ()


class Past(Take, frozen=True, kw_only=True):
    """A take that no present shot asks for."""

    shot: Annotated[Id, _said("The shot that it was made for")]


class ShotForm(_Form, frozen=True, kw_only=True):
    """A shot, in the order of the storyboard."""

    id: Id
    scene: str | None = None
    pick: Annotated[
        TakeNumber | None, _said("The take chosen in the storyboard; null: the first that succeeded")
    ] = None
    skipped: bool = False
    approved: Annotated[
        Annotated[str, _text(r"^[1-9][0-9]?@[0-9a-f]{8,64}$", "a take and digits like 2@3fa9c1d2")]
        | UnsetType,
        _said("What is approved of it; the approved take is its pick, null where it isn't on record"),
    ] = UNSET
    title: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    versions: Annotated[tuple[str, ...] | UnsetType, _said("The versions that it is made for")] = UNSET
    file: Annotated[
        OwnFile | UnsetType,
        _said("The file that the shot is, relative to the storyboard; nothing is made of it"),
    ] = UNSET
    takes: Annotated[tuple[Take, ...], _said("In their order")]


class Upload(_Form, frozen=True, kw_only=True):
    """A reference file that was sent."""

    sha256: Sha
    path: Annotated[str, _text(r"^[^\u0000]+$", "a path", 4096), _said("As the storyboard names it")]
    kind: Literal["image", "video", "audio"]
    model: Annotated[Name, _said("The model whose rules it was checked by")]
    mime_type: ShortText | None = None
    bytes: Bytes
    url: Annotated[
        str,
        _text(URL_PATTERN, "an https URL (plain http only to this machine)", _LONGEST_URL),
        _said("What the request sends"),
    ]
    file_id: ApiId | None = None
    uploaded_at: Time = ""
    duration_token: ShortText | None = None


class Input(_Form, frozen=True, kw_only=True):
    """A file that was read beside the storyboard."""

    path: Annotated[
        str,
        _text(r"^[^\u0000-\u001f]+$", "a path", 4096),
        _said("Relative to the project root, with forward slashes"),
    ]
    sha256: Sha


class StoryboardForm(_Form, frozen=True, kw_only=True):
    """Which storyboard it is."""

    id: Id = ""
    title: str | None | UnsetType = UNSET
    path: ProjectPath = ""
    sha256: Annotated[Sha, _said("Of the file's bytes when the manifest was written")] = ""
    inputs: Annotated[
        tuple[Input, ...] | UnsetType,
        _said("What else was read, by path: files that it includes, sounds and files of one's own"),
    ] = UNSET


class Totals(_Form, frozen=True, kw_only=True):
    """Sums of everything."""

    takes: Annotated[Count, _said("Present takes")] = 0
    succeeded: Count = 0
    failed: Count = 0
    pending: Annotated[Count, _said("Planned, sent or running")] = 0
    unknown: Annotated[Count, _said("Created or not: nobody knows; they await a decision")] = 0
    reserved_credits: Annotated[Sum, _said("Sum over the present takes")] = 0
    final_credits: Annotated[Sum, _said("Sum over the present takes")] = 0
    spent_credits: Annotated[
        Sum, _said("Everything this storyboard ever cost, all attempts and history included")
    ] = 0


class Document(_Form, frozen=True, kw_only=True):
    """What a storyboard's takes became: status, cost and files. Derived from the journal."""

    version: Annotated[Literal[1], _said("The version of the manifest's form")] = 1
    storyboard: StoryboardForm = field(default_factory=StoryboardForm)
    updated_at: Annotated[ShortText, _said("UTC, ISO 8601")] = ""
    base_url: Annotated[ShortText, _said("The API origin; 'simulator' for simulated results")] = ""
    totals: Totals = field(default_factory=Totals)
    shots: Annotated[tuple[ShotForm, ...], _said("In the order of the storyboard")]
    uploads: Annotated[tuple[Upload, ...], _said("Reference files that were sent")] = ()
    history: Annotated[
        tuple[Past, ...], _said("What no present shot asks for; paid, and never made again")
    ] = ()
