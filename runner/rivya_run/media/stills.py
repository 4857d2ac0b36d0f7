"""Pictures that don't move: what their files say of them, without decoding them."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image

UNREADABLE_IMAGE: Final = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises for a broken picture."""

_EXIF_ORIENTATION = 0x0112  # the tag's number in EXIF
_TURNED = frozenset((5, 6, 7, 8))


class Still(NamedTuple):
    """Its size in pixels as shown (rotation applied)."""

    width: int
    height: int
    codec: str | None


def still(path: Path) -> Still | None:
    """What a picture's file says of itself; None if that can't be told."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            if image.getexif().get(_EXIF_ORIENTATION) in _TURNED:
                width, height = height, width
            return Still(width, height, (image.format or "").lower() or None)
    except UNREADABLE_IMAGE:
        return None
