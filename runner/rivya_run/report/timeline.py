"""When each take was queued, made and fetched: a manifest's times as bars on a scale."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rivya_run.history.chosen import Entry, entries, take_number
from rivya_run.report.wording import STATUS_LABELS, moment, seconds, shown

QUIET = timedelta(minutes=30)
"""Runs that are further apart than this get a scale of their own, or a night would flatten every bar."""

SCALE = 1000
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
        status = STATUS_LABELS.get(span.status, span.status)
        took = seconds((span.end - span.start).total_seconds())
        rows.append(Row(span.shot, span.take, status, took, tuple(bars)))
    ticks = tuple(seconds(length * part / 4) for part in range(5))
    return Run(f"{start:%Y-%m-%d %H:%M:%S} UTC", seconds((end - start).total_seconds()), ticks, tuple(rows))
