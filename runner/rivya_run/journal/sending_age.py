"""How old a sending is, by clocks that may be wrong. Pure."""

from __future__ import annotations

from dataclasses import dataclass

STEP = 60.0
"""Seconds that a clock may be set back without being doubted: time services step one by less than a minute, what
is set back by more was wrong before or is wrong now (a restored machine, a dead battery, another time zone)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment in seconds since the epoch: by this machine's wall clock, and by the API's where that was heard."""

    wall: float
    api: float | None = None


def seconds_since(sent: Moment | None, now: Moment, *, set_back: float = 0.0) -> float | None:
    """How long ago something was sent, at least as much as is known; None: the clocks don't tell.

    ``sent`` None: at a time that isn't on record. ``set_back``: seconds by which the wall clock was seen to go
    back since then, in all; never negative.

    Whoever sends a create again relies on this not being too little: past the window it would be paid twice. So

    - every movement of the wall clock, forwards or backwards, counts as time gone by: the figure is never
      negative, and a clock that is stepped back lengthens no window;
    - a clock that went back by more than ``STEP``, or a sending that seems to lie further in the future than
      that, tells nothing;
    - the API's clock is a second witness, since a wall clock may also be wrong without ever going back: it was
      ahead by an hour at the sending, say, and is right by now. The witness that says more is believed. Where it
      wasn't heard at the sending, the wall clock's word stands for its own; where it isn't heard now, it is none.
    """
    if sent is None:
        return None
    back = max(set_back, sent.wall - now.wall)
    by_wall = now.wall - sent.wall + 2 * back
    by_api = by_wall if now.api is None else now.api - (sent.wall if sent.api is None else sent.api)
    if back > STEP or by_api < -STEP:
        return None
    return max(by_wall, abs(by_api))
