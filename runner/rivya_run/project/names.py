"""The names of files in an output folder, written and read: ``sh010/sh010_t02_3fa9c1d2.mp4``.

Shot, take and the first 8 characters of the take's fingerprint; what belongs to a file (a still, an edited copy) adds
to its name. Journals and manifests hold such names, so their form can't change. And the other way: names that a
command may write to where a person says (no record, no clip, nothing that it did not make).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rivya_run.errors import OutputFolderError, UsageError
from rivya_run.media.types import HEAD_BYTES, recognise
from rivya_run.project.lock import EXPORT_LOCK, HOLDER_NAME, LOCK_NAME
from rivya_run.project.places import ARRIVING, IMPORTED, IMPORTING, JOURNAL, MANIFEST, MARKER, STATE
from rivya_run.provider.partial_file import PART
from rivya_run.text import visible

_TAKE = r"(?P<shot>[^/]+)_t(?P<take>\d{2,})"
_DIGEST = r"_[0-9a-f]{8}"
_IN_FOLDER = r"(?P<folder>[^/]+)/(?P=folder)_t\d{2,}" + _DIGEST
_RESULT = re.compile(_IN_FOLDER + ".*", re.DOTALL)
_UNFINISHED = re.compile(_IN_FOLDER + r"[^/]*\.part(\.[^/]+)?")
_REPLACEMENT = re.compile(r"(?P<folder>[^/]+)/\.(?P<name>[^/]+)\.\d+\.tmp")
_PRODUCT_PART = re.compile(
    r"\.(?P<name>[^/]+\.(mp4|png|otio|edl|fcpxml|xml|srt|vtt|json|html|jpg))\.\d+(\.sound)?\.tmp"
)
_CLIP = re.compile(f"{_TAKE}(?:{_DIGEST})?" + r"(?:_\d+)?")
_CHANGED = re.compile(r"(?P<stem>.+)\.changed(_\d+)?(?P<suffix>\.[^.]+)")
_STILL = re.compile(r"(?P<stem>.+)_(first|last|[0-9e-]+s)\.png")
_DOWNLOAD = re.compile(re.escape(ARRIVING) + r"/(?P<key>[0-9a-f]{16})_(?P<number>\d+)\.part(\.[a-z.]+)?")


def output_name(shot: str, take: int, fingerprint: str, index: int, suffix: str) -> str:
    """The path of a result in the output folder; further files of one take end in ``_2``, ``_3``."""
    further = f"_{index + 1}" if index else ""
    return f"{_beginning(shot, take)}{fingerprint[:8]}{further}{suffix}"


def name_for_take(path: str, was: tuple[str, int], now: tuple[str, int]) -> str:
    """The path of a result under the shot and take that it serves now; other paths stay as they are."""
    old = _beginning(*was)
    return _beginning(*now) + path.removeprefix(old) if path.startswith(old) else path


def without_take(path: str, take: tuple[str, int]) -> str:
    """A path in which the take is nobody's, so that it can be compared with one that was renamed."""
    return name_for_take(path, take, ("", 0))


def _beginning(shot: str, take: int) -> str:
    return f"{shot}/{clip_name(shot, take)}_"


def clip_name(shot: str, take: int) -> str:
    """What a clip is called in an editor."""
    return f"{shot}_t{take:02d}"


def take_of(stem: str) -> tuple[str, int] | None:
    """Shot and take of a clip's name, or of a file's name without its suffix."""
    found = _CLIP.fullmatch(stem)
    return (found["shot"], int(found["take"])) if found is not None else None


def is_result(path: str) -> bool:
    """Whether a path in an output folder is that of a result, or of something that belongs to one."""
    return _RESULT.fullmatch(path) is not None


def is_unfinished(path: str) -> bool:
    """Whether a path is that of a result or still which was never complete.

    A killed run leaves what ``durable.replacing`` was writing; earlier versions left ``.part`` files.
    """
    replacement = _REPLACEMENT.fullmatch(path)
    if replacement is not None:
        return _RESULT.fullmatch(f"{replacement['folder']}/{replacement['name']}") is not None
    return _UNFINISHED.fullmatch(path) is not None


def is_unfinished_product(name: str) -> bool:
    """Whether a file of this name is what a killed export or report was writing, beside its product."""
    found = _PRODUCT_PART.fullmatch(name)
    return found is not None and found["name"] not in _KEPT


def original_of(path: str) -> str | None:
    """The result beside which an edited copy was kept under this name; None for any other name."""
    found = _CHANGED.fullmatch(path)
    return found["stem"] + found["suffix"] if found is not None else None


def name_for_changed(target: Path) -> Path:
    """A free name beside a result for a file that lies in its place with other content."""
    return _first_free(
        lambda number: target.with_name(
            f"{target.stem}.changed{f'_{number}' if number > 1 else ''}{target.suffix}"
        )
    )


def _first_free(named: Callable[[int], Path]) -> Path:
    number = 1
    while os.path.lexists(path := named(number)):  # a broken link takes a name as well
        number += 1
    return path


def clip_of_still(path: str) -> str | None:
    """The path, without its suffix, of the clip that a still was taken from; None for any other name."""
    found = _STILL.fullmatch(path)
    return found["stem"] if found is not None else None


def arriving(folder: Path, key: str, index: int) -> Path:
    """Where a file is downloaded to: named after its attempt, since its shot may be renamed meanwhile."""
    return folder / ARRIVING / f"{download_key(key)}_{index + 1}{PART}"


