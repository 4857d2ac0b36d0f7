"""When to ask next for a task."""

from __future__ import annotations

from bisect import insort

FIRST_SHARE = 0.5
LONGEST_SHARE = 2.0
GROWTH = 1.5
ENOUGH = 3
"""How many finished tasks of a kind tell how long the next one takes."""

_REMEMBERED = 200


class Timing:
    """Learns how long tasks take for each kind (model and params), and says when to ask for one.

    Nothing known: after half the poll interval, then growing up to twice the interval (Rivya's advice is
    after 2 to 3 s, then every 5 to 10 s, widening; contract, section 4). Known: late, when most such tasks
    have ended, then tightly, then slower again for the ones that take unusually long.
    """

    def __init__(self, poll_interval: float) -> None:
        self._interval = poll_interval
        self._durations: dict[str, list[float]] = {}

    def learn(self, kind: str, seconds: float) -> None:
        """A task of this kind took that long from its create to its end."""
        known = self._durations.setdefault(kind, [])
        if len(known) >= _REMEMBERED:
            del known[len(known) // 2]
        insort(known, seconds)

    def expected(self, kind: str) -> float | None:
        """The median of what is known, None while too little is."""
        known = self._durations.get(kind, [])
        return known[len(known) // 2] if len(known) >= ENOUGH else None

    def wait(self, kind: str, age: float, asked: int) -> float:
        """Seconds until a task of this kind and age, asked for ``asked`` times already, is asked for again."""
        known = self._durations.get(kind, [])
        if len(known) < ENOUGH:
            return min(self._interval * FIRST_SHARE * GROWTH**asked, self._interval * LONGEST_SHARE)
        usual, late = known[len(known) // 2], known[(len(known) * 9) // 10]
        tight = max(usual * 0.05, 0.05)
        if age < usual:
            return max(usual - age, tight)
        if age < late:
            return max((late - age) / 4, tight)
        return min(max((age - late) / 2, tight), self._interval * LONGEST_SHARE)
