"""Whether an MP4 or QuickTime file is all there, by the lengths of its boxes: nothing is decoded.

A server that hangs up early leaves a file whose header still promises everything. PyAV counts the packets that an
index names; a fragmented file (``moof``) has no such index, and only its boxes tell that its end is missing.
"""

from __future__ import annotations

import os
from typing import BinaryIO

_MP4_TOP_BOXES = frozenset(b"ftyp moov mdat free skip wide pnot moof mfra styp sidx uuid".split())


def missing_from_mp4(file: BinaryIO) -> str | None:
    """What a seekable file of the MP4 family lacks by its top-level boxes (ISO/IEC 14496-12 section 4.2), or None.

    Zero bytes after the last box are padding.
    """
    size = file.seek(0, os.SEEK_END)
    at, seen = 0, set()
    while at < size:
        file.seek(at)
        header = file.read(16)
        length, name = int.from_bytes(header[:4]), header[4:8]
        if not any(header):
            break
        if len(header) < 8:
            return "the file ends inside the header of a box"
        if length == 1:
            length = int.from_bytes(header[8:16])
        elif length == 0:
            length = size - at
        if length < 8 or (name not in _MP4_TOP_BOXES and at + length > size):
            # What follows the last box is something else (a trailer some tools append): not missing.
            break
        seen.add(name)
        if at + length > size:
            shown = name.decode("ascii", "replace")
            return f"the {shown} box ends {at + length - size} bytes beyond the end of the file"
        at += length
    if b"moov" not in seen and b"moof" not in seen:
        return "the index (moov box) is not there"
    if not seen & {b"mdat", b"moof"}:
        return "the index is there, the media (mdat box) is not"
    return None
