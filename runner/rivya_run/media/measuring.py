"""What a stored file really is, as the manifest writes it beside path and checksum."""

from __future__ import annotations

from pathlib import Path

from rivya_run.media.facts import facts, installed
from rivya_run.media.frames import picture_facts
from rivya_run.records import Json


def measured(path: Path, doubt: str | None) -> dict[str, Json] | None:
    """Measured facts of a result; None where the ``media`` extra isn't installed and nothing is doubtful.

    ``doubt`` is why the file may not be whole although it came the same way twice.
    """
    entry: dict[str, Json] = {"doubt": doubt} if doubt else {}
    found = facts(path) if installed() else None
    if found is not None:
        entry |= {"width": found.width, "height": found.height, "duration": found.duration}
        entry |= {"frame_rate": found.frame_rate, "codec": found.codec, "audio": found.audio}
        picture = picture_facts(path) if found.kind == "video" else None
        if picture is not None:
            entry["picture"] = {"brightest": picture.brightest, "change": picture.change}
    return {key: value for key, value in entry.items() if value is not None} or None
