"""A disk that keeps only what was synced: what a power cut may leave of what a record tells.

The rules are those of POSIX, at their worst:

* Bytes are safe once their file was synced; of others any may be there, none, or zeros in their place.
* A name (made, moved, removed) is safe once its folder was synced; of others any may have come to pass. Syncing a
  file does nothing for its name, syncing a folder nothing for the folder's own.
* A rename is atomic: what had a name has the old or the new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from random import Random
from typing import TypeAlias

from crash.recording import Operation

BLOCK = 4096
"""Bytes that a file system writes at once, and in any order."""


@dataclass(eq=False, slots=True)
class File:
    """A file: what is safe of it, and what was done to it since."""

    safe: bytes = b""
    live: bytearray = field(default_factory=bytearray)
    since: list[Operation] = field(default_factory=list)
    mtime: int = 0


@dataclass(eq=False, slots=True)
class Folder:
    """A folder: the names that are safe, and those that a look shows."""

    safe: dict[str, Node] = field(default_factory=dict)
    live: dict[str, Node] = field(default_factory=dict)


Node: TypeAlias = File | Folder
Naming: TypeAlias = list[tuple[Folder, str, Node | None]]
"""Names that get a meaning, or lose it (None), together or not at all."""

Tree: TypeAlias = dict[str, tuple[bytes, int] | None]
"""Path -> content and mtime of a file, None for a folder."""

Content: TypeAlias = Callable[[File], bytes]


class Disk:
    """A disk under power, whose folders and files are those of a record."""

    def __init__(self, tree: Tree) -> None:
        """``tree`` is there from the beginning, and safe."""
        self.root = Folder()
        self.unsafe: list[Naming] = []
        self._handles: dict[int, Node] = {}
        for path, found in sorted(tree.items()):
            node: Node = Folder() if found is None else File(found[0], bytearray(found[0]), [], found[1])
            folder, name = self._place(path)
            folder.safe[name] = folder.live[name] = node

    def apply(self, operation: Operation) -> None:
        """What was done next."""
        kind = operation.kind
        if kind in {"write", "truncate"}:
            file = self._file(operation.handle)
            _change(file.live, operation, operation.content)
            file.since.append(operation)
            file.mtime = operation.mtime
        elif kind == "sync":
            self._sync(self._handles[operation.handle])
        elif kind == "open":
            self._handles[operation.handle] = self._find(operation.path)
        elif kind == "create":
            self._name((operation.path, File(mtime=operation.mtime)))
        elif kind == "mkdir":
            self._name((operation.path, Folder()))
        elif kind in {"unlink", "rmdir"}:
            self._name((operation.path, None))
        elif kind == "rename":
            self._name((operation.target, self._find(operation.path)), (operation.path, None))
        elif kind == "link":
            self._name((operation.target, self._find(operation.path)))

    def live(self) -> Tree:
        """What a look shows: what a process that dies leaves."""
        return dict(_walk(self.root, lambda folder: folder.live, lambda file: bytes(file.live)))

    def left(self, survives: Callable[[Naming], bool], content: Content) -> Tree:
        """What a cut leaves: the safe names and those that survive, with the content that files have then."""
        changes: dict[Folder, dict[str, Node | None]] = {}
        for naming in self.unsafe:
            if survives(naming):
                for folder, name, node in naming:
                    changes.setdefault(folder, {})[name] = node

        def names(folder: Folder) -> dict[str, Node]:
            changed = folder.safe | changes.get(folder, {})
            return {name: node for name, node in changed.items() if node is not None}

        return dict(_walk(self.root, names, content))

    def _name(self, *meanings: tuple[str, Node | None]) -> None:
        naming: Naming = [(*self._place(path), node) for path, node in meanings]
        for folder, name, node in naming:
            if node is None:
                del folder.live[name]
            else:
                folder.live[name] = node
        self.unsafe.append(naming)

    def _sync(self, node: Node) -> None:
        if isinstance(node, File):
            node.safe = bytes(node.live)
            node.since.clear()
            return
        kept: list[Naming] = []
        for naming in self.unsafe:
            if all(folder is not node for folder, _, _ in naming):
                kept.append(naming)
                continue
            for folder, name, meaning in naming:
                kept = [rest for one in kept if (rest := _without(one, folder, name))]
                _mean(folder.safe, name, meaning)
        self.unsafe = kept

    def _file(self, handle: int) -> File:
        node = self._handles[handle]
        assert isinstance(node, File)
        return node

    def _place(self, path: str) -> tuple[Folder, str]:
        parts = PurePosixPath(path)
        folder = self._find(str(parts.parent))
        assert isinstance(folder, Folder)
        return folder, parts.name

    def _find(self, path: str) -> Node:
        node: Node = self.root
        for name in PurePosixPath(path).parts:
            assert isinstance(node, Folder)
            node = node.live[name]
        return node


def _without(naming: Naming, folder: Folder, name: str) -> Naming:
    return [one for one in naming if (one[0], one[1]) != (folder, name)]


def _mean(names: dict[str, Node], name: str, node: Node | None) -> None:
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _change(content: bytearray, operation: Operation, written: bytes) -> None:
    end = operation.position + len(written)
    if operation.kind == "truncate":
        del content[operation.position :]
    content.extend(bytes(max(0, end - len(content))))
    content[operation.position : end] = written


def _walk(
    folder: Folder, names: Callable[[Folder], dict[str, Node]], content: Content, prefix: str = ""
) -> Iterator[tuple[str, tuple[bytes, int] | None]]:
    for name, node in names(folder).items():
        path = f"{prefix}{name}"
        if isinstance(node, File):
            yield path, (content(node), node.mtime)
        else:
            yield path, None
            yield from _walk(node, names, content, f"{path}/")


def synced(file: File) -> bytes:
    """Only what is safe."""
    return file.safe


def written(file: File) -> bytes:
    """All of it."""
    return bytes(file.live)


def zeros(file: File) -> bytes:
    """The right length, and zeros where nothing is safe: the size was kept, the blocks never written."""
    content = bytearray(file.safe)
    for operation in file.since:
        _change(content, operation, bytes(len(operation.content)))
    return bytes(content)


def by_chance(draw: Random) -> Content:
    """Nothing, all, the beginning, zeros, or zeros from somewhere on: for each file something else."""

    def content(file: File) -> bytes:
        if not file.since:
            return file.safe
        what = draw.choice([synced, written, zeros, _beginning, _zeros_behind])
        return what(file) if what in (synced, written, zeros) else what(file, draw)  # type: ignore[operator]

    return content


def _beginning(file: File, draw: Random) -> bytes:
    content = bytearray(file.safe)
    count = draw.randint(0, len(file.since) - 1)
    for operation in file.since[:count]:
        _change(content, operation, operation.content)
    torn = file.since[count]
    if torn.content:
        _change(content, torn, torn.content[: draw.randint(0, len(torn.content))])
    return bytes(content)


def _zeros_behind(file: File, draw: Random) -> bytes:
    whole, blank = written(file), zeros(file)
    begin = draw.randint(0, len(whole) // BLOCK) * BLOCK
    return whole[:begin] + blank[begin:]


EXTREMES: dict[str, tuple[Callable[[Naming], bool], Content]] = {
    "nothing": (lambda naming: False, synced),
    "everything": (lambda naming: True, written),
    "names without data": (lambda naming: True, synced),
    "names with zeros": (lambda naming: True, zeros),
    "old names gone": (lambda naming: all(node is None for _, _, node in naming), synced),
    "data without names": (lambda naming: False, written),
}
"""What is left where all that isn't safe has the same fate."""


def chances(disk: Disk, draw: Random, count: int) -> Iterable[Tree]:
    """So many states in which chance decides about each name and each file."""
    for _ in range(count):
        share = draw.random()
        yield disk.left(lambda naming, share=share: draw.random() < share, by_chance(draw))  # type: ignore[misc]


def digest_of(tree: Tree) -> str:
    """What tells states apart: names and contents."""
    digest = hashlib.sha256()
    for path, found in sorted(tree.items()):
        digest.update(repr((path, None if found is None else hashlib.sha256(found[0]).digest())).encode())
    return digest.hexdigest()


def tree_of(root: Path, top: str) -> Tree:
    """A folder below a root as it is, with all that is in it."""
    paths = [root / top, *(root / top).rglob("*")] if (root / top).exists() else []
    return {
        path.relative_to(root).as_posix(): None
        if path.is_dir()
        else (path.read_bytes(), path.stat().st_mtime_ns)
        for path in paths
    }
