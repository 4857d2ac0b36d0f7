"""Versions: each is a film; what is the same in several is made once, and what is made gets its id here.

A shot is read once for each version. What counts is its text with everything filled in, and which made shots it
refers to: never what anything came to, so that ids, and with them the keys of requests, depend on the text alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, TypeAlias

from rivya_run.models.table import is_extension
from rivya_run.storyboard.chosen import chosen_of
from rivya_run.storyboard.layers import Placed
from rivya_run.storyboard.model import FilmVersion, Reference, Shot, ShotReference
from rivya_run.storyboard.problems import Findings, below
from rivya_run.storyboard.references import Linked
from rivya_run.storyboard.shapes import elements
from rivya_run.suggest import did_you_mean
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence

_PLACE: Final = ("line", "column", "where")
Variables: TypeAlias = Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class VersionNames:
    """The values that a version fills in. ``name`` is None where a storyboard has no versions."""

    name: str | None
    variables: Variables


def read_versions(node: Node | None, top: Variables, findings: Findings) -> tuple[VersionNames, ...]:
    """The versions in their order, each with the names of the top and its own over them."""
    if not isinstance(node, MappingNode):
        return (VersionNames(None, top),)
    own: dict[str, dict[str, Scalar]] = {}
    for name, version in node.entries.items():
        if isinstance(version, MappingNode) and not is_extension(name):
            own[name] = dict(variables_of(version))
    _tell_twins(node, own, findings)
    for name, values in own.items():
        for other, theirs in own.items():
            lacking = next((one for one in theirs if one not in values and one not in top), None)
            if lacking is not None:
                message = f"it has no value for '{lacking}', which version '{other}' sets: here, or in the top's vars"
                findings.error(node.entries[name], below("versions", name), message, "version-vars")
                break
    return tuple(VersionNames(name, {**top, **values}) for name, values in own.items()) or (
        VersionNames(None, top),
    )


def variables_of(mapping: MappingNode) -> Iterator[tuple[str, Scalar]]:
    """Every name of ``vars``, also those whose value is wrong: the names at least are known."""
    node = mapping.get("vars")
    if isinstance(node, MappingNode):
        for name, value in node.pairs():
            if not is_extension(name.text):
                yield name.text, value if isinstance(value, Scalar) else name


def _tell_twins(node: MappingNode, own: Mapping[str, object], findings: Findings) -> None:
    """Names become parts of ids and file names, in which case doesn't count."""
    seen: dict[str, str] = {}
    for name in own:
        twin = seen.setdefault(name.lower(), name)
        if twin != name:
            message = f"'{name}' and '{twin}' differ only in case, and count as the same"
            findings.error(node.key(name), below("versions", name), message, "duplicate-id")


