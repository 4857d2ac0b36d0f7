"""Step two for the cast: ``@name`` in a prompt becomes the member's text, and its references come along.

Only what is written in the prompt is searched, never what names are filled in with. A storyboard without a cast has
no such marks: an at sign is an at sign there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Final, NamedTuple

from rivya_run.models.table import ModelTable, is_extension
from rivya_run.storyboard.layers import Placed, Stack
from rivya_run.storyboard.model import Mention, Reference, ShotReference
from rivya_run.storyboard.parameters import ReferenceReader, check_prompt
from rivya_run.storyboard.problems import Findings, HasPosition, below
from rivya_run.storyboard.shapes import elements
from rivya_run.storyboard.substitution import MARK, Names
from rivya_run.storyboard.versions import VersionNames
from rivya_run.suggest import did_you_mean, suggest
from rivya_run.text import counted, shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar

_MARK: Final = re.compile(rf"{MARK.pattern}|@@|@([A-Za-z0-9][A-Za-z0-9_-]*)")
_NAMED: Final = 3  # the group that holds a name after '@'


class Casting(NamedTuple):
    """A member where a shot names it."""

    member: str
    at: HasPosition
    where: str


class Said(NamedTuple):
    """What a shot says to its model: the prompt, who stands where in it, and the references.

    ``added`` tells how many of these each member brought, where the shot names it.
    """

    prompt: str | None
    mentions: tuple[Mention, ...]
    references: tuple[Reference, ...]
    added: Mapping[Casting, int]


class Cast:
    """The members by name; one that is wrong in itself is there, but brings nothing."""

    def __init__(self, node: Node | None, findings: Findings) -> None:
        self._findings = findings
        self._references = ReferenceReader(findings)
        self._is_there = isinstance(node, MappingNode)
        self._members: dict[str, Mapping[str, Node]] = {}
        for name, member in node.entries.items() if isinstance(node, MappingNode) else ():
            if not is_extension(name):
                good = isinstance(member, MappingNode) and not findings.is_invalid(member)
                entries = member.entries if good and isinstance(member, MappingNode) else {}
                self._members[name] = entries
                if "references" in entries:
                    self._references.check_urls(entries["references"], f"cast.{name}")
        self._longest_first = sorted(self._members, key=len, reverse=True)

    def said(
        self,
        prompt: Node | None,
        stack: Stack,
        names: Names,
        table: ModelTable | None,
        *,
        shot: str | None,
        where: str,
    ) -> Said:
        """Prompt and references with the cast's part in them. ``shot`` is the shot's id, ``where`` its path."""
        castings = [*self._listed(stack.cast)] if stack.cast else []
        text: str | None = None
        mentions: list[Mention] = []
        if isinstance(prompt, Scalar):
            at = below(where, "prompt")
            text, mentions, named = self._filled(prompt, at, names)
            castings += named
            check_prompt(text, prompt, table, at, self._findings)
        own = self._references.read(stack.values.get("references"), names, table)
        if not castings:
            return Said(text, (), own, {})
        read = partial(self._references.read, names=names, table=table)
        return Said(text, tuple(mentions), *self._with_references(own, castings, shot, read))

    def _filled(self, node: Scalar, where: str, names: Names) -> tuple[str, list[Mention], list[Casting]]:
        """A written prompt with names and members filled in; who stands where in it, and where each is named."""
        mentions: list[Mention] = []
        castings: list[Casting] = []
        if not self._is_there or "@" not in node.text:
            return names.text(node, where), mentions, castings
        text, end = "", 0
        for match in _MARK.finditer(node.text):
            text += node.text[end : match.start()]
            end = match.end()
            if not match.group().startswith("@"):
                text += names.fill(match, node, where)
                continue
            place = names.spot(node, match)
            name = self._meant(match.group(_NAMED), place, where)
            if name is None:
                text += match.group().replace("@@", "@")
                continue
            begin = len(text)
            text += self._text(name, names)
            mentions.append(Mention(name, begin, len(text)))
            castings.append(Casting(name, place, where))
            text += match.group(_NAMED)[len(name) :]
        return text + node.text[end:], mentions, castings

    def _meant(self, written: str | None, at: HasPosition, where: str) -> str | None:
        """The longest name that stands there; what goes on with a letter, digit or ``_`` is another one."""
        if written is None:
            return None
        fitting = (
            name
            for name in self._longest_first
            if written.startswith(name) and written[len(name) : len(name) + 1] in ("", "-")
        )
        name = next(fitting, None)
        near = suggest(written, self._members) if written != name else None
        if near is not None and near != name:
            taken = f"read as '@{name}'" if name else "sent as it is written"
            message = f"nobody is called '{shortened(written)}', did you mean '{near}'? It is {taken}"
            self._findings.advice(at, where, message, "unknown-member")
        return name

    def _text(self, name: str, names: Names) -> str:
        node = self._members[name].get("text")
        # What is wrong with a member was said; its name stands in, lest the prompt be blank or too short as well.
        return names.text(node, f"cast.{name}.text") if isinstance(node, Scalar) else f"@{name}"

    def _listed(self, lists: Sequence[Placed]) -> Iterator[Casting]:
        """The members that the ``cast`` of a shot and of the layers under it name."""
        for node, where in lists:
            for item, at in elements(node, below(where, "cast")):
                assert isinstance(item, Scalar)
                if item.text in self._members:
                    yield Casting(item.text, item, at)
                    continue
                hint = did_you_mean(item.text, self._members)
                none = "" if self._members else ": there is no cast"
                message = f"nobody in the cast is called '{shortened(item.text)}'{hint or none}"
                self._findings.error(item, at, message, "unknown-member")

    def _with_references(
        self,
        own: tuple[Reference, ...],
        castings: Sequence[Casting],
        shot: str | None,
        read: Callable[[Placed], tuple[Reference, ...]],
    ) -> tuple[tuple[Reference, ...], dict[Casting, int]]:
        """A shot's references and those of the members after them, equal ones once; and how many each of them adds.

        A sheet that a member refers to may name that member: it isn't made from itself.
        """
        found = list(own)
        there = {_alike(reference) for reference in own}
        added: dict[Casting, int] = {}
        for casting in castings:
            node = self._members[casting.member].get("references")
            for reference in read((node, f"cast.{casting.member}")) if node is not None else ():
                itself = isinstance(reference, ShotReference) and reference.shot == shot
                if not itself and _alike(reference) not in there:
                    there.add(_alike(reference))
                    found.append(reference)
                    added[casting] = added.get(casting, 0) + 1
        return tuple(found), added

    def shots(self, versions: Sequence[VersionNames]) -> tuple[ShotReference, ...]:
        """What members refer to of the shots, named by one or not, in any version; ``${}`` as far as can be said."""
        quiet = Findings(self._findings.source)
        read = ReferenceReader(quiet).read
        found = (
            reference
            for version in versions
            for name, member in self._members.items()
            if "references" in member
            for reference in read(
                (member["references"], f"cast.{name}"), Names(version.variables, quiet), None
            )
            if isinstance(reference, ShotReference)
        )
        return tuple(dict.fromkeys(found))


def _alike(reference: Reference) -> Reference:
    """A reference without its place."""
    return replace(reference, line=0, column=0, where="")


def check_crowd(total: int, added: Mapping[Casting, int], table: ModelTable, findings: Findings) -> bool:
    """Whether a model takes as many references as members bring to a shot; else that is said where one is named."""
    policy = table.references
    most = policy.max_files if policy is not None else 0
    own = total - sum(added.values())
    if own > most or total <= most or (policy is None and not table.complete):
        return True
    whose = [f"{own} of the shot"] if own else []
    whose += [f"{count} of {casting.member}" for casting, count in added.items()]
    takes = f"at most {most}" if policy is not None else "no references"
    message = f"{counted(total, 'reference')} ({', '.join(whose)}); {table.id} takes {takes}"
    sums = zip(added, accumulate(added.values()), strict=True)
    casting = next(casting for casting, so_far in sums if own + so_far > most)
    say = findings.error if table.complete else findings.advice
    say(casting.at, casting.where, message, "too-many-references" if policy is not None else "no-references")
    return False
