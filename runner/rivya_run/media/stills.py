"""How large a picture is shown, by its file and without decoding it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PIL import Image

UNREADABLE_IMAGE: Final = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises for a broken picture."""

_EXIF_ORIENTATION: Final = 0x0112  # the tag's number in EXIF
_TURNED: Final = frozenset((5, 6, 7, 8))


def size_as_shown(image: Image.Image, exif: Mapping[int, object]) -> tuple[int, int]:
    """Width and height in pixels, rotation applied."""
    width, height = image.size
    return (height, width) if exif.get(_EXIF_ORIENTATION) in _TURNED else (width, height)


def picture_size(path: Path) -> tuple[int, int] | None:
    """The same for a file; None if that can't be told."""
    try:
        with Image.open(path) as image:
            # Of a PNG, Pillow would decode all of it to look for what hardly any has behind its picture.
            late = image.format == "PNG" and "exif" not in image.info
            return size_as_shown(image, {} if late else image.getexif())
    except UNREADABLE_IMAGE:
        return None