@dataclass(slots=True)
class Drafts:
    """The shots of each version as they were read, by the id in the file; ``order`` has all ids in their order,
    ``sounds`` the files of the entries of ``sound``, by their ids.

    ``late`` reads a shot for a version that it isn't made for by itself, when another shot turns out to need it.
    """

    versions: tuple[VersionNames, ...]
    of: dict[str | None, dict[str, Linked]] = field(default_factory=dict)
    order: dict[str, None] = field(default_factory=dict)
    late: dict[tuple[str | None, str], Callable[[], None]] = field(default_factory=dict)
    sounds: Mapping[str | None, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.of = {version.name: {} for version in self.versions}

    def complete(self) -> None:
        """Read what shots refer to in versions that it isn't made for by itself."""
        for name, shots in self.of.items():
            waiting = list(shots.values())
            while waiting:
                for needed in _needs(waiting.pop().shot):
                    read = self.late.pop((name, needed), None)
                    if read is not None:
                        read()
                        if needed in shots:
                            waiting.append(shots[needed])


def _needs(shot: Shot) -> list[str]:
    """The ids of the shots that one is made from, or whose length it follows, as they stand in the file."""
    made_from = [one.shot for one in shot.references if isinstance(one, ShotReference)]
    return made_from + [fit.shot for fit in shot.fits.values()]


class Made:
    """What is made of the drafts of all versions: ``shots`` by their ids, in the order of the file.

    ``given`` are those with an id that doesn't stand in the file: whether it can be one is still to be judged.
    """

    def __init__(self, drafts: Drafts, findings: Findings) -> None:
        """Circles that go through several versions are said."""
        self.shots: dict[str, Linked] = {}
        self.given: list[Shot] = []
        self._drafts = drafts
        self._findings = findings
        self._ids: dict[tuple[str | None, str], str] = {}
        self._circular = False
        if drafts.versions[0].name is None:
            self.shots = drafts.of[None]
            return
        for written in self._parents_first():
            self._name(written)
        place = {written: index for index, written in enumerate(drafts.order)}
        self.shots = dict(sorted(self.shots.items(), key=lambda item: place[item[1].shot.family]))

    def id_in(self, version: str | None, written: str) -> str:
        """The id of what a version has of a shot; an id that names something made is itself."""
        return self._ids.get((version, written), written)

    def versions(self, films: Mapping[str | None, Any]) -> dict[str, FilmVersion]:
        """The films by the names of their versions; ``films`` has what the top says of each."""
        found: dict[str, FilmVersion] = {}
        for name, drafts in self._drafts.of.items():
            if name is not None:
                shots = (drafts[written] for written in self._drafts.order if written in drafts)
                found[name] = FilmVersion(tuple(self._filmed(name, one.shot) for one in shots), films[name])
        return found

    def _filmed(self, version: str, draft: Shot) -> Shot:
        """A made shot with the film's keys that it has in a version."""
        made = self.shots[self.id_in(version, draft.id)].shot
        anchors = {
            key: {**place, "shot": self.id_in(version, place["shot"])}
            for key in ("at", "until")
            if isinstance(place := getattr(draft, key), Mapping)
        }
        own = {
            name: getattr(made, name)
            for name in ("id", "where", "references", "fits", "pick", "approved", "written", "versions")
        }
        return replace(draft, **{**own, **anchors})

    def _parents_first(self) -> Iterable[str]:
        """The ids in the file, each after those that it refers to in any version."""
        graphs = [self._graph(drafts) for drafts in self._drafts.of.values()]
        meant = {
            written: {needed for graph in graphs for needed in graph.get(written, ())}
            for written in self._drafts.order
        }
        try:
            return [*TopologicalSorter(meant).static_order()]
        except CycleError as error:
            self._circular = True
            # Those of one version are told by who checks references, but for one that names what isn't made then.
            if not any(map(_is_circular, map(_literally, self._drafts.of.values()))):
                ring = [str(one) for one in reversed(error.args[1])]
                shot = next(drafts[ring[0]].shot for drafts in self._drafts.of.values() if ring[0] in drafts)
                message = f"a circle of references through several versions: {' -> '.join(ring)}"
                self._findings.error(shot, shot.where, message, "circle")
            return self._drafts.order

    def _graph(self, drafts: Mapping[str, Linked]) -> dict[str, set[str]]:
        """The ids in the file that each shot of a version refers to."""
        named = {written: map(self._written, _needs(one.shot)) for written, one in drafts.items()}
        return {
            written: {needed for needed in meant if needed is not None and needed != written}
            for written, meant in named.items()
        }

    def _written(self, named: str) -> str | None:
        """The id in the file that an id in a reference belongs to: itself, or that of which it is a version's."""
        if any(named in drafts for drafts in self._drafts.of.values()):
            return named
        for version in self._drafts.of:
            written = named.removesuffix(f"-{version}")
            if written != named and written in self._drafts.of[version]:
                return written
        return None

    def _name(self, written: str) -> None:
        """Give what is made of one shot its ids, and take it up."""
        groups: dict[str, list[tuple[str, Linked]]] = {}
        for version, drafts in self._drafts.of.items():
            if version is not None and written in drafts:
                meant = self._with_made_ids(drafts[written], version)
                sounds = self._drafts.sounds.get(version, {})
                text = "" if self._circular else _text_of(meant.shot, sounds)
                groups.setdefault(text, []).append((version, meant))
        for found in groups.values():
            version, one = found[0]
            made_id = written if len(groups) == 1 else f"{written}-{version}"
            for name, _ in found:
                self._ids[name, written] = made_id
            where = one.shot.where.replace(f"({written})", f"({made_id})")
            versions = tuple(name for name, _ in found)
            chosen = chosen_of(one.chosen, made_id)
            shot = replace(one.shot, id=made_id, where=where, written=written, versions=versions, **chosen)
            self.shots[made_id] = Linked(shot, one.kind, one.table)
            if made_id != written:
                self.given.append(shot)

    def _with_made_ids(self, draft: Linked, version: str) -> Linked:
        meant = tuple(self._meant(one, version) for one in draft.shot.references)
        fits = {key: replace(fit, shot=self.id_in(version, fit.shot)) for key, fit in draft.shot.fits.items()}
        shot = replace(draft.shot, references=meant, fits=fits)
        return Linked(shot, draft.kind, draft.table, draft.chosen)

    def _meant(self, reference: Reference, version: str) -> Reference:
        if not isinstance(reference, ShotReference):
            return reference
        return replace(reference, shot=self.id_in(version, reference.shot))


def _literally(drafts: Mapping[str, Linked]) -> dict[str, list[str]]:
    """The ids that each shot of a version refers to, as they stand there; itself is told apart."""
    return {written: [one for one in _needs(two.shot) if one != written] for written, two in drafts.items()}


def _is_circular(graph: Mapping[str, Iterable[str]]) -> bool:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False


def _text_of(shot: Shot, sounds: Mapping[str, str]) -> str:
    """What makes two drafts of a shot the same thing to make: all that is sent, and its own file.

    A length that follows an entry of ``sound`` goes by its file, which is another one in each language, say.
    """
    references = [
        [type(one).__name__, {name: value for name, value in _fields(one) if name not in _PLACE}]
        for one in shot.references
    ]
    fits = {key: [fit.shot, fit.pad, sounds.get(fit.shot)] for key, fit in shot.fits.items()}
    return json.dumps([shot.model, shot.prompt, shot.params, fits, references, shot.file], sort_keys=True)


def _fields(reference: Reference) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(reference, name)) for name in type(reference).__slots__)


def check_listed_versions(
    placed: Placed | None, versions: Iterable[VersionNames], findings: Findings
) -> None:
    """The versions that ``film`` lists are there."""
    node, where = placed if placed is not None else (None, "")
    known = [version.name for version in versions if version.name is not None]
    for item, at in elements(node, below(where, "film")) if isinstance(node, Sequence) else ():
        if isinstance(item, Scalar) and item.text not in known:
            none = f"unknown version '{shortened(item.text)}'" if known else "there are no versions"
            findings.error(item, at, f"{none}{did_you_mean(item.text, known)}", "unknown-version")