def download_key(key: str) -> str:
    """What the names of an attempt's downloads begin with. ``key`` may hold characters that no name can."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def download_of(path: str) -> tuple[str, int] | None:
    """Download key and index of a file among the downloads; None for any other path."""
    found = _DOWNLOAD.fullmatch(path)
    return (found["key"], int(found["number"]) - 1) if found is not None else None


def relative(path: str) -> str | None:
    """A path from a journal or manifest in its plain form; None for one that leads out of the output folder.

    ``\\`` and ``:`` lead elsewhere on Windows, and no name that is written here holds them.
    """
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or path.startswith("/") or any(sign in path for sign in "\\:\0"):
        return None
    return "/".join(parts)


def within(folder: Path, path: str) -> Path:
    """The file of a path from a journal or manifest. Raises OutputFolderError if it leads out of the folder."""
    inside = relative(path)
    if inside is None:
        raise OutputFolderError(f"{folder}: a record names a file outside the output folder: {path!r}")
    return folder / inside


_LONGEST_SUFFIX = len("_first.changed_99.webm")
_TEMPORARY = len("..18446744073709551615.tmp")
"""What ``durable.replacing`` adds to a name while it writes."""

WINDOWS_PATH = 259
"""Characters of a path that Windows takes unless it was set up for more."""


def path_limit(system: str = os.name) -> int | None:
    """How many characters a path may have; None where no folder that people have comes near."""
    if system != "nt":
        return None
    try:
        import winreg  # only on Windows

        where = r"SYSTEM\CurrentControlSet\Control\FileSystem"
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, where) as key:  # type: ignore[attr-defined, unused-ignore]
            long_paths = winreg.QueryValueEx(key, "LongPathsEnabled")[0]  # type: ignore[attr-defined, unused-ignore]
    except (ImportError, OSError):
        return WINDOWS_PATH
    return None if long_paths else WINDOWS_PATH


def check_room_for_names(folder: Path, shots: Iterable[str], limit: int | None) -> None:
    """Raises OutputFolderError if a clip, once it was paid for, could not be given its name."""
    longest = max(shots, key=len, default=None)
    if limit is None or longest is None:
        return
    path = folder / f"{longest}/{clip_name(longest, 99)}_01234567"
    length = len(str(path.absolute())) + _LONGEST_SUFFIX + _TEMPORARY
    if length > limit:
        raise OutputFolderError(
            f"{folder}: files of the shot {longest} would have paths of {length} characters, {limit} are possible",
            hint="choose a folder nearer to the top with --outputs, give the shot a shorter id, or let Windows have "
            "long paths (LongPathsEnabled)",
        )


_KEPT = frozenset(
    (JOURNAL, IMPORTING, IMPORTED, MANIFEST, MARKER, STATE, LOCK_NAME, HOLDER_NAME, EXPORT_LOCK)
)


@dataclass(frozen=True, slots=True)
class Product:
    """What a command writes: its name in messages (with its article), and whether a file that begins so is one."""

    name: str
    begins: Callable[[bytes], bool]


PRODUCTS: Mapping[str, Product] = {
    "plan": Product("a saved plan", lambda head: b'"rivya_run_plan"' in head),
    "cut": Product("a cut", lambda head: _is_media(head, "video/mp4")),
    "contact-sheet": Product("a contact sheet", lambda head: _is_media(head, "image/png")),
    "otio": Product("an OTIO timeline", lambda head: b'"OTIO_SCHEMA"' in head),
    "edl": Product("an EDL", lambda head: head.startswith(b"TITLE:")),
    "fcpxml": Product("an FCPXML timeline", lambda head: b"<fcpxml" in head),
    "fcp7xml": Product("an FCP 7 XML timeline", lambda head: b"<xmeml" in head),
    "srt": Product("captions", lambda head: b" --> " in head),
    "vtt": Product("captions", lambda head: head.startswith(b"WEBVTT")),
    "credits": Product("a film's credits", lambda head: b'"film":' in head and b'"seconds":' in head),
}
"""What is written where a person says, by the format that is asked for."""


def free_to_write(target: Path, product: Product, *, kept: Mapping[Path, str] | None = None) -> Path:
    """The file to write: the target, or what it links to. ``kept``: files that stay, and what they are.

    An existing file is free when it is empty or begins as the product does. Raises UsageError for any other,
    and for names that the program keeps for its records and clips, there or not.
    """
    if str(target) in ("", "."):
        raise UsageError("no file name was given")
    real = target.resolve() if target.is_symlink() else target
    trouble = _trouble(real.absolute(), product, kept or {})
    if trouble is not None:
        shown = f"'{visible(str(target))}' {trouble}; nothing was written"
        raise UsageError(shown, hint="choose another file name, or move the existing file away")
    return real


def _trouble(target: Path, product: Product, kept: Mapping[Path, str]) -> str | None:
    # Some file systems take names that differ in case for the same.
    name, place = target.name.casefold(), f"{target.parent.name}/{target.name}".casefold()
    if name in _KEPT or name.endswith(PART) or place.startswith(f"{ARRIVING}/"):
        return "is a name that rivya-run keeps for its own records"
    if is_result(place):
        return "is the name of a clip that was paid for, or will be"
    try:
        if not target.exists():
            return None
        if not target.is_file():
            return "exists and is not a file"
        what = _what(target, kept)
        if what is not None:
            return f"is {what}"
        with target.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    return None if not head or product.begins(head) else f"exists and is not {product.name}"


def _what(target: Path, kept: Mapping[Path, str]) -> str | None:
    """What a file is that is to stay, whatever it is called here."""
    return next((what for path, what in kept.items() if path.exists() and target.samefile(path)), None)


def _is_media(head: bytes, mime_type: str) -> bool:
    found = recognise(head)
    return found is not None and found.mime_type == mime_type
