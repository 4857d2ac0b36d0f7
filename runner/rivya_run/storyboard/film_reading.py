"""Step two for the film: what its keys come to for a shot or a sound, and the shots that places name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from rivya_run.media.types import Kind, by_suffix
from rivya_run.models.table import ModelTable
from rivya_run.storyboard.language import keys
from rivya_run.storyboard.layers import filled, values
from rivya_run.storyboard.model import Film, Sound
from rivya_run.storyboard.problems import Findings, HasPosition, below
from rivya_run.storyboard.shapes import KeyPlace
from rivya_run.storyboard.substitution import Names
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "hold": ("image",),
    "transition": ("image", "video"),
    "trim": ("video", "audio"),
    "volume": ("video", "audio"),
    **dict.fromkeys(("at", "until", "loop", "fade", "track"), ("audio",)),
}
"""What a key is for; those that aren't here are for all."""
_NAMED: Final = {"image": "stills", "video": "clips", "audio": "sounds"}
_URL: Final = "://"
MADE: Final = ("prompt", "model", "params", "references", "cast", "takes", "pick", "approved")
"""Keys of shots that are made: none of them can stand beside ``file``."""


def kind_by_name(path: str) -> Kind | None:
    """Whether a file is a picture, a clip or a sound, as far as its name says."""
    known = by_suffix(PurePosixPath(path.replace("\\", "/")).suffix)
    return known.kind if known is not None else None


def kind_of_model(table: ModelTable | None) -> str | None:
    return table.category if table is not None and table.category in _NAMED else None


class Anchor(NamedTuple):
    """A shot that a place of the film names."""

    shot: str
    node: HasPosition
    where: str


class FilmReader:
    """Reads the film's keys of shots and sounds; ``anchors`` are the shots that they name."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.anchors: list[Anchor] = []

    def of_shot(
        self, node: MappingNode, where: str, carried: Mapping[str, Any], kind: str | None
    ) -> dict[str, Any]:
        """The carried keys without those that a thing of this kind can't have: an error where the shot says them."""
        kept = dict(carried)
        for key in _KINDS.keys() & carried.keys():
            if kind is None or kind in _KINDS[key]:
                continue
            del kept[key]
            if key in node.entries:
                fit = " and ".join(_NAMED[one] for one in _KINDS[key])
                message = f"'{key}' is for {fit}; this is a {_NAMED[kind][:-1]}"
                self._findings.error(node.key(key), below(where, key), message, "film-key")
        self._places(node.entries, where, kept)
        return kept

    def sounds(
        self,
        node: Node | None,
        names: Names,
        take_id: Callable[[Node, str], str | None],
    ) -> Iterator[Sound]:
        """The entries of ``sound``. ``take_id`` checks an id, and that nothing else has it."""
        for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
            if not isinstance(item, MappingNode) or self._findings.is_invalid(item):
                continue
            where = f"sound[{index}]"
            known = self.values(item.entries, KeyPlace.SOUND, where, names)
            self._places(item.entries, where, known)
            text = item.get("text")
            if isinstance(text, Scalar):
                known["text"] = names.text(text, below(where, "text"))
            known["file"] = self.path(item.entries["file"], where, names)
            if "id" in known:
                known["id"] = take_id(item.entries["id"], where)
            yield Sound(line=item.line, column=item.column, where=where, **known)

    def path(self, node: Node, where: str, names: Names) -> str:
        """The path of one's own file."""
        assert isinstance(node, Scalar)
        path = names.text(node, below(where, "file"))
        if _URL in path:
            message = "a URL where the path of a file is needed"
            self._findings.error(node, below(where, "file"), message, "own-file")
        return path

    def values(
        self, entries: Mapping[str, Node], place: KeyPlace, where: str, names: Names
    ) -> dict[str, Any]:
        """What well-shaped entries come to, with names filled in; what is of no use then is said and left out."""
        good = {
            name: filled(name, node, place, below(where, name), names)
            for name, node in entries.items()
            if name in keys(place)
        }
        return values({name: node for name, node in good.items() if node is not None}, place)

    def _places(self, entries: Mapping[str, Node], where: str, known: Mapping[str, Any]) -> None:
        """Take down the shots that ``at`` and ``until`` name, and hold the two together."""
        for key in ("at", "until"):
            node, place = entries.get(key), known.get(key)
            if (
                isinstance(place, Mapping)
                and isinstance(node, MappingNode)
                and not self._findings.is_invalid(node)
            ):
                anchor, at = node.entries["shot"], below(below(where, key), "shot")
                self.anchors.append(Anchor(place["shot"], anchor, at))
        begin, end = known.get("at"), known.get("until")
        if isinstance(begin, float) and isinstance(end, float) and begin >= end:
            message = f"it ends at {end:g} s, not after its begin at {begin:g} s"
            self._findings.error(entries["until"], below(where, "until"), message, "film-range")

    def film(self, entries: Mapping[str, Node], sounds: tuple[Sound, ...], names: Names) -> Film:
        """What the top of a file says of the film."""
        said = {
            name: self.values(node.entries, place, name, names)
            for name, place in (
                ("mix", KeyPlace.MIX),
                ("captions", KeyPlace.CAPTIONS),
                ("ending", KeyPlace.ENDING),
            )
            if isinstance(node := entries.get(name), MappingNode) and not self._findings.is_invalid(node)
        }
        ending = said.get("ending", {}).get("fade", 0.0)
        return Film(sounds, said.get("mix", {}), said.get("captions", {}), ending)

    def check_anchors(self, pictures: Collection[str], sounds: Collection[str]) -> None:
        """Advice for places that name no shot which shows something: their sounds are left out of the film."""
        for shot, node, where in self.anchors:
            if shot in pictures:
                continue
            about = f"'{shortened(shot)}' is a sound, not a picture" if shot in sounds else ""
            message = about or f"unknown shot '{shortened(shot)}'{did_you_mean(shot, pictures)}"
            self._findings.advice(node, where, f"{message}; the film leaves the sound out", "unknown-anchor")
