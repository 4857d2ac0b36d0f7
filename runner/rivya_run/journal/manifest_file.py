"""A manifest on disk, shot by shot: a large one is never whole in memory but as its text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from rivya_run.journal.json_place import check_strict, strict_json

_LISTS = ("shots", "history")


class Items:
    """A list of a manifest, which is read while it is gone through."""

    def __init__(self, text: msgspec.Raw) -> None:
        self._items = msgspec.json.decode(text, type=list[msgspec.Raw])

    def __iter__(self) -> Iterator[Any]:
        return (json.loads(bytes(item)) for item in self._items)


def load_lazily(path: Path) -> Any:
    """The document, with Items for its long lists; what is not strict JSON is found at once.

    Raises ValueError for what is no JSON or no object, OSError for what can't be read.
    """
    content = path.read_bytes()
    check_strict(content)
    return {
        name: Items(text) if name in _LISTS and bytes(text).startswith(b"[") else strict_json(bytes(text))
        for name, text in _members(content).items()
    }


def load_head(path: Path) -> dict[str, Any]:
    """The document without its long lists, which are passed over. Raises as ``load_lazily`` does."""
    members = _members(path.read_bytes())
    return {name: strict_json(bytes(text)) for name, text in members.items() if name not in _LISTS}


def _members(content: bytes) -> dict[str, msgspec.Raw]:
    """The text of each member of a document, which an editor may have saved in another encoding."""
    encoding = json.detect_encoding(content)
    if encoding != "utf-8":
        content = content.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    try:
        return msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        raise ValueError("it must be an object") from None
