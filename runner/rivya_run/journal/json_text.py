"""JSON for people and git, one line a leaf: the standard library's text in less than half its time.

``json.dumps`` leaves its C code as soon as it is to indent, and a run writes large manifests often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring
from math import isfinite

from rivya_run.json_types import Json

_ITEM = "\n  "


def indented(value: Json) -> str:
    """What ``json.dumps(value, ensure_ascii=False, indent=1)`` gives; names in objects must be text."""
    return _text(value, "\n")


def pieces(members: Mapping[str, Json | Iterator[Json]]) -> Iterator[str]:
    """The same text of one object, piece by piece: where a list is an iterator, one item at a time."""
    lead = "{"
    for name, value in members.items():
        yield f"{lead}\n {encode_basestring(name)}: "
        lead = ","
        if not isinstance(value, Iterator):
            yield _text(value, "\n ")
            continue
        within = "["
        for item in value:
            yield f"{within}\n  {_text(item, _ITEM)}"
            within = ","
        yield "[]" if within == "[" else "\n ]"
    yield "{}" if lead == "{" else "\n}"


def _text(value: Json, indent: str) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _number(value)
    deeper = indent + " "
    if isinstance(value, Mapping):
        members = [
            f"{encode_basestring(name)}: {encode_basestring(one) if type(one) is str else _text(one, deeper)}"
            for name, one in value.items()
        ]
        return f"{{{deeper}{f',{deeper}'.join(members)}{indent}}}" if members else "{}"
    items = [_text(one, deeper) for one in value]
    return f"[{deeper}{f',{deeper}'.join(items)}{indent}]" if items else "[]"


def _number(value: float) -> str:
    if not isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    return float.__repr__(value)
