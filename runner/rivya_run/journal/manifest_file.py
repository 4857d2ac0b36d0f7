"""A manifest on disk: strict JSON, where in it something stands, and its text.

It is read shot by shot: a large one is never whole in memory but as its text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from rivya_run.json_types import Json

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(strict=False)
_LISTS = ("shots", "history")


def strict_json(content: bytes) -> Any:
    """The value, as ``json.loads`` gives it, without what JSON allows or Python adds and no two readers agree on.

    Raises ValueError for what is no JSON, for a name twice in an object, for NaN and Infinity, and for numbers that
    no float holds; RecursionError is turned into one.
    """
    return _loads(content, _distinct)


def check_strict(content: bytes) -> None:
    """Raise as ``strict_json`` does, and keep nothing of what is read: no object outlives its last brace."""
    _loads(content, lambda members: _distinct(members).clear())


def _loads(content: bytes, of_members: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    try:
        return json.loads(
            content, object_pairs_hook=of_members, parse_constant=_no_constant, parse_float=_finite
        )
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def position(content: bytes, path: Sequence[str | int]) -> tuple[int, int] | None:
    """Line and column (from 1) of what a path leads to, or of the object that lacks it; None if unknown."""
    try:
        text = content.decode(json.detect_encoding(content), "surrogatepass").removeprefix("\ufeff")
        at = _after_blank(text, 0)
        for step in path:
            inner = _inside(text, at, step)
            if inner is None:
                break
            at = inner
    except (ValueError, IndexError, RecursionError):
        return None
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _inside(text: str, at: int, step: str | int) -> int | None:
    """Where a member of the object, or an item of the list, that starts here has its value."""
    opening, number = text[at], 0
    if opening not in "{[":
        return None
    at = _after_blank(text, at + 1)
    while text[at] not in "}]":
        name: str | int = number
        if opening == "{":
            name, at = _DECODER.raw_decode(text, at)
            at = _after_blank(text, _after_blank(text, at) + 1)
        if name == step:
            return at
        _, at = _DECODER.raw_decode(text, at)
        at = _after_blank(text, at)
        at = _after_blank(text, at + 1) if text[at] == "," else at
        number += 1
    return None


def _after_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _distinct(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{json.dumps(twice[:60])} occurs twice in one object")
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:60]} is too large for a number")
    return number


class Items:
    """A list of a manifest, which is read while it is gone through."""

    def __init__(self, text: msgspec.Raw) -> None:
        """Raises ValueError where an item is not strict JSON."""
        self._items = msgspec.json.decode(text, type=list[msgspec.Raw])
        for item in self._items:
            check_strict(bytes(item))

    def __iter__(self) -> Iterator[Any]:
        return (json.loads(bytes(item)) for item in self._items)


def load_lazily(path: Path) -> Any:
    """The document, with Items for its long lists; what is not strict JSON is found at once.

    Raises ValueError for what is no JSON or no object, OSError for what can't be read.
    """
    content = _in_utf8(path.read_bytes())
    members, rest = _members(content), content
    lists: dict[str, Items] = {}
    for name in _LISTS:
        text = members.get(name)
        if text is not None and bytes(memoryview(text)[:1]) == b"[":
            lists[name] = Items(text)
            at = rest.find(text)
            if at >= 0:
                rest = rest[:at] + b"[]" + rest[at + len(memoryview(text)) :]
    document = strict_json(rest)
    if any(document[name] for name in lists):  # the same text stood in another place, and was found first
        document = strict_json(content)
    return {name: lists.get(name, value) for name, value in document.items()}


def load_head(path: Path) -> dict[str, Any]:
    """The document without its long lists, which are passed over. Raises as ``load_lazily`` does."""
    members = _members(_in_utf8(path.read_bytes()))
    return {name: strict_json(bytes(text)) for name, text in members.items() if name not in _LISTS}


def _in_utf8(content: bytes) -> bytes:
    """The text of a document, which an editor may have saved in another encoding."""
    encoding = json.detect_encoding(content)
    if encoding == "utf-8":
        return content
    return content.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")


def _members(content: bytes) -> dict[str, msgspec.Raw]:
    """The text of each member of a document."""
    try:
        return msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        raise ValueError("it must be an object") from None


def text_of(document: Mapping[str, Json | Iterator[Json]]) -> Iterator[bytes]:
    """The document as it is written, piece by piece: one line a leaf, so that git shows what changed."""
    lead = b"{"
    for name, value in document.items():
        yield lead + b"\n " + _indented(name) + b": "
        lead = b","
        if not isinstance(value, Iterator):
            yield _indented(value, 1)
            continue
        within = b"["
        for item in value:
            yield within + b"\n  " + _indented(item, 2)
            within = b","
        yield b"[]" if within == b"[" else b"\n ]"
    yield b"\n}\n"


def _indented(value: Json, depth: int = 0) -> bytes:
    """JSON with a line for each leaf. (``json.dumps`` leaves its C code as soon as it is to indent.)"""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    lines = msgspec.json.format(text.encode("utf-8", "surrogatepass"), indent=1)
    return lines.replace(b"\n", b"\n" + b" " * depth)
