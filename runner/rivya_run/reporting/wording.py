"""Figures, times and actions in words, as progress, plans and summaries write them."""

from __future__ import annotations

from collections.abc import Mapping

_ACTIONS = {
    "create": "to create",
    "retry": "to try again",
    "resume": "to resume",
    "download": "to download",
    "reuse": "up to date",
    "decide": "to be decided",
    "skip": "skipped",
}


def figure(number: float) -> str:
    """12.0 as ``12``, 1234.5 as ``1,234.5``."""
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def credits_in_words(credits: float) -> str:
    """``1 credit``, ``12 credits``."""
    return "1 credit" if credits == 1 else f"{figure(credits)} credits"


def takes_in_words(takes: int) -> str:
    """``1 take``, ``12 takes``."""
    return "1 take" if takes == 1 else f"{takes:,} takes"


def actions_in_words(counts: Mapping[str, object]) -> str:
    """``3 to create, 1 up to date``."""
    return ", ".join(f"{counts[name]} {words}" for name, words in _ACTIONS.items() if counts.get(name))


def span(seconds: object) -> str:
    """2.04 as ``2.0 s``, 75 as ``75 s``."""
    if not isinstance(seconds, int | float):
        return "a while"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def clock_time(seconds: float) -> str:
    """75 as ``01:15``, 3675 as ``1:01:15``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60:02d}:{rest % 60:02d}"
