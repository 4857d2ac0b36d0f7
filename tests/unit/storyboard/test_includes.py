"""Includes: what they bring, who wins, where their paths start from, and where their problems are."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.errors import Problem
from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.includes import IncludedFile
from rivya_run.storyboard.model import FileReference, FileTrouble
from rivya_run.storyboard.problems import as_github, as_json, as_sarif
from rivya_run.storyboard.reader import Reading, read_storyboard

CATALOG = load_catalog()


def read(board: str, **files: str) -> Reading:
    """The reading of ``specs/board.yaml``; ``files`` are by their path from ``specs``, without ``.yaml``."""
    return read_with(board, {f"{name}.yaml": text for name, text in files.items()})


def read_with(board: str, files: Mapping[str, str]) -> Reading:
    """The same with any paths."""

    def load(path: str) -> IncludedFile | FileTrouble:
        path = posixpath.normpath(path)
        if path not in files:
            return FileTrouble(path, "missing-file", f"there is no file '{path}'")
        name = posixpath.normpath(posixpath.join("specs", path))
        return IncludedFile(files[path].encode(), path, name, path)

    return read_storyboard(board.encode(), path="specs/board.yaml", catalog=CATALOG, include=load)


def prompt(reading: Reading) -> str | None:
    """That of the first shot."""
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard.shots[0].prompt


def places(reading: Reading) -> list[tuple[str, int, int, str]]:
    """Where each problem is."""
    return [(one.file, one.line, one.column, one.code) for one in reading.problems]


SHOTS = "shots: [{id: a, prompt: 'x ${v}'}]\n"


def test_an_include_brings_vars_presets_and_cast() -> None:
    """And nothing else."""
    reading = read(
        "include: one.yaml\nshots: [{id: a, use: p, prompt: '@m ${v}'}]\n",
        one="id: other\ntitle: T\nvars: {v: 1}\npresets: {p: {takes: 3}}\ncast: {m: {text: M}}\nshots: 5\n",
    )
    assert prompt(reading) == "M 1"
    assert reading.storyboard is not None
    assert (reading.storyboard.id, reading.storyboard.title) == ("board", None)
    assert reading.storyboard.shots[0].takes == 3


@pytest.mark.parametrize(
    ("board", "files", "sent"),
    [
        ("include: [one.yaml, two.yaml]\n", {"one": "vars: {v: 1}", "two": "vars: {v: 2}"}, "x 2"),
        ("include: [two.yaml, one.yaml]\n", {"one": "vars: {v: 1}", "two": "vars: {v: 2}"}, "x 1"),
        ("include: one.yaml\nvars: {v: 3}\n", {"one": "vars: {v: 1}"}, "x 3"),
        ("include: one.yaml\nvars: {w: 3}\n", {"one": "vars: {v: 1}"}, "x 1"),
        ("include: one.yaml\n", {"one": "include: two.yaml\nvars: {v: 1}", "two": "vars: {v: 2}"}, "x 1"),
        ("include: one.yaml\n", {"one": "include: two.yaml", "two": "vars: {v: 2}"}, "x 2"),
        (
            "include: [one.yaml, two.yaml]\n",
            {"one": "include: base.yaml\nvars: {v: 1}", "two": "include: base.yaml", "base": "vars: {v: 0}"},
            "x 0",
        ),
    ],
)
def test_who_wins(board: str, files: dict[str, str], sent: str) -> None:
    """Later includes over earlier ones, with all that they include; the including file over all."""
    assert prompt(read(board + SHOTS, **files)) == sent


def test_entries_are_taken_whole() -> None:
    """A preset of the storyboard replaces that of the include, it isn't laid over it."""
    reading = read(
        "include: one.yaml\npresets: {p: {tags: mine}}\nshots: [{id: a, use: p, prompt: x}]\n",
        one="presets: {p: {takes: 3, tags: theirs}}\n",
    )
    assert reading.storyboard is not None
    assert (reading.storyboard.shots[0].takes, reading.storyboard.shots[0].tags) == (1, ("mine",))


