"""One key of one shot is set or taken out in the bytes of a storyboard, and all other bytes are as they were."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rivya_run.storyboard.splice import KeyValue, Spliced, Unwritable, spliced, value_at
from rivya_run.yaml12.nodes import Mapping, Sequence, to_json
from rivya_run.yaml12.reading import parse

T = TypeVar("T")
MARK = re.compile(r"m[0-9]+m")
"""The writer below puts such into all that is not the key itself, texts and comments, each another one."""


def tree(content: bytes) -> Any:
    """What a file means."""
    document = parse(content, "x.yaml")
    assert document.root is not None and not document.problems, (content, document.problems)
    return to_json(document.root)


def place(content: bytes, index: int) -> tuple[int, int]:
    """Where a shot begins, as the reader tells it."""
    root = parse(content, "x.yaml").root
    assert isinstance(root, Mapping)
    shots = root.entries["shots"]
    assert isinstance(shots, Sequence)
    return shots.items[index].line, shots.items[index].column


def put(text: str, key: str, value: KeyValue | None, index: int = 0) -> str:
    """The text with the key set; why not, where it is refused."""
    content = text.encode()
    found = spliced(content, place(content, index), key, value)
    return found.content.decode() if isinstance(found, Spliced) else f"refused: {found.reason}"


class Writer:
    """Writes a storyboard in the styles that are drawn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0
        self.breaks = draw(st.sampled_from([["\n"], ["\r\n"], ["\n", "\r\n"], ["\r"]]))

    def mark(self) -> str:
        self.count += 1
        return f"m{self.count}m"

    def some(self, *choices: T) -> T:
        return self.draw(st.sampled_from(choices))

    def end(self) -> str:
        comment = self.some("", "", f" # {self.mark()}: {{pick: 9}}", "  ")
        return f"{comment}{self.some(*self.breaks)}"

    def between(self, indent: str) -> str:
        return self.some(
            "", "", "", self.end().lstrip() or "\n", f"{indent}# {self.mark()}{self.some(*self.breaks)}"
        )

    def file(self) -> tuple[str, int]:
        """The text, and how many shots it has."""
        count, indent = self.draw(st.integers(1, 3)), self.some("", "  ")
        head = self.some(
            "", f"# {self.mark()}{self.end()}", f"---{self.end()}", f"x-a: {self.mark()}{self.end()}"
        )
        json_like = self.some(False, False, True)
        if json_like:
            shots = ", ".join(self.braces(number, quoted=True) for number in range(count))
            text = f'{{"shots": [{shots}], "title": "{self.mark()}"}}'
        else:
            shots = "".join(f"{indent}- {self.shot(number, indent + '  ')}" for number in range(count))
            after = self.some("", f"title: {self.mark()}{self.end()}", f"...{self.end()}", f"# {self.mark()}")
            text = f"{head}shots:{self.end()}{shots}{after}"
        if self.some(True, False):
            text = text.rstrip("\r\n")
        return text, count

    def shot(self, number: int, indent: str) -> str:
        if self.some(True, False, False):
            return self.braces(number, quoted=False) + self.end()
        first = self.some("", "", f"&a{number}{self.end()}{indent}")
        lines = [self.entry(name, value, indent) for name, value in self.entries(number)]
        text = first
        for place, line in enumerate(lines):
            text += (self.between(indent) + indent if place else "") + line
        return text

    def entries(self, number: int) -> list[tuple[str, Any]]:
        ids = [f"s{number}-a", f"s{number}-b"]
        found: list[tuple[str, Any]] = [("id", f"s{number}"), ("prompt", self.mark())]
        found += [("takes", 3)] * self.some(0, 1)
        found += [("x-params", {"n": self.mark(), "list": [self.mark()]})] * self.some(0, 1)
        found += [("pick", self.some(1, {ids[0]: 2}, {ids[0]: 2, "*": 1}))] * self.some(0, 0, 1)
        texts = "2@3fa9c1d2", "1@0badcafe"
        found += [("approved", self.some(texts[0], dict(zip(ids, texts, strict=True))))] * self.some(0, 0, 1)
        return self.draw(st.permutations(found))

    def entry(self, name: str, value: Any, indent: str) -> str:
        key = self.some(name, name, f'"{name}"', f"'{name}'")
        if isinstance(value, dict) and self.some(True, False):
            inner = "".join(
                f"{self.between(indent)}{indent}  {self.key(one)}: {self.flow(two)}{self.end()}"
                for one, two in value.items()
            )
            return f"{key}:{self.end()}{inner}"
        if name == "prompt" and self.some(True, False):
            style, line = self.some("|", ">", "|-", "|+", ">+"), self.some(*self.breaks)
            more = self.some("", f"{indent}  # {self.mark()}{line}", f"{line}{line}")
            return f"{key}: {style}{line}{indent}  {value}{line}{more}"
        props = self.some("", "", f"&p{self.mark()[1:-1]} ") if name != "id" else ""
        return f"{key}: {props}{self.flow(value)}{self.end()}"

    def key(self, name: str) -> str:
        return f"'{name}'" if name == "*" else self.some(name, f'"{name}"')

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            inner = [f"{self.key(one)}: {self.flow(two)}" for one, two in value.items()]
            return "{" + self.some("", " ") + self.some(", ", " , ").join(inner) + self.some("", " ") + "}"
        if isinstance(value, list):
            return f"[{', '.join(map(self.flow, value))}]"
        return json.dumps(value) if isinstance(value, int) else self.some(value, f"'{value}'", f'"{value}"')

    def braces(self, number: int, *, quoted: bool) -> str:
        entries = self.entries(number)
        if quoted:
            gap = self.some("", "\n   ")
            inner = f",{gap or ' '}".join(f'"{name}": {json.dumps(value)}' for name, value in entries)
            return f"{{{gap}{inner}{self.some('', gap)}}}"
        gap = self.some("", "", "\n      ")
        written = [f"{self.key(name)}: {self.flow(value)}" for name, value in entries]
        lines = [
            f"{one},{self.some('', f' # {self.mark()}')}{gap}" if gap else f"{one}, " for one in written[:-1]
        ]
        last = f"{written[-1]}{self.some('', ',') if gap else ''}"
        return f"{{{gap}{''.join(lines)}{last}{gap}}}"


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, int]:
    """A storyboard's bytes, and the shot that is meant."""
    text, count = Writer(draw).file()
    mark, encoding = draw(
        st.sampled_from([(b"", "utf-8"), (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le")])
    )
    return mark + text.encode(encoding), draw(st.integers(0, count - 1))


def values(key: str, number: int) -> st.SearchStrategy[KeyValue]:
    """What may be written under a key."""
    one = st.integers(1, 3) if key == "pick" else st.sampled_from(["2@3fa9c1d2", "1@b04ce87a", "3@00000000"])
    names = st.sampled_from([f"s{number}-a", f"s{number}-b", *(["*"] if key == "pick" else [])])
    whole: st.SearchStrategy[Any] = one | st.dictionaries(names, one, min_size=1)
    return whole


def text_of(content: bytes) -> str:
    return parse(content, "x.yaml").source.text


@settings(max_examples=300, deadline=None)
@given(files(), st.sampled_from(["pick", "approved"]), st.data())
def test_only_the_bytes_of_the_key_change(file: tuple[bytes, int], key: str, data: st.DataObject) -> None:
    """Before and after differ by that key alone, every comment stays, and setting what wasn't there can be undone."""
    content, index = file
    before = tree(content)
    old = before["shots"][index].get(key)
    value = data.draw(values(key, index) | st.none()) if old is not None else data.draw(values(key, index))
    found = spliced(content, place(content, index), key, value)
    if isinstance(found, Unwritable):
        assert old is not None, found
        assert "several lines" in found.reason or "comments" in found.reason, found
        return
    if value is None:
        del before["shots"][index][key]
    else:
        before["shots"][index][key] = value
    assert tree(found.content) == before
    one, other = text_of(content), text_of(found.content)
    assert MARK.findall(one) == MARK.findall(other)
    start = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(map(len, (one, other)))
    )
    rest = min(len(one), len(other)) - start
    same = next((n for n in range(rest) if one[-1 - n] != other[-1 - n]), rest)
    removed = one[start : len(one) - same]
    if old is None:
        assert not removed
        again = spliced(found.content, place(found.content, index), key, None)
        assert isinstance(again, Spliced) and again.content == content
    lines = (other if value is not None else one).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert key in lines[found.line - 1]
    assert value_at(found.content, place(found.content, index), key) == value


TAKEN_OVER = "more than this key of this shot would change: an alias or '<<' takes it over"
BLOCK = (
    "shots:\n  - id: s1  # the first\n    takes: 3\n    prompt: |\n      a: b\n\n\n  # the second\n  - id: s2"
)


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        (BLOCK, "pick", 2, BLOCK.replace("takes: 3\n", "takes: 3\n    pick: 2\n")),
        (BLOCK.replace("s2", "s1 "), "pick", 2, BLOCK.replace("s2", "s1 ").replace("3\n", "3\n    pick: 2\n")),
        ("shots:\r\n- id: s1", "pick", 2, "shots:\r\n- id: s1\r\n  pick: 2"),
        ("{shots: [{id: s1}]}", "approved", "1@0badcafe", "{shots: [{id: s1, approved: 1@0badcafe}]}"),
        ('{"shots":[{"id":"s1"}]}', "pick", {"a": 1, "*": 2}, '{"shots":[{"id":"s1", "pick": {"a": 1, "*": 2}}]}'),
        ("shots:\n- id: s1\n  pick: 1 # ?\n", "pick", None, "shots:\n- id: s1\n  # ?\n"),
        ("shots:\n- pick: 1\n  id: s1\n", "pick", None, "shots:\n- id: s1\n"),
        ("shots:\n- pick: &p 1\n  id: s1\n", "pick", 2, "shots:\n- pick: &p 2\n  id: s1\n"),
        ("shots:\n- id: s1\n  pick:\n    a: 1\n    '*': 2\n", "pick", {"a": 3, "*": 2},
         "shots:\n- id: s1\n  pick:\n    a: 3\n    '*': 2\n"),
        ("x: &x {pick: 1}\nshots:\n- <<: *x\n  id: s1\n", "pick", 2,
         "x: &x {pick: 1}\nshots:\n- <<: *x\n  id: s1\n  pick: 2\n"),
        ("x: &x 1\nshots:\n- id: s1\n  pick: *x\n", "pick", 2, "x: &x 1\nshots:\n- id: s1\n  pick: 2\n"),
        ("shots:\n- {id: s1, # one\n   pick: 2, # two\n   takes: 2}", "pick", None,
         "shots:\n- {id: s1, # one\n    # two\n   takes: 2}"),
    ],
)  # fmt: skip
def test_a_key_is_written_as_a_person_would(
    before: str, key: str, value: KeyValue | None, after: str
) -> None:
    """Below what belongs to it, in the style and with the line ends of what is there."""
    assert put(before, key, value) == after


