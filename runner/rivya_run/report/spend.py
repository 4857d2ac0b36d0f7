"""Where the credits went: pure sums over a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rivya_run.history.chosen import Entry, chosen_take, entries
from rivya_run.report.wording import number, shown

_RUNNING = frozenset(("sent", "pending", "unknown"))


@dataclass(frozen=True, slots=True)
class Line:
    """Credits of one shot or model. ``share`` is its part of the largest line, 0 to 100."""

    name: str
    takes: int
    spent: float
    share: int


@dataclass(frozen=True, slots=True)
class Spend:
    """All credits of a storyboard.

    ``spent`` = ``chosen`` (in the takes that are shown) + ``others`` (further present takes) + ``abandoned``
    (takes that no shot asks for any more) + ``failed`` (charged failures and earlier attempts).
    ``running`` is the part of ``spent`` that is only reserved so far, ``returned`` what was given back.
    """

    spent: float
    chosen: float
    others: float
    failed: float
    abandoned: float
    running: float
    returned: float
    by_shot: tuple[Line, ...]
    by_model: tuple[Line, ...]


def cost(attempt: Entry) -> float:
    """What one attempt cost: final credits once it ended, else what is reserved for it."""
    final, reserved = number(attempt.get("final_credits")), number(attempt.get("reserved_credits"))
    if attempt.get("status") in _RUNNING:
        return reserved or 0.0
    return final or 0.0


def returned(attempt: Entry) -> float:
    """What was reserved for an attempt that has ended and was not taken."""
    if attempt.get("status") not in ("succeeded", "failed"):
        return 0.0
    final, reserved = number(attempt.get("final_credits")), number(attempt.get("reserved_credits"))
    return max(0.0, (reserved or 0.0) - (final or 0.0))


def _attempts(take: Entry) -> Iterator[Entry]:
    yield from entries(take.get("attempts"))
    yield take


def spend(manifest: Entry) -> Spend:
    """The sums of a manifest, history and earlier attempts included."""
    chosen = others = failed = abandoned = running = back = 0.0
    shots: dict[str, tuple[int, float]] = {}
    models: dict[str, tuple[int, float]] = {}

    def count(shot: str, take: Entry) -> None:
        nonlocal running, back
        for one in _attempts(take):
            paid = cost(one)
            back += returned(one)
            running += paid if one.get("status") in _RUNNING else 0.0
            _add(models, shown(one.get("model") or take.get("model")) or "unknown model", paid)
            _add(shots, shot, paid)

    for shot in entries(manifest.get("shots")):
        best = chosen_take(shot)
        for take in entries(shot.get("takes")):
            if take.get("status") == "planned" and not entries(take.get("attempts")):
                continue
            count(shown(shot.get("id")), take)
            failed += sum(cost(one) for one in entries(take.get("attempts")))
            if take is best:
                chosen += cost(take)
            elif take.get("status") == "failed":
                failed += cost(take)
            else:
                others += cost(take)
    for take in entries(manifest.get("history")):
        count(f"{shown(take.get('shot'))} (abandoned)", take)
        abandoned += sum(cost(one) for one in _attempts(take))
    return Spend(
        spent=chosen + others + failed + abandoned,
        chosen=chosen,
        others=others,
        failed=failed,
        abandoned=abandoned,
        running=running,
        returned=back,
        by_shot=tuple(_lines(shots.items())),
        by_model=tuple(_lines(models.items())),
    )


def _add(sums: dict[str, tuple[int, float]], name: str, paid: float) -> None:
    count, before = sums.get(name, (0, 0.0))
    sums[name] = (count + 1, before + paid)


def _lines(sums: Iterable[tuple[str, tuple[int, float]]]) -> Iterator[Line]:
    """Dearest first."""
    ordered = sorted(sums, key=lambda one: -one[1][1])
    most = max((paid for _, (_, paid) in ordered), default=0.0)
    for name, (count, paid) in ordered:
        yield Line(name, count, paid, round(100 * paid / most) if most else 0)
