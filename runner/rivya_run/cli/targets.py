"""Which files a command may write where a person says: no record, no clip, nothing that it did not make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rivya_run.errors import UsageError
from rivya_run.media.types import HEAD_BYTES, recognise
from rivya_run.project.lock import HOLDER_NAME, LOCK_NAME
from rivya_run.project.names import is_result
from rivya_run.project.places import ARRIVING, JOURNAL, MANIFEST, STATE
from rivya_run.provider.partial_file import PART
from rivya_run.text import visible

_KEPT = frozenset((JOURNAL, MANIFEST, STATE, LOCK_NAME, HOLDER_NAME))


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
