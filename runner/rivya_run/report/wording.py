"""How figures and times are written on the page."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from rivya_run.history.chosen import Entry, text
from rivya_run.safetext import visible

STATUS_LABELS = {
    "succeeded": "Finished",
    "failed": "Failed",
    "pending": "Running",
    "sent": "Sent, no answer yet",
    "unknown": "Unknown outcome",
    "planned": "Not made yet",
}


def shown(value: object) -> str:
    """Text of people and servers for the page: line breaks stay, control characters are escaped."""
    found = text(value)
    return visible(found, keep="\n\t") if found is not None else ""


def number(value: object) -> float | None:
    """A finite JSON number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        return None
    return None if value != value else float(value)


def amount(value: float) -> str:
    """1234.0 as ``1,234``; at most two decimals."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def seconds(value: float) -> str:
    """6.0416 as ``6.04 s``, 75 as ``1 min 15 s``, 7300 as ``2 h 2 min``."""
    if value < 60:
        return f"{value:.2f}".rstrip("0").rstrip(".") + " s"
    if value < 3600:
        return f"{int(value // 60)} min {int(value % 60)} s"
    return f"{int(value // 3600)} h {int(value % 3600 // 60)} min"


def size(value: float) -> str:
    """Bytes in the largest unit that keeps the figure above one."""
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def moment(value: object) -> datetime | None:
    """An ISO 8601 time of the manifest; one without a zone is UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def at(value: object) -> str:
    """A time as ``2026-05-11 00:01:00 UTC``; what is no time is shown as it came."""
    found = moment(value)
    return f"{found:%Y-%m-%d %H:%M:%S} UTC" if found else shown(value)


def param(value: object) -> str:
    """A parameter's value: text as it is, everything else as JSON."""
    found = text(value)
    return shown(found if found is not None else json.dumps(value, ensure_ascii=False, default=str))


def facts_line(output: Entry) -> str:
    """``1280×720 · 6.04 s · 24 fps · h264 · sound``, as far as it is known."""
    parts = []
    width, height = number(output.get("width")), number(output.get("height"))
    if width and height:
        parts.append(f"{width:.0f}×{height:.0f}")
    if (length := number(output.get("duration"))) is not None:
        parts.append(seconds(length))
    if rate := number(output.get("frame_rate")):
        parts.append(f"{amount(rate)} fps")
    if codec := shown(output.get("codec")):
        parts.append(codec)
    if output.get("audio") is True:
        parts.append("sound")
    return " · ".join(parts)
