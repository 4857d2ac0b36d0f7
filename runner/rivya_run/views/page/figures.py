"""The figures of the page: how they are written, where the credits went, when each take was made."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rivya_run.project.manifest_reader import (
    Entry,
    chosen_take,
    ended,
    entries,
    number,
    spent,
    take_number,
    text,
    tries,
)
from rivya_run.text import figure, visible
from rivya_run.views.wording import STATUSES, status_in_words


def status_label(status: str) -> str:
    """The status of a take as the page writes it."""
    return status_in_words(status).capitalize() if status in STATUSES else status


def shown(value: object) -> str:
    """Text of people and servers for the page: line breaks stay, control characters are escaped."""
    found = text(value)
    return visible(found, keep="\n\t") if found is not None else ""


def seconds(value: float) -> str:
    """6.0416 as ``6.04 s``, 75 as ``1 min 15 s``, 7300 as ``2 h 2 min``."""
    if value < 60:
        return f"{figure(value)} s"
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
        parts.append(f"{figure(rate)} fps")
    if codec := shown(output.get("codec")):
        parts.append(codec)
    if output.get("audio") is True:
        parts.append("sound")
    return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class SpendLine:
    """Credits of one shot or model. ``share`` is its part of the largest line, 0 to 100."""

    name: str
    takes: int
    spent: float
    share: int


@dataclass(frozen=True, slots=True)
class Spend:
    """All credits of a storyboard.

    ``spent`` = ``chosen`` (in the takes that are shown) + ``others`` (further present takes) + ``abandoned``
    (takes that no shot uses any more) + ``failed`` (charged failures and earlier attempts).
    ``running`` is the part of ``spent`` that is only reserved so far, ``returned`` what was given back.
    """

    spent: float
    chosen: float
    others: float
    failed: float
    abandoned: float
    running: float
    returned: float
    by_shot: tuple[SpendLine, ...]
    by_model: tuple[SpendLine, ...]


def returned(attempt: Entry) -> float:
    """What was reserved for an attempt that has ended and was not taken."""
    return (
        max(0.0, (number(attempt.get("reserved_credits")) or 0.0) - spent(attempt)) if ended(attempt) else 0.0
    )


def spend(manifest: Entry) -> Spend:
    """The sums of a manifest, history and earlier attempts included."""
    chosen = others = failed = abandoned = running = back = 0.0
    shots: dict[str, tuple[int, float]] = {}
    models: dict[str, tuple[int, float]] = {}

    def count(shot: str, take: Entry) -> None:
        nonlocal running, back
        for one in tries(take):
            paid = spent(one)
            back += returned(one)
            running += 0.0 if ended(one) else paid
            _add(models, shown(one.get("model") or take.get("model")) or "unknown model", paid)
            _add(shots, shot, paid)

    for shot in entries(manifest.get("shots")):
        best = chosen_take(shot)
        for take in entries(shot.get("takes")):
            if take.get("status") == "planned" and not entries(take.get("attempts")):
                continue
            count(shown(shot.get("id")), take)
            failed += sum(spent(one) for one in entries(take.get("attempts")))
            if take is best:
                chosen += spent(take)
            elif take.get("status") == "failed":
                failed += spent(take)
            else:
                others += spent(take)
    for take in entries(manifest.get("history")):
        count(f"{shown(take.get('shot'))} (abandoned)", take)
        abandoned += sum(spent(one) for one in tries(take))
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


def _lines(sums: Iterable[tuple[str, tuple[int, float]]]) -> Iterator[SpendLine]:
    """Dearest first."""
    ordered = sorted(sums, key=lambda one: -one[1][1])
    most = max((paid for _, (_, paid) in ordered), default=0.0)
    for name, (count, paid) in ordered:
        yield SpendLine(name, count, paid, round(100 * paid / most) if most else 0)


QUIET = timedelta(minutes=30)
"""Runs that are further apart than this get a scale of their own, or a night would flatten every bar."""

SCALE = 1000  # units of a bar's whole width: a tenth of a percent
_PHASES = ("sent", "queued", "processing", "downloading")
_ENDS = frozenset(("stored", "succeeded", "failed"))


@dataclass(frozen=True, slots=True)
class Bar:
    """One phase of a take: ``left`` and ``width`` of SCALE."""

    phase: str
    left: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One take's bars, with how long it took in all."""

    shot: str
    take: int
    status: str
    took: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Takes that ran together, on one scale."""

    started: str
    took: str
    ticks: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    shot: str
    take: int
    status: str
    start: datetime
    end: datetime
    phases: tuple[tuple[str, datetime, datetime], ...]


def timeline(manifest: Entry) -> tuple[Run, ...]:
    """The runs of a manifest, oldest first; takes without times are left out."""
    spans = sorted(_spans(manifest), key=lambda span: (span.start, span.end))
    runs: list[list[_Span]] = []
    busy_until: datetime | None = None
    for span in spans:
        if busy_until is None or span.start - busy_until > QUIET:
            runs.append([])
            busy_until = span.end
        runs[-1].append(span)
        busy_until = max(busy_until, span.end)
    return tuple(_run(group) for group in runs)


def _spans(manifest: Entry) -> Iterator[_Span]:
    for shot in entries(manifest.get("shots")):
        for take in entries(shot.get("takes")):
            phases = tuple(_phases(take))
            if phases:
                start, end = min(phase[1] for phase in phases), max(phase[2] for phase in phases)
                name, status = shown(shot.get("id")), shown(take.get("status"))
                yield _Span(name, take_number(take), status, start, end, phases)


def _phases(take: Entry) -> Iterator[tuple[str, datetime, datetime]]:
    """Each phase from its time to the next one's; from the few times every take has where no list is kept."""
    steps = [(shown(step.get("status")), moment(step.get("at"))) for step in entries(take.get("timeline"))]
    known = sorted(((at, name) for name, at in steps if at is not None), key=lambda step: step[0])
    if not known:
        created, updated = (
            moment(take.get("created_at") or take.get("sent_at")),
            moment(take.get("updated_at")),
        )
        if created and updated and updated >= created:
            yield "processing", created, updated
        return
    sent = moment(take.get("sent_at"))
    if sent and known[0][0] > sent and known[0][1] != "sent":
        known.insert(0, (sent, "sent"))
    for (at, name), (until, _) in itertools.pairwise(known):
        if name not in _ENDS:
            yield (name if name in _PHASES else "processing"), at, until
    if len(known) == 1:
        at, name = known[0]
        yield (name if name in _PHASES else "processing"), at, at


def _run(spans: list[_Span]) -> Run:
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    length = (end - start).total_seconds() or 1.0

    def place(at: datetime) -> float:
        return (at - start).total_seconds() / length * SCALE

    rows = []
    for span in spans:
        bars = []
        for phase, begin, until in span.phases:
            left = min(place(begin), SCALE - 2.0)
            took = seconds((until - begin).total_seconds())
            bars.append(
                Bar(phase, round(left, 1), round(max(2.0, place(until) - left), 1), f"{phase} {took}")
            )
        status = status_label(span.status)
        took = seconds((span.end - span.start).total_seconds())
        rows.append(Row(span.shot, span.take, status, took, tuple(bars)))
    ticks = tuple(seconds(length * part / 4) for part in range(5))
    return Run(f"{start:%Y-%m-%d %H:%M:%S} UTC", seconds((end - start).total_seconds()), ticks, tuple(rows))
