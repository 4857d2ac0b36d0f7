"""Texts without quotes that YAML ends sooner than a person meant: at `` #``, or at a comma inside ``{ }``."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from rivya_run.models.table import is_extension
from rivya_run.storyboard.layers import where_of
from rivya_run.storyboard.problems import FilePlace, Findings, below
from rivya_run.storyboard.sources import Sources
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar, Sequence

_CODE: Final = "comment-in-text"

_HASH: Final = re.compile(r"(?<=\S) (#[^\s#].*)")
"""As in ``Take #3``: comments have a space behind the hash, or more than one before it."""

_MAPPINGS: Final = frozenset({"vars", "matrix", "params"})
_WORDS: Final = frozenset({"prompt", "text", "title", "notes", "scene", "vars", "matrix"})
"""Keys whose values, or those of whose mappings, are people's own words; of a parameter its spaces tell."""


def advise_on_comments(root: Mapping, sources: Sources, findings: Findings) -> None:
    """Tell of each text that a comment cut off."""
    hashes = [*sources.matches(_HASH)]
    if not hashes:
        return
    texts = {(one.line, one.column): (one, where) for one, where in _texts(root) if one.plain}
    places = sorted(texts)
    last = -1
    for line, found in hashes:
        before = bisect_left(places, (line, found.start() + 1)) - 1
        if before == last:  # only the first hash behind a text can have ended it
            continue
        last = before
        node, where = texts[places[before]]
        if line - node.line > len(node.text):  # it may stand in another file, many lines away by this count
            continue
        if _between(node, line, found.start(), sources) == " ".join(node.text.split()):
            cut = shortened(found[1].rstrip())
            message = f"the text ends before '{cut}', a comment to YAML: put it in quotes, or a space behind the '#'"
            findings.advice(FilePlace(line, found.start() + 2), where, message, _CODE)


def advise_on_commas(node: Node, where: str, sources: Sources, findings: Findings) -> None:
    """Tell of each text in a node that a comma cut off: what follows is a key without a value, which is an error."""
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            advise_on_commas(item, f"{where}[{index}]", sources, findings)
    elif isinstance(node, Mapping):
        pairs = [*node.pairs()]
        for place, (key, value) in enumerate(pairs):
            if is_extension(key.text):
                continue
            at = below(where, key.text)
            advise_on_commas(value, at, sources, findings)
            bare = [*takewhile(lambda pair: _is_bare(*pair, sources), pairs[place + 1 :])]
            if bare and isinstance(value, Scalar) and value.plain and isinstance(value.value, str):
                cut = ", ".join(name.text for name, _ in bare)
                message = f"the text ends before ', {shortened(cut)}', a key to YAML: put it in quotes"
                findings.advice(value, at, message, _CODE)


def _between(node: Scalar, line: int, column: int, sources: Sources) -> str:
    """What stands from the beginning of a text, its anchor apart, to a place, lines folded."""
    lines = [sources.line(number) or "" for number in range(node.line, line + 1)]
    lines[-1] = lines[-1][:column]
    lines[0] = lines[0][node.column - 1 :]
    return re.sub(r"^([&!]\S+ )+", "", " ".join(" ".join(lines).split()))


def _is_bare(key: Scalar, value: Node, sources: Sources) -> bool:
    """Whether a key has neither a value nor a colon, as can be only inside ``{ }``."""
    if not isinstance(value, Scalar) or value.text or not value.plain:
        return False
    line = sources.line(key.line) or ""
    behind = line[key.column - 1 + len(key.text) :].lstrip()
    return line[key.column - 1 :].startswith(key.text) and behind[:1] in (",", "}", "")


def _texts(root: Mapping) -> Iterator[tuple[Scalar, str]]:
    """The texts that are people's own words, with their paths."""
    for key, node in root.pairs():
        if key.text == "shots" and isinstance(node, Sequence):
            for index, shot in enumerate(node.items):
                yield from _texts_in(shot, where_of(index, shot), "")
        elif not is_extension(key.text):
            yield from _texts_in(node, key.text, key.text)


def _texts_in(node: Node, where: str, name: str) -> Iterator[tuple[Scalar, str]]:
    """Those in a node that stands under a key, or under one of a mapping of words."""
    if isinstance(node, Scalar):
        if isinstance(node.value, str) and (name in _WORDS or (name == "params" and " " in node.text)):
            yield node, where
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _texts_in(item, f"{where}[{index}]", name)
    else:
        for key, value in node.pairs():
            if not is_extension(key.text):
                under = name if name in _MAPPINGS else key.text
                yield from _texts_in(value, below(where, key.text), under)
