"""A manifest on disk, shot by shot: a large one is never whole in memory.

This reads the very layout that a run writes (one line a leaf). Any other JSON, or what is none, is left to the
standard library.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from rivya_run.journal.json_place import strict_json

_LISTS = ("shots", "history")
_FIRST, _LAST = b"  {", b"  }"


class Items:
    """One list of a manifest, read from its file each time it is gone through."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._start = _start_of(name)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as file:
            for line in file:
                if line.rstrip() == self._start:
                    yield from _items(file)
                    return


def load_lazily(path: Path) -> Any:
    """The document with its long lists as Items, where it is laid out as a run lays it out; else all of it.

    Raises ValueError for what is no JSON, OSError for what can't be read.
    """
    starts = {_start_of(name): name for name in _LISTS}
    head: list[bytes] = []
    found: list[str] = []
    with path.open("rb") as file:
        for line in file:
            name = starts.get(line.rstrip())
            if name is None:
                head.append(line)
                continue
            last = _skipped(file)
            if last is None:
                return _whole(path)
            found.append(name)
            head.append(b' "%s": []%s' % (name.encode(), last))
    try:
        document = strict_json(b"".join(head))
    except ValueError:
        return _whole(path)
    if not isinstance(document, dict) or len(set(found)) != len(found):
        return _whole(path)
    return document | {name: Items(path, name) for name in found}


def load_head(path: Path) -> Any:
    """What stands before the shots, without reading on, where it is laid out as a run lays it out; else all of it.

    Raises ValueError for what is no JSON, OSError for what can't be read.
    """
    head: list[bytes] = []
    with path.open("rb") as file:
        for line in file:
            if line.rstrip() == _start_of("shots"):
                with suppress(ValueError):
                    return strict_json(b"".join(head).rstrip().removesuffix(b",") + b"}")
                break
            head.append(line)
    return _whole(path)


def _whole(path: Path) -> Any:
    return strict_json(path.read_bytes())


def _start_of(name: str) -> bytes:
    return b' "%s": [' % name.encode()


def _skipped(file: IO[bytes]) -> bytes | None:
    """Pass over a list; what follows its end, or None where it isn't laid out as expected."""
    expected = _FIRST
    for line in file:
        bare = line.rstrip()
        if bare in (b" ]", b" ],"):
            return bare[2:] + b"\n" if expected == _FIRST else None
        if bare == expected and expected == _FIRST:
            expected = _LAST
        elif bare in (_LAST, _LAST + b",") and expected == _LAST:
            expected = _FIRST
        elif expected == _FIRST or not line.startswith(b"   "):
            return None
    return None


def _items(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Each object of a list, up to its end."""
    lines: list[bytes] = []
    for line in file:
        bare = line.rstrip()
        if bare in (b" ]", b" ],"):
            return
        if bare in (_LAST, _LAST + b","):
            yield strict_json(b"".join([*lines, b"}"]))
            lines = []
        else:
            lines.append(line)
