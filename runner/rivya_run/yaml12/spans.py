"""Where everything stands in the text of a document, in characters: what editing it needs, and reading doesn't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from rivya_run.yaml12.reading import events, quiet_collector


@dataclass(slots=True)
class WrittenSpan:
    """A value as it is written, from ``start`` to before ``end``, with its anchor and its tag.

    ``line`` and ``column`` are those of its node. ``style`` is ``'`` or ``"`` for a quoted scalar, ``|`` or ``>`` for
    a block scalar, ``*`` for an alias, ``{`` or ``[`` for a collection in brackets, else empty. A block scalar ends
    where the parser went on; a collection without brackets where its last value ends.
    """

    start: int
    end: int
    line: int
    column: int
    style: str
    text: str = ""
    pairs: list[tuple[WrittenSpan, WrittenSpan]] = field(default_factory=list)
    items: list[WrittenSpan] = field(default_factory=list)
    mapping: bool = False

    def pair(self, name: str) -> tuple[WrittenSpan, WrittenSpan] | None:
        """The key and the value of an entry that stands here itself, and isn't brought in by ``<<``."""
        return next((pair for pair in self.pairs if pair[0].text == name), None)


def spans(text: str, name: str, index: int) -> WrittenSpan:
    """The root of a document in which ``parse`` found nothing wrong, with no more in it than leads to one item of the
    list that its entry ``name`` holds, and all of that item. (Elsewhere a collection is empty.)"""
    next_event = events(text)
    while not isinstance(event := next_event(), NodeEvent):
        assert not isinstance(event, StreamEndEvent), "a document without problems has a root"
    with quiet_collector():
        return _span(event, next_event, (name, index))


def _span(event: Any, next_event: Callable[[], Any], way: tuple[str | int, ...] | None = ()) -> WrittenSpan:
    """A value; ``way`` leads to what is wanted of it: empty for all, None for nothing."""
    begin, end = event.start_mark, event.end_mark
    found = WrittenSpan(begin.index, end.index, begin.line + 1, begin.column + 1, "")
    if isinstance(event, AliasEvent):
        found.style = "*"
    elif isinstance(event, ScalarEvent):
        found.text, found.style = event.value, event.style or ""
    elif way is None:
        _pass_over(next_event)
    elif isinstance(event, MappingStartEvent):
        found.mapping = True
        while not isinstance(inner := next_event(), MappingEndEvent):
            key = _span(inner, next_event, None)
            found.pairs.append((key, _span(next_event(), next_event, _further(way, key.text))))
        _close(found, event, inner, [value for _, value in found.pairs], "{")
    else:
        assert isinstance(event, SequenceStartEvent)
        while not isinstance(inner := next_event(), SequenceEndEvent):
            found.items.append(_span(inner, next_event, _further(way, len(found.items))))
        _close(found, event, inner, found.items, "[")
    return found


def _further(way: tuple[str | int, ...], step: str | int) -> tuple[str | int, ...] | None:
    return () if not way else way[1:] if way[0] == step else None


def _pass_over(next_event: Callable[[], Any]) -> None:
    depth = 1
    while depth:
        kind = type(next_event())
        depth += (kind is MappingStartEvent or kind is SequenceStartEvent) - (
            kind is MappingEndEvent or kind is SequenceEndEvent
        )


def _close(found: WrittenSpan, begun: Any, ended: Any, inner: list[WrittenSpan], bracket: str) -> None:
    if begun.flow_style:
        found.style, found.end = bracket, ended.end_mark.index
    else:
        found.end = inner[-1].end if inner else found.start