@pytest.mark.parametrize(
    ("before", "value", "reason"),
    [
        ("x: &x {id: s1}\nshots: [*x]\n", 2, "the shot comes from an alias"),
        ("x: &x [{id: s1}]\nshots: *x\n", 2, "the list of shots comes from an alias"),
        ("x: &x {shots: [{id: s1}]}\n<<: *x\n", 2, "the list of shots comes from an alias"),
        ("shots:\n- &x {id: s1}\n- <<: *x\n  id: s2\n", 2, TAKEN_OVER),
        ("shots:\n- {id: s1, pick: &x 1}\n- {id: s2, pick: *x}\n", 2, TAKEN_OVER),
        ("x: &x {pick: 1}\nshots:\n- <<: *x\n  id: s1\n", None, "the key doesn't stand in the shot itself"),
        ("shots:\n- {id: s1, pick: {a: 1, # why\n  b: 2}}\n", None, "the value has comments in it"),
        ("shots:\n- pick:\n    a: 1 # why\n    b: 2\n  id: s1\n", None, "the value has comments in it"),
        ("shots:\n- ? id\n  : s1\n", 2, "the lines of the shot are written in an unusual way"),
        ("shots:\n- id: s1\n  pick:\n    a: 1\n", 2, "the value goes over several lines"),
        ("shots:\n- id: |-\n    s1\n", 2, "the shot has no line that the key could be written below"),
    ],
)  # fmt: skip
def test_what_is_not_safe_is_refused(before: str, value: KeyValue | None, reason: str) -> None:
    """Where another shot would change too, or where it can't be told what belongs to the key."""
    assert put(before, "pick", value) == f"refused: {reason}"


def test_another_reader_breaks_lines_elsewhere() -> None:
    """Characters that break lines in YAML 1.1 only, and pairs of escapes in JSON, move nothing."""
    before = "title: 'a\u2028b\x85c'\nshots:\n- {id: s1, prompt: '\U0001f600'}\n"
    assert put(before, "pick", 2) == before.replace("s1,", "s1, pick: 2,")
    before = '{"title": "\\ud83d\\ude00 \\\\ud83d", "shots": [{"id": "s1", "prompt": "\\ud83d\\ude00"}]}'
    assert put(before, "pick", 2) == before.replace('"s1",', '"s1", "pick": 2,')


def test_a_place_where_no_shot_begins_is_refused() -> None:
    """The file isn't the one that was read."""
    found = spliced(b"shots:\n- id: s1\n", (3, 1), "pick", 2)
    assert found == Unwritable("no shot begins there any more")
    assert spliced(b"shots: [", (1, 1), "pick", 2) == Unwritable("the file has problems")
