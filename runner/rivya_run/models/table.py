"""What a model takes: one table a model, read from ``tables/<model id>.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from rivya_run.json_types import Json

KINDS = ("image", "video", "audio")
Track: TypeAlias = Literal["voice", "music", "effects"]
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
EXTENSION_PATTERN = r"^x-"
EXTENSION_PREFIX = "x-"


class ParameterType(StrEnum):
    """The page's own word for a row. A select option is a JSON string on the wire, a number a JSON number."""

    SELECT = "select"
    NUMBER = "number"
    TEXT = "text"
    ARRAY = "array"


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One row of a model's parameter table. ``default`` is None where the page names none.

    ``items`` are the fields of each element of an array of objects (None: any elements). ``raises_price``: more than
    the default, a greater number or a later option, may cost more than the table's base credits.
    """

    key: str
    type: ParameterType
    required: bool = False
    default: str | int | float | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | float | None = None
    options: tuple[str, ...] | None = None
    description: str = ""
    items: tuple[ParameterRow, ...] | None = None
    raises_price: bool = False


@dataclass(frozen=True, slots=True)
class KindLimit:
    """How large (in MB of 1024 * 1024 bytes) a reference of a kind may be, and its MIME types."""

    kind: str
    max_mb: float
    mime: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReferencePolicy:
    """How many files a model takes as references, of which kinds, and in the page's words why."""

    max_files: int
    kinds: tuple[str, ...]
    limits: tuple[KindLimit, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class AdviceRow:
    """A combination that the API may take but that people should know about.

    It holds when every key of ``when`` (parameter -> values) was sent with one of the values and, where
    ``references`` is set, the shot has references (True) or has none (False). ``written`` names parameters
    that must have been written by the person, not filled in from the table.
    """

    code: str
    message: str
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    written: tuple[str, ...] = ()
    references: bool | None = None


@dataclass(frozen=True, slots=True)
class ModelTable:
    """All that is known of a model. ``references`` None: no upload policy (or, if incomplete, none read).

    ``api_status`` is what the API said of it (available, coming_soon, studio_only); None: not asked.
    ``track`` is where its sounds belong in a film.
    """

    id: str
    display_name: str
    category: str
    complete: bool
    params: tuple[ParameterRow, ...]
    base_credits: int | float | None = None
    billing_type: str = ""
    max_prompt_length: int | None = None
    prompt_required: bool = True
    references: ReferencePolicy | None = None
    requires_files: bool = False
    files_api: str = ""
    source_url: str = ""
    read_on: str = ""
    note: str | None = None
    advice: tuple[AdviceRow, ...] = ()
    api_status: str | None = None
    track: Track | None = None

    def row(self, key: str) -> ParameterRow | None:
        return next((row for row in self.params if row.key == key), None)

    def defaults(self) -> dict[str, Json]:
        """Parameter -> default, for the rows that name one."""
        return {row.key: row.default for row in self.params if row.default is not None}


def is_extension(name: str) -> bool:
    """Whether a key is one of people's own (``x-...``), ignored anywhere."""
    return name.startswith(EXTENSION_PREFIX)
