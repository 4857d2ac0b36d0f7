"""What a storyboard has made so far: its manifest and output folder, for the commands that read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rivya_run.errors import RivyaError, UsageError
from rivya_run.media.types import HEAD_BYTES, recognise
from rivya_run.project.ledger import read_manifest
from rivya_run.project.lock import HOLDER_NAME, LOCK_NAME
from rivya_run.project.open import storyboard_id_of
from rivya_run.project.options import RunOptions
from rivya_run.project.outputs import sha256_of
from rivya_run.project.places import ARRIVING, JOURNAL, MANIFEST, STATE, output_folder
from rivya_run.project.reference_files import project_root
from rivya_run.project.results import is_behind, rebuilt
from rivya_run.provider.partial_file import PART
from rivya_run.text import visible


@dataclass(frozen=True, slots=True)
class Results:
    """The manifest of a storyboard, its output folder, and the folder that its references start from.

    ``rebuilt``: the manifest is not the one on disk, which is missing or behind its journal.
    """

    manifest: dict[str, Any]
    folder: Path
    storyboard_folder: Path
    rebuilt: bool = False


def results_of(storyboard: Path, outputs: Path | None, *, simulate: bool) -> Results:
    """Find what was made, by the journal where it knows more than the manifest of the same storyboard.

    Raises RivyaError where there is nothing yet, UsageError without such a storyboard.
    """
    name = storyboard_id_of(storyboard)
    shown = visible(str(storyboard))
    if not name or "/" in name or "\\" in name or name.startswith("."):
        raise UsageError(f"the id of '{shown}' can't be determined", hint=f"rivya-run validate {shown}")
    folder = output_folder(project_root(storyboard), outputs, name, simulate=simulate)
    manifest = read_manifest(folder)
    if is_behind(folder):
        try:
            newer = rebuilt(storyboard, RunOptions(outputs=outputs, simulate=simulate, allow_outside=True))
        except RivyaError:
            if manifest is None:
                raise
        else:
            if newer is not None and (manifest is None or _is_of(newer, storyboard)):
                return Results(newer, folder, storyboard.parent, rebuilt=True)
    if manifest is None:
        option = " --simulate" if simulate else ""
        raise RivyaError(
            f"'{shown}' has made nothing yet: there is no manifest in {folder}",
            hint=f"run it first: rivya-run {shown}{option}",
        )
    return Results(manifest, folder, storyboard.parent)


def _is_of(manifest: dict[str, Any], storyboard: Path) -> bool:
    """Whether a storyboard is as it was when its last run began."""
    return bool(manifest["storyboard"]["sha256"] == sha256_of(storyboard))


_KEPT = frozenset((JOURNAL, MANIFEST, STATE, LOCK_NAME, HOLDER_NAME))
_OUTPUT = re.compile(r"(?P<shot>.+)/(?P=shot)_t\d{2,}_[0-9a-f]{8}.*")
"""``<shot>/<shot>_t<take>_<digest>``: the names of clips, of copies beside them, of frames taken out of them."""


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
        raise UsageError(shown, hint="choose another name for the file, or move what is there away")
    return real


def _trouble(target: Path, product: Product, kept: Mapping[Path, str]) -> str | None:
    # Some file systems take names that differ in case for the same.
    name, place = target.name.casefold(), f"{target.parent.name}/{target.name}".casefold()
    if name in _KEPT or name.endswith(PART) or place.startswith(f"{ARRIVING}/"):
        return "is a name that rivya-run keeps for its own records"
    if _OUTPUT.fullmatch(place):
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
