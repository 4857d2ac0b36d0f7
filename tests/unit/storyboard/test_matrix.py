"""``matrix``: one shot for each combination."""

from __future__ import annotations

from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.model import ShotReference
from rivya_run.storyboard.reader import Reading, read_storyboard

CATALOG = load_catalog()


def read(text: str) -> Reading:
    return read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG)


def ids(text: str) -> list[str]:
    reading = read(text)
    assert reading.storyboard is not None, reading.problems
    return [shot.id for shot in reading.storyboard.shots]


def said(text: str) -> list[str]:
    return [f"{p.line}:{p.column} {p.where}: {p.message} [{p.code}]" for p in read(text).problems]


def shot(id_: str, matrix: str, more: str = "") -> str:
    return f"shots:\n  - id: {id_}\n    matrix: {matrix}\n    prompt: x\n{more}"


def test_combinations_in_order() -> None:
    """Every combination is a shot, the last name varying fastest, named in messages by its own id."""
    text = shot("s-${a}-${b}", "{a: [x, y], b: [1, 2]}")
    assert ids(text) == ["s-x-1", "s-x-2", "s-y-1", "s-y-2"]
    board = read(text).storyboard
    assert board is not None
    assert board.shots[3].where == "shots[0] (s-y-2)"


def test_characters_an_id_cannot_hold() -> None:
    """Characters of a value that an id can't hold become dashes."""
    assert ids(shot("s-${a}", "{a: [16:9, dark red, 1.5, ü, true]}")) == [
        "s-16-9",
        "s-dark-red",
        "s-1-5",
        "s--",
        "s-true",
    ]


def test_values_keep_their_type() -> None:
    """A whole value of params takes over the value's type."""
    board = read(shot("s-${d}", "{d: [6, 7]}", '    params: {duration: "${d}"}\n')).storyboard
    assert board is not None
    assert [made.params["duration"] for made in board.shots] == [6, 7]


def test_id_that_does_not_tell_apart() -> None:
    """An id without one of the names is told which it lacks, once."""
    assert said(shot("s-${a}", "{a: [x, y], b: [1, 2, 3]}")) == [
        (
            "2:9 shots[0] (s-${a}) id: the id must hold ${b}, so that each shot of the matrix has an id of its own "
            "[matrix-id]"
        )
    ]
    assert ids(shot("s-${a}", "{a: [x, y], b: [1]}")) == ["s-x", "s-y"]


def test_collision() -> None:
    """Two values that make the same id are a problem at the second."""
    assert said(shot("s-${a}", "{a: [dark red, dark-red]}")) == [
        "3:28 shots[0] (s-${a}) matrix.a: 'dark red' and 'dark-red' both make the id 's-dark-red' [matrix-id]"
    ]


def test_collision_with_another_shot() -> None:
    """A shot of a matrix can't take the id of another shot, whatever the case."""
    text = shot("s-${a}", "{a: [x, y]}", "  - {id: S-Y, prompt: x}\n")
    assert said(text) == [
        (
            "5:10 shots[1] (S-Y) id: the id 'S-Y' is taken by shots[0] (s-${a}) in line 2; ids that differ "
            "only in case count as the same [duplicate-id]"
        )
    ]


def test_a_wrong_value_is_told_where_it_stands() -> None:
    """A value that a parameter can't take is pointed at in the list."""
    text = shot("s-${d}", "{d: [6, 45]}", '    params: {duration: "${d}"}\n')
    assert said(text) == ["3:21 shots[0] (s-${d}) params.duration: 45 is more than the maximum 30 [range]"]


def test_a_wrong_use_is_told_once() -> None:
    """Where no value of a name fits, the place of its use is pointed at, once."""
    text = shot("s-${c}", "{c: [red, blue]}", '    params: {duration: "${c}"}\n')
    assert [line.split(" ")[0] for line in said(text)] == ["5:24"]


def test_a_problem_of_every_combination_is_told_once() -> None:
    """What is wrong in every combination is one problem."""
    text = shot("s-${c}", "{c: [red, blue, green]}", "    params: {duration: 45, x: 1}\n    use: nope\n")
    assert [line.split(" ")[0] for line in said(text)] == ["5:24", "5:28", "6:10"]


def test_only_names_of_the_matrix_in_ids() -> None:
    """A var can't stand in an id: shots would be renamed by a change elsewhere."""
    text = "vars: {v: x}\nshots: [{id: 's-${v}', prompt: x}]"
    assert [problem.code for problem in read(text).problems] == ["unknown-name"]


def test_matrix_hides_vars() -> None:
    """A name of the matrix hides the var of that name."""
    board = read(
        "vars: {a: 1}\n" + shot("s-${a}", "{a: [x]}").replace("prompt: x", "prompt: ${a}")
    ).storyboard
    assert board is not None
    assert board.shots[0].prompt == "x"


def test_shots_of_a_matrix_as_parents() -> None:
    """A reference to a shot fills in names the way its id does."""
    text = shot("k-${a}", "{a: [dark red, ivory]}", "    model: grok-imagine\n")
    text += "  - id: v-${a}\n    matrix: {a: [dark red, ivory]}\n    prompt: x\n    references: [{shot: 'k-${a}'}]\n"
    board = read(text).storyboard
    assert board is not None
    reference = board.shots[2].references[0]
    assert isinstance(reference, ShotReference)
    assert reference.shot == "k-dark-red"


def test_too_many_combinations() -> None:
    """A matrix that would make more shots than anybody means is refused, not made."""
    values = "[" + ", ".join(map(str, range(100))) + "]"
    text = shot("s-${a}-${b}-${c}", f"{{a: {values}, b: {values}, c: {values}}}")
    assert [problem.code for problem in read(text).problems] == ["matrix-size"]


def test_wrong_matrices() -> None:
    """Empty lists, lists of lists and bad names are problems."""
    for matrix in ("{}", "{a: []}", "{a: x}", "{a: [[1]]}", "{a: [null]}", "{1a: [x]}", "[a]"):
        assert read(shot("s", matrix)).storyboard is None
