"""The keys of the cast and of includes, and the shapes of their values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rivya_run.json_types import Json
from rivya_run.models.table import ID_PATTERN, is_extension
from rivya_run.models.table_schemas import ref
from rivya_run.storyboard.containers import Map, ReferenceList
from rivya_run.storyboard.problems import Findings, below
from rivya_run.storyboard.shapes import NOT_BLANK_PATTERN, Key, KeyPlace, Labels, Text, elements, refuse
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar


class Texts(Text):
    """One text or a list of them."""

    def __init__(self, words: str) -> None:
        text: dict[str, Json] = {"type": "string", "pattern": NOT_BLANK_PATTERN}
        super().__init__(words, {"if": {"type": "array"}, "then": {"items": text}, "else": text})

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        good = [super(Texts, self).check(item, where, findings) for item, where in elements(node, at)]
        return all(good)


class MemberText(Text):
    """What stands for ``@name``; members don't name each other."""

    def __init__(self) -> None:
        super().__init__("text, `${}`", {"type": "string", "pattern": r"^[^@]*[^@\s][^@]*$"})

    def check(self, node: Node, at: str, findings: Findings) -> bool:
        if not super().check(node, at, findings):
            return False
        assert isinstance(node, Scalar)
        if "@" in node.text:
            message = "the text of a member can't hold '@': it may stand only in prompts"
            findings.error(node, at, message, "member-text")
            return False
        return True


class Members(Map):
    """Name of a member of the cast -> the keys of a member."""

    def entry(self, name: Scalar, value: Node, at: str, findings: Findings) -> None:
        if not re.fullmatch(ID_PATTERN, name.text):
            message = (
                f"'{shortened(name.text)}' can't be the name of a member of the cast: use letters, digits, - and _, "
                "starting with a letter or digit, at most 64 characters"
            )
            findings.error(name, at, message, "name")
        if not isinstance(value, Mapping):
            refuse(value, at, findings, "a mapping (text: ...)")

    def inner(self, node: Node, at: str) -> Iterator[tuple[Mapping, KeyPlace, str]]:
        for name, value in node.entries.items() if isinstance(node, Mapping) else ():
            if isinstance(value, Mapping) and not is_extension(name):
                yield value, KeyPlace.MEMBER, below(at, name)


CAST_KEYS: tuple[Key, ...] = (
    Key(
        "include",
        Texts("path, or a list"),
        (KeyPlace.TOP,),
        "Included files",
        "One file or a list of them, relative to this one, that bring vars, presets and cast. Later ones win over "
        "earlier ones, this file over all.",
        examples=("../cast/cast.yaml",),
    ),
    Key(
        "cast",
        Members("mapping of mappings", ref("cast")),
        (KeyPlace.TOP,),
        "Cast",
        "Name -> who or what is to look the same in all shots. Where there is a cast, @name in a prompt becomes the "
        "member's text and adds its references; @@ is an at sign.",
        examples=({"mira": {"text": "a woman in a red parka", "references": "refs/mira.png"}},),
    ),
    Key(
        "text",
        MemberText(),
        (KeyPlace.MEMBER,),
        "Text",
        "What stands for @name in prompts. No @ in it.",
        required=True,
        examples=("a woman in a red parka",),
    ),
    Key(
        "references",
        ReferenceList("reference, or a list", ref("references")),
        (KeyPlace.MEMBER,),
        "References",
        "What shots with this member are made from as well, in the forms of any references; relative to the file "
        "that this stands in.",
        examples=(["refs/mira.png", {"shot": "mira-sheet"}],),
    ),
    Key(
        "cast",
        Labels("name, or a list"),
        (KeyPlace.DEFAULTS, KeyPlace.PRESET, KeyPlace.SHOT),
        "Members of the cast",
        "One or a list of members whose references are added, after those of references; their texts are not. Lists "
        "of all layers add up.",
        examples=(["mira"],),
    ),
)
