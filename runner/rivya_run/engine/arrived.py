"""Files that were downloaded: what each really is, and which of several is the best."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rivya_run.json_types import Json
from rivya_run.media.measuring import look_into
from rivya_run.media.types import HEAD_BYTES, recognise
from rivya_run.project.outputs import drop_part, mtime_of, place, set_aside, sha256_of, size_of
from rivya_run.provider.partial_file import KEPT, broke_off

_LOOKING = threading.Lock()


@dataclass(frozen=True, slots=True)
class FoundInFile:
    """What a complete download really is. ``doubt`` is why it may not be a whole clip, as its packets tell."""

    doubt: str | None
    mime_type: str | None
    mtime_ns: int
    media: dict[str, Json] | None


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file that is here, with what it is; ``mime_type`` as the server called it."""

    bytes: int
    sha256: str
    mime_type: str | None
    seen: FoundInFile


def settle(arrived: Path, target: Path, sha256: str, part: Path) -> None:
    """Put what arrived under its name; only then the rest that came for it goes."""
    place(arrived, target, sha256)
    drop_part(part)


def read_again(path: Path, params: Mapping[str, Json]) -> ArrivedFile:
    """A file of an earlier answer, read again."""
    return ArrivedFile(size_of(path), sha256_of(path), None, looked_at(path, params))


def best_of(part: Path, params: Mapping[str, Json]) -> tuple[Path, ArrivedFile] | None:
    """The best that came whole of a file: beyond doubt, else in doubt. What broke off never did."""
    kept = part.with_name(part.name + KEPT)
    for path in (part, kept):
        if size_of(path) and not broke_off(path) and (file := read_again(path, params)).seen.doubt is None:
            return path, file
    if not kept.exists():
        return None
    kept = set_aside(part)
    return kept, read_again(kept, params)


def looked_at(part: Path, params: Mapping[str, Json]) -> FoundInFile:
    """All that is asked of a file; of one file at a time, since threads that decode only fight for the processors."""
    with _LOOKING:
        look = look_into(part, params)
    return FoundInFile(look.doubt, _signature(part), mtime_of(part), look.media)


def _signature(path: Path) -> str | None:
    with path.open("rb") as file:
        found = recognise(file.read(HEAD_BYTES))
    return found.mime_type if found is not None else None
