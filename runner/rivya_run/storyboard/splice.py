"""Sets or takes out one key of one shot in the bytes of a storyboard; every other byte stays as it is.

What comes of it is read again: both readings may differ by that key alone, or nothing is handed out. So what this
module doesn't know of YAML ends in a refusal, never in another storyboard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from rivya_run.json_types import Json
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, to_json
from rivya_run.yaml12.nodes import Sequence as SequenceNode
from rivya_run.yaml12.reading import parse
from rivya_run.yaml12.source import encoding_of
from rivya_run.yaml12.spans import WrittenSpan, spans

KeyValue: TypeAlias = int | str | Mapping[str, int | str]
"""Texts are made of letters that need no quotes: ``2@3fa9c1d2``."""

_Edit: TypeAlias = tuple[int, int, str]
"""What stands from the first to before the second character, and what is to stand there."""

_BESIDE: Final = ("pick", "takes", "id")
"""A new key is written below the first of these that the shot has, all of which are short."""

_BREAK: Final = re.compile(r"\r\n|\r|\n")
_REST: Final = re.compile(r"[ \t]*(#[^\r\n]*)?(\r\n|\r|\n|\Z)")
_NEXT_LINE: Final = re.compile(r"[ \t]*(\r\n|\r|\n)[ \t]*")
_COMMA: Final = re.compile(r"\s*,\s*")
_PROPERTIES: Final = re.compile(r"([&!]\S*\s+)*")


@dataclass(frozen=True, slots=True)
class Spliced:
    """The new bytes; ``line`` is where the key stands in them, or stood before."""

    content: bytes
    line: int


@dataclass(frozen=True, slots=True)
class Unwritable:
    """Why it can't be done without a person."""

    reason: str


class _Unsafe(Exception):
    """The reason is its text."""


def spliced(content: bytes, place: tuple[int, int], key: str, value: KeyValue | None) -> Spliced | Unwritable:
    """Set a key of the shot whose mapping begins at a line and column (from 1); with None take it out."""
    document = parse(content, "")
    if document.root is None or document.problems:
        return Unwritable("the file has problems")
    text, meant = document.source.text, _plain(to_json(document.root))
    encoding, bom = encoding_of(content)
    try:
        index = _index(document.root, place)
        shot = meant["shots"][index]
        edits = _edits(text, _written(text, index), key, shot.get(key), value)
        changed = content[:bom] + _applied(text, edits).encode(encoding)
    except _Unsafe as unsafe:
        return Unwritable(str(unsafe))
    if value is None:
        shot.pop(key, None)
    else:
        shot[key] = _plain(value)
    again = parse(changed, "")
    if again.problems or again.root is None or _plain(to_json(again.root)) != meant:
        return Unwritable("more than this key of this shot would change: an alias or '<<' takes it over")
    return Spliced(changed, _line(document.root if value is None else again.root, index, key))


def shown(value: KeyValue, *, quoted: bool = False) -> str:
    """A value as it is written in one line; ``quoted`` as JSON has it."""
    if quoted:
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_name(name)}: {one}" for name, one in value.items()) + "}"
    return str(value)


def _name(name: str, *, quoted: bool = False) -> str:
    return json.dumps(name) if quoted else "'*'" if name == "*" else name


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _written(text: str, index: int) -> WrittenSpan:
    """A shot as it stands in the file itself."""
    found = spans(text, "shots", index).pair("shots")
    if found is None or not found[1].items:
        raise _Unsafe("the list of shots comes from an alias")
    shot = found[1].items[index]
    if shot.style == "*":
        raise _Unsafe("the shot comes from an alias")
    return shot


def _items(root: Node) -> list[Node]:
    shots = root.get("shots") if isinstance(root, MappingNode) else None
    return shots.items if isinstance(shots, SequenceNode) else []


def _index(root: Node, place: tuple[int, int]) -> int:
    """Which of the shots begins there."""
    for index, shot in enumerate(_items(root)):
        if (shot.line, shot.column) == place and isinstance(shot, MappingNode):
            return index
    raise _Unsafe("no shot begins there any more")


def _line(root: Node, index: int, key: str) -> int:
    """Where a key of a shot stands."""
    shot = _items(root)[index]
    assert isinstance(shot, MappingNode)
    return shot.key(key).line


def _edits(text: str, mapping: WrittenSpan, name: str, old: Any, value: KeyValue | None) -> list[_Edit]:
    """What is to be done in a mapping; ``old`` is the present value of the key, wherever it comes from."""
    own = mapping.pair(name)
    if own is None:
        if value is None:
            raise _Unsafe("the key doesn't stand in the shot itself")
        return [_inserted(text, mapping, name, value)]
    key, there = own
    if value is None:
        in_braces = mapping.style == "{"
        return _cut_in_braces(text, mapping, key, there) if in_braces else _cut(text, mapping, key, there)
    if there.mapping and isinstance(value, Mapping):
        changes = [one for one in {**old, **value} if old.get(one) != value.get(one)]
        if len(changes) == 1:
            [one] = changes
            return _edits(text, there, one, old.get(one), value.get(one))
    return [_replaced(text, key, there, value)]


def _is_simple(value: WrittenSpan) -> bool:
    """Whether the text of a value ends where it ends: no block scalar, and nothing that is held together by lines."""
    return value.start < value.end and (
        value.style not in ("", "|", ">") or not (value.mapping or value.style or value.items)
    )