def test_paths_in_an_include_are_relative_to_it() -> None:
    """Absolute ones and URLs stay; a path in the storyboard stays as it is, whatever fills it in."""
    reading = read_with(
        "include: ../cast/one.yaml\nshots:\n"
        "  - {id: a, model: nano-banana-2, use: p, prompt: '@m'}\n"
        "  - {id: b, model: nano-banana-2, references: '${file}', prompt: x}\n",
        {
            "../cast/one.yaml": "include: deep/two.yaml\nvars: {file: refs/v.png}\n"
            "presets: {p: {references: [refs/p.png, /abs.png, 'https://x.org/a.png', {path: ../q.png}]}}\n",
            "../cast/deep/two.yaml": "cast: {m: {text: M, references: 'm.png'}}\n",
        },
    )
    assert reading.storyboard is not None, reading.problems
    first, second = reading.storyboard.shots
    assert [one.path for one in first.references if isinstance(one, FileReference)] == [
        "../cast/refs/p.png",
        "/abs.png",
        "../cast/../q.png",
        "../cast/deep/m.png",
    ]
    assert [one.path for one in second.references if isinstance(one, FileReference)] == ["refs/v.png"]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"one": "vars: {v: 1}\npresets: {p: {takes: 0}}"}, [("specs/one.yaml", 2, 22, "range")]),
        ({"one": "vars: {v: 1}\n\ncast: {m: {text: '@'}}"}, [("specs/one.yaml", 3, 18, "member-text")]),
        ({"one": "vars: {v: 1}\nvars: {v: 2}"}, [("specs/one.yaml", 2, 1, "duplicate-key")]),
        ({"one": "vars: {v: 1"}, [("specs/one.yaml", 1, 7, "syntax")]),
        ({"one": "- 1"}, [("specs/one.yaml", 1, 1, "type")]),
        ({"one": ""}, [("specs/one.yaml", 1, 1, "empty")]),
        ({"one": "vars: [1]"}, [("specs/one.yaml", 1, 7, "type")]),
        ({"one": "include: one.yaml\nvars: {v: 1}"}, [("specs/one.yaml", 1, 10, "circle")]),
        ({"one": "vars: {v: 1}\ninclude: [3]"}, [("specs/one.yaml", 2, 11, "type")]),
        ({"one": "vars: {v: 1}\ncats: {}"}, [("specs/one.yaml", 2, 1, "unknown-key")]),
        (
            {"one": "include: two.yaml", "two": "vars: {v: ''}\npresets: 1"},
            [("specs/two.yaml", 2, 10, "type")],
        ),
        ({"one": "vars: {v: 1, 2: 2}"}, [("specs/one.yaml", 1, 14, "name")]),
    ],
)
def test_problems_stand_in_the_file_they_are_of(
    files: dict[str, str], found: list[tuple[str, int, int, str]]
) -> None:
    """Each once, with its own line; names that such a file may define are not held against the storyboard."""
    reading = read("include: one.yaml\n" + SHOTS, **files)
    assert places(reading) == found
    [problem] = reading.problems
    line = files[problem.file.removeprefix("specs/").removesuffix(".yaml")].split("\n")[problem.line - 1 :]
    assert problem.source == (line[0] if line else None)


@pytest.mark.parametrize(
    ("board", "found"),
    [
        ("include: none.yaml\n" + SHOTS, [("specs/board.yaml", 1, 10, "missing-file")]),
        ("include: [one.yaml,\n none.yaml]\n" + SHOTS, [("specs/board.yaml", 2, 2, "missing-file")]),
        ("include: {a: 1}\nshots: [{id: a, prompt: x}]\n", [("specs/board.yaml", 1, 10, "type")]),
        ("include: ' '\nshots: [{id: a, prompt: x}]\n", [("specs/board.yaml", 1, 10, "blank")]),
    ],
)
def test_problems_of_the_entry_itself(board: str, found: list[tuple[str, int, int, str]]) -> None:
    """At the path that was written."""
    assert places(read(board, one="vars: {v: 1}")) == found


def test_a_circle_is_told_once_with_its_way() -> None:
    """Also one that leads through the storyboard itself."""
    reading = read(
        "include: one.yaml\n" + SHOTS, one="include: two.yaml\nvars: {v: 1}", two="include: one.yaml"
    )
    [problem] = reading.problems
    assert problem.message == "a circle of includes: specs/one.yaml -> specs/two.yaml -> specs/one.yaml"
    assert (problem.file, problem.line) == ("specs/two.yaml", 1)


