"""What single members of a manifest may hold: texts by their pattern, numbers by their bounds."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

from rivya_run.journal.attempt import MOST_CREDITS
from rivya_run.models.table import ID_PATTERN
from rivya_run.storyboard.model import MAX_TAKES, WINDOWS_DEVICES

_LONGEST_TEXT = 16_384
"""Characters: what the API says is cut at 4,000, and our own messages quote it."""

LONGEST_URL = 32_768
"""Characters: four times what is accepted of the API, for a URL that was quoted."""

_LARGEST = 2**53 - 1
"""Bytes: the largest number that every reader of JSON gets whole."""

_DEVICES = "|".join(
    "".join(f"[{x.upper()}{x}]" if x.isalpha() else x for x in one) for one in sorted(WINDOWS_DEVICES)
)
_ID_BODY = ID_PATTERN.strip("^$")

TITLES: dict[str, str] = {}
"""What a text is that a pattern describes, for messages. Here '$' is written as Python has it."""


def of_pattern(pattern: str, title: str, longest: int | None = None) -> Meta:
    """In Python, '$' lets a line end pass; in JSON Schema it doesn't."""
    pattern = pattern.replace("$", r"\Z")
    TITLES[pattern] = title
    return Meta(pattern=pattern, title=title, max_length=longest)


def said(description: str) -> Meta:
    return Meta(description=description)


Id: TypeAlias = Annotated[
    str, of_pattern(f"^(?!({_DEVICES})$){_ID_BODY}$", "an id (letters, digits, '-' and '_', at most 64)")
]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
OwnFile: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4096)]  # no system takes a longer path
ShortText: TypeAlias = Annotated[str, Meta(max_length=_LONGEST_TEXT)]
Sha: TypeAlias = Annotated[str, of_pattern("^[0-9a-f]{64}$", "a sha256 of 64 hex digits")]
ApiId: TypeAlias = Annotated[
    str, of_pattern(r"^(?!\.{1,2}$)[^\u0000-\u001f\u007f-\u009f]+$", "an id of the API's", 512)
]
Time: TypeAlias = Annotated[
    str,
    of_pattern(
        r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
        r"(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
        "a time like 2026-05-11T00:00:00.000Z",
    ),
]
FileName: TypeAlias = Annotated[
    str,
    of_pattern(
        f"^(?!({_DEVICES})/){_ID_BODY}/(?!({_DEVICES})([.]|$))[A-Za-z0-9_][A-Za-z0-9._-]*(?<![.])$",
        "a file in the folder of a shot, '<shot>/<file>'",
        255,
    ),
]
ProjectPath: TypeAlias = Annotated[
    str,
    of_pattern(r"^[^\u0000-\u001f]*$", "a path", 4096),
    said("Relative to the project root, with forward slashes"),
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Bytes: TypeAlias = Annotated[int, Meta(ge=0, le=_LARGEST)]
Fact: TypeAlias = Annotated[float, Meta(ge=0, le=_LARGEST)]
Sum: TypeAlias = Annotated[float, Meta(ge=0)]
Credits: TypeAlias = Annotated[float, Meta(ge=0, le=MOST_CREDITS)]
CheckCode: TypeAlias = Annotated[
    str, of_pattern("^[a-z][a-z-]{0,39}$", "the code of a check (small letters and '-', at most 40)")
]
TakeNumber: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_TAKES)]