def _replaced(text: str, key: WrittenSpan, there: WrittenSpan, value: KeyValue) -> _Edit:
    if not _is_simple(there):
        raise _Unsafe("the value goes over several lines")
    begins = _PROPERTIES.match(text, there.start)
    assert begins is not None
    new = shown(value, quoted=key.style == '"')
    if isinstance(value, str) and there.style in ("'", '"'):
        new = f"{there.style}{value}{there.style}"
    return begins.end(), there.end, new


def _inserted(text: str, mapping: WrittenSpan, name: str, value: KeyValue) -> _Edit:
    key, neighbour = _beside(mapping)
    quoted = key.style == '"'
    entry = f"{_name(name, quoted=quoted)}: {shown(value, quoted=quoted)}"
    begin = _line_start(text, key.start)
    lead = text[begin : key.start]
    if mapping.style == "{":
        alone = not lead.strip() and _NEXT_LINE.match(text, _comma_end(text, neighbour.end))
        joint = f",{_break_before(text, begin)}{lead}" if alone else ", "
        return neighbour.end, neighbour.end, joint + entry
    rest = _REST.match(text, neighbour.end)
    if rest is None or lead.strip(" -"):
        raise _Unsafe("the lines of the shot are written in an unusual way")
    line = " " * len(lead) + entry
    if rest[2]:
        return rest.end(), rest.end(), line + rest[2]
    return rest.end(), rest.end(), _break_before(text, begin) + line


def _beside(mapping: WrittenSpan) -> tuple[WrittenSpan, WrittenSpan]:
    """The entry that a new one is written after."""
    simple = [pair for pair in mapping.pairs if _is_simple(pair[1])]
    named = (pair for name in _BESIDE for pair in simple if pair[0].text == name)
    found = next(named, None) or next((pair for pair in reversed(simple) if pair[0].text != "*"), None)
    if found is None and not simple:
        raise _Unsafe("the shot has no line that the key could be written below")
    return found or simple[-1]


def _cut_in_braces(text: str, mapping: WrittenSpan, key: WrittenSpan, there: WrittenSpan) -> list[_Edit]:
    """Take an entry out with the comma before it; where that doesn't stand right before it, the one behind it."""
    place = next(place for place, pair in enumerate(mapping.pairs) if pair[0] is key)
    before = mapping.pairs[place - 1][1].end if place else None
    if before is not None and _COMMA.fullmatch(text, before, key.start):
        return [(before, there.end, "")]
    after = mapping.pairs[place + 1][0].start if place + 1 < len(mapping.pairs) else None
    if after is not None and _COMMA.fullmatch(text, there.end, after):
        return [(key.start, after, "")]
    return [(key.start, _comma_end(text, there.end), "")]


def _cut(text: str, mapping: WrittenSpan, key: WrittenSpan, there: WrittenSpan) -> list[_Edit]:
    """Take out the lines of an entry; comments on them and between them stay."""
    begin = _line_start(text, key.start)
    if text[begin : key.start].strip():  # "- approved: ..."
        following = mapping.pairs[1][0].start if len(mapping.pairs) > 1 else None
        line = _NEXT_LINE.match(text, there.end)
        joins = line is not None and line.end() == following
        return [(key.start, following if joins and following else there.end, "")]
    if not there.mapping or there.style == "{":
        return [_cut_line(text, begin, key.start, there.end)]
    colon = text.index(":", key.end) + 1
    if text[there.start] in "&!":
        raise _Unsafe("the value has an anchor or a tag")
    inner = [edit for name, value in there.pairs for edit in _cut(text, there, name, value)]
    return [_cut_line(text, begin, key.start, colon), *inner]


def _cut_line(text: str, begin: int, start: int, end: int) -> _Edit:
    rest = _REST.match(text, end)
    if rest is None:
        raise _Unsafe("more stands in its line")
    if rest[1]:
        return start, rest.start(1), ""
    if not rest[2] and begin:
        begin -= len(_break_before(text, begin))
    return begin, rest.end(), ""


def _comma_end(text: str, end: int) -> int:
    """Where the comma that follows ends; ``end`` where none does."""
    comma = re.compile(r"\s*,").match(text, end)
    return comma.end() if comma is not None else end


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def _break_before(text: str, line_start: int) -> str:
    """The line break that ends the line before; the first one of the file in its first line."""
    if line_start:
        return "\r\n" if text.endswith("\r\n", 0, line_start) else text[line_start - 1]
    first = _BREAK.search(text)
    return first.group() if first is not None else "\n"


def _applied(text: str, edits: list[_Edit]) -> str:
    pieces, at = [], 0
    for start, end, new in sorted(edits):
        if "#" in text[start:end]:
            raise _Unsafe("the value has comments in it")
        pieces += [text[at : max(at, start)], new]
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def value_at(content: bytes, place: tuple[int, int], key: str) -> Json:
    """What a key of the shot that begins there means now; None where it isn't there, or can't be read."""
    root = parse(content, "").root
    try:
        found = _plain(to_json(root))["shots"][_index(root, place)] if root is not None else {}
    except _Unsafe:
        return None
    value: Json = found.get(key)
    return value
