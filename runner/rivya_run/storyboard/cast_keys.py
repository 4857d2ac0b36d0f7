"""The keys of the cast and of includes, and the shapes of their values."""

from __future__ import annotations

from rivya_run.json_types import Json
from rivya_run.models.table import ID_PATTERN
from rivya_run.models.table_schemas import ref
from rivya_run.storyboard.containers import Records, ReferenceList
from rivya_run.storyboard.problems import Findings
from rivya_run.storyboard.shapes import NOT_BLANK_PATTERN, Key, KeyPlace, Labels, Text, elements
from rivya_run.yaml12.nodes import Node, Scalar


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


_MEMBERS = Records(
    "cast",
    KeyPlace.MEMBER,
    wrong="can't be the name of a member of the cast",
    pattern=ID_PATTERN,
    longest=64,
    needed="text: ...",
)


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
        _MEMBERS,
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