def test_includes_are_at_most_eight_deep() -> None:
    """Eight are read; the ninth is a problem where it is named, also by a file that was read on a shorter way."""
    chain = {f"f{n}": f"include: f{n + 1}.yaml" for n in range(1, 8)} | {"f8": "vars: {v: 1}"}
    assert prompt(read("include: f1.yaml\n" + SHOTS, **chain)) == "x 1"
    longer = chain | {"f8": "include: f9.yaml", "f9": "vars: {v: 1}"}
    assert places(read("include: f1.yaml\n" + SHOTS, **longer)) == [("specs/f8.yaml", 1, 10, "too-deep")]
    both = read("include: [f2.yaml, f1.yaml]\n" + SHOTS, **longer)
    assert places(both) == [("specs/f1.yaml", 1, 10, "too-deep")]


def test_many_files_that_include_each_other_are_read_once_each() -> None:
    """Seven layers of ten files, each of which includes all of the next: ten million ways."""
    layer = [[f"f{depth}_{n}" for n in range(10)] for depth in range(8)]
    files = {
        name: f"include: [{', '.join(f'{one}.yaml' for one in layer[depth + 1])}]"
        for depth in range(7)
        for name in layer[depth]
    } | dict.fromkeys(layer[7], "vars: {v: 1}")
    assert prompt(read(f"include: [{layer[0][0]}.yaml]\n" + SHOTS, **files)) == "x 1"


def test_problems_are_in_file_order_in_every_format() -> None:
    """The storyboard's own first, then those of its includes, each with its file and place."""
    reading = read(
        "include: one.yaml\nshots: [{id: a, use: p, prompt: x, takes: 0}]\n",
        one="\n\npresets: {p: {takes: 0}}\n",
    )
    found = [("specs/board.yaml", 2, 43), ("specs/one.yaml", 3, 22)]
    assert [(one.file, one.line, one.column) for one in reading.problems] == found
    shown = as_json(reading.problems)
    assert [(one["file"], one["line"], one["column"]) for one in shown if isinstance(one, dict)] == found
    results = json.loads(as_sarif(reading.problems))["runs"][0]["results"]
    located = [one["locations"][0]["physicalLocation"] for one in results]
    assert [(one["artifactLocation"]["uri"], one["region"]["startLine"]) for one in located] == [
        ("specs/board.yaml", 2),
        ("specs/one.yaml", 3),
    ]
    assert "file=specs/one.yaml,line=3,col=22" in as_github(reading.problems)


_words = st.sampled_from(
    ["vars", "presets", "cast", "include", "text", "references", "takes", "model", "p", "m", "v", "@m", "${v}",
     "0", "-1", "grok-imagine", "refs/a.png", "one.yaml", "none.yaml", "", "[]", "{}", "!!x", "&a", "*a", ": ",
     "\n", "\n  ", "- ", ", ", "{", "}", "[", "]", "'", '"'],
)  # fmt: skip
_lines = st.lists(_words, max_size=8).map(" ".join)
_texts = st.lists(_lines, max_size=6).map("\n".join)
_wellformed = st.builds(
    lambda value, preset, member: f"vars: {{v: {value}}}\npresets:\n  p: {preset}\ncast:\n  m: {member}\n",
    st.sampled_from(["1", "''", "[]", "${w}", "~"]),
    st.sampled_from(
        ["{}", "{takes: 0}", "{model: nope}", "{references: [1, {shot: s}]}", "{params: {duration: 1}}"]
    ),
    st.sampled_from(["{text: M}", "{text: '@'}", "{text: '${w}'}", "{references: none}", "[]", "{tex: M}"]),
)


@given(st.one_of(_texts, _wellformed), st.one_of(_texts, _wellformed))
def test_every_problem_points_into_its_file(first: str, second: str) -> None:
    """Whatever stands in included files: each problem names a file, a line of it, and that line as it is there."""
    board = (
        "include: [one.yaml, ../cast/two.yaml]\nshots:\n"
        "  - {id: a, use: p, prompt: '@m ${v}', cast: [m]}\n  - {id: b, prompt: '@n'}\n"
    )
    texts = {"specs/board.yaml": board, "specs/one.yaml": first, "cast/two.yaml": second}
    reading = read_with(board, {"one.yaml": first, "../cast/two.yaml": second})
    assert list(reading.problems) == sorted(reading.problems, key=lambda one: _place(one, list(texts)))
    for problem in reading.problems:
        lines = texts[problem.file].split("\n")
        assert 1 <= problem.line <= len(lines) + 1, problem
        assert problem.source == (lines[problem.line - 1] if problem.line <= len(lines) else None)
        assert (
            problem.where == "" or problem.file == "specs/board.yaml" or not problem.where.startswith("shots")
        )


def _place(problem: Problem, files: list[str]) -> tuple[int, int, int]:
    return files.index(problem.file), problem.line, problem.column
