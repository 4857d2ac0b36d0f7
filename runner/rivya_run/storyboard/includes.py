"""Reads the files that ``include`` names, and lays what they bring under what the storyboard says itself."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from rivya_run.errors import Problem
from rivya_run.models.table import is_extension
from rivya_run.storyboard.language import keys
from rivya_run.storyboard.model import FileTrouble
from rivya_run.storyboard.problems import Findings, HasPosition
from rivya_run.storyboard.shapes import KeyPlace, elements, kind_of
from rivya_run.storyboard.sources import Sources
from rivya_run.suggest import did_you_mean, suggest
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence
from rivya_run.yaml12.reading import parse

MAX_DEPTH: Final = (
    8  # files that include one another; deeper nobody finds out any more what a name stands for
)
BROUGHT: Final = ("vars", "presets", "cast")
"""The keys of an included file that are read: mappings, of which each entry is taken whole."""


@dataclass(frozen=True, slots=True)
class IncludedFile:
    """``path`` leads there from the storyboard's folder, ``name`` is that in problems, ``key`` tells files apart."""

    content: bytes
    path: str
    name: str
    key: str


Loader: TypeAlias = Callable[[str], IncludedFile | FileTrouble]
"""Reads an included file by its path from the storyboard's folder."""


def nothing_included(path: str) -> FileTrouble:
    """For a storyboard that has no files beside it."""
    return FileTrouble(path, "missing-file", f"there is no file '{shortened(path)}'")


Entries: TypeAlias = dict[str, tuple[Scalar, Node]]


@dataclass(slots=True)
class _Brought:
    """What a file says with all that it includes; ``height``: how many files deep that goes."""

    entries: dict[str, Entries] = field(default_factory=lambda: {name: {} for name in BROUGHT})
    height: int = 0

    def take(self, other: _Brought) -> None:
        """Lay the entries of another file over those that are here."""
        self.height = max(self.height, other.height + 1)
        for name, entries in other.entries.items():
            self.entries[name] |= entries

    def add(self, root: MappingNode) -> None:
        """Lay a file's own over them."""
        for name in BROUGHT:
            node = root.get(name)
            if isinstance(node, MappingNode):
                self.entries[name] |= {key.text: (key, value) for key, value in node.pairs()}


class Includes:
    """Reads files once each. ``problems`` are those of their YAML, ``incomplete``: not all could be read."""

    def __init__(self, sources: Sources, findings: Findings, load: Loader) -> None:
        self._sources = sources
        self._findings = findings
        self._load = load
        self._read: dict[str, _Brought] = {}
        self._way: list[tuple[str, str]] = []
        self.problems: list[Problem] = []
        self.incomplete = False

    def lay_under(self, root: MappingNode) -> None:
        """Give the storyboard the entries that its includes bring, its own over them."""
        if "include" not in root.entries:
            return
        brought = self._of(root, "")
        brought.add(root)
        for name, entries in brought.entries.items():
            own = root.get(name)
            if not entries or (own is not None and not isinstance(own, MappingNode)):
                continue
            if own is None:
                first = next(iter(entries.values()))[0]
                own = root.entries[name] = MappingNode(first.line, first.column)
                root.keys.append(Scalar(name, name, True, first.line, first.column))
            own.keys = [key for key, _ in entries.values()]
            own.entries = {text: node for text, (_, node) in entries.items()}

    def _of(self, root: MappingNode, folder: str) -> _Brought:
        """What the includes of a file bring."""
        found = _Brought()
        node = root.get("include")
        if node is None or not keys(KeyPlace.TOP)["include"].shape.check(node, "include", self._findings):
            return found
        for item, where in elements(node, "include"):
            assert isinstance(item, Scalar)
            file = self._file(item, where, folder)
            if file is not None:
                found.take(file)
        return found

    def _file(self, item: Scalar, where: str, folder: str) -> _Brought | None:
        """One included file; None where it can't be used, which is said."""
        loaded = self._load(posixpath.join(folder, item.text.replace("\\", "/")))
        if isinstance(loaded, FileTrouble):
            self._refuse(item, where, loaded.message, loaded.code)
            return None
        names = [name for key, name in self._way if key == loaded.key]
        if names:
            way = [name for _, name in self._way]
            ring = [*way[way.index(names[0]) :], names[0]]
            self._refuse(item, where, f"a circle of includes: {' -> '.join(ring)}", "circle")
            return None
        found = self._read.get(loaded.key)
        if found is None and len(self._way) < MAX_DEPTH:
            self._way.append((loaded.key, loaded.name))
            found = self._read[loaded.key] = self._parsed(loaded)
            self._way.pop()
        if found is None or len(self._way) + found.height >= MAX_DEPTH:
            self._refuse(item, where, f"included more than {MAX_DEPTH} files deep", "too-deep")
            return None
        return found

    def _refuse(self, at: HasPosition, where: str, message: str, code: str) -> None:
        self._findings.error(at, where, message, code)
        self.incomplete = True

    def _parsed(self, file: IncludedFile) -> _Brought:
        document = parse(file.content, file.name)
        self.problems += document.problems
        self.incomplete = self.incomplete or bool(document.problems)
        folder = posixpath.dirname(file.path)
        _move(document.root, self._sources.add(document.source, folder))
        root = document.root
        if root is None:
            return _Brought()
        if not isinstance(root, MappingNode):
            message = f"{kind_of(root)} where a mapping with 'vars', 'presets' or 'cast' is needed"
            self._refuse(root, "", message, "type")
            return _Brought()
        self._check(root)
        found = self._of(root, folder)
        found.add(root)
        return found

    def _check(self, root: MappingNode) -> None:
        """What is read of an included file must be mappings; a key that was misspelt would be passed over."""
        known = keys(KeyPlace.TOP)
        for name in BROUGHT:
            node = root.get(name)
            if node is not None and not isinstance(node, MappingNode):
                known[name].shape.check(node, name, self._findings)
                self.incomplete = True
        for key in root.keys:
            near = suggest(key.text, ("include", *BROUGHT))
            if near is not None and key.text not in known and not is_extension(key.text):
                message = f"'{shortened(key.text)}' isn't read{did_you_mean(key.text, [near])}"
                self._findings.advice(key, "", message, "unknown-key")


def _move(root: Node | None, by: int) -> None:
    """Count the lines of a document's nodes on from those of the files before; aliases make nodes meet twice."""
    moved: set[int] = set()
    left = [root] if root is not None else []
    while left:
        node = left.pop()
        if id(node) in moved:
            continue
        moved.add(id(node))
        node.line += by
        if isinstance(node, Sequence):
            left += node.items
        elif isinstance(node, MappingNode):
            left += node.keys
            left += node.entries.values()
