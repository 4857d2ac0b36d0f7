"""The keys of decisions: what may be written, and what each made shot gets of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator

from rivya_run.errors import Severity
from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.expand import expanded
from rivya_run.storyboard.model import Approved, Checks, Shot
from rivya_run.storyboard.reader import Reading, read_storyboard
from rivya_run.storyboard.schema import storyboard_schema

CATALOG = load_catalog()
VALIDATOR = Draft7Validator(storyboard_schema(CATALOG))
TALL_AND_WIDE = {"wide": {"vars": {"ratio": "16:9"}}, "tall": {"vars": {"ratio": "9:16"}}}


def board(versions: bool = False, **keys: Any) -> dict[str, Any]:
    shot = {"id": "s1", "prompt": "A street", **keys}
    if versions:
        shot["params"] = {"aspect_ratio": "${ratio}"}
    return {"versions": TALL_AND_WIDE, "shots": [shot]} if versions else {"shots": [shot]}


def read(document: dict[str, Any]) -> Reading:
    return read_storyboard(json.dumps(document).encode(), path="board.json", catalog=CATALOG)


def shots(document: dict[str, Any]) -> dict[str, Shot]:
    reading = read(document)
    assert reading.storyboard is not None, reading.problems
    return {shot.id: shot for shot in reading.storyboard.shots}


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.code, problem.where) for problem in read(document).problems]


def test_a_take_and_digits_are_approved() -> None:
    """The number and at least eight digits of a sha256, in either case."""
    assert shots(board(approved="2@3FA9c1d2"))["s1"].approved == Approved(2, "3fa9c1d2")


@pytest.mark.parametrize(
    "wrong", ["2", 2, "2@3fa9c1d", "@3fa9c1d2", "0@3fa9c1d2", "100@3fa9c1d2", "2@3fa9c1dx"]
)
def test_other_forms_are_refused(wrong: object) -> None:
    """By the schema too; YAML's own numbers and digits that are too few are no file's."""
    document = board(approved=wrong)
    assert [where for _, where in told(document)] == ["shots[0] (s1) approved"]
    assert list(VALIDATOR.iter_errors(document))


def test_one_take_cannot_be_approved_of_several_shots() -> None:
    """Each version has files of its own: the message has the mapping to write, and a mapping is taken."""
    plain = board(versions=True, approved="1@3fa9c1d2")
    [problem] = read(plain).problems
    assert problem.code == "approved"
    assert "approved: {s1-wide: 1@3fa9c1d2, s1-tall: 1@3fa9c1d2}" in problem.message
    made = shots(board(versions=True, approved={"s1-tall": "1@3fa9c1d2"}))
    assert made["s1-tall"].approved == Approved(1, "3fa9c1d2")
    assert made["s1-wide"].approved is None


def test_a_matrix_is_several_shots_too() -> None:
    """A plain value is refused there as well."""
    lists = {"colour": ["red", "blue"]}
    document = board(id="car-${colour}", prompt="A ${colour} car", matrix=lists, approved="1@3fa9c1d2")
    assert told(document) == [("approved", "shots[0] (car-${colour}) approved")]
    document["shots"][0]["approved"] = {"car-red": "1@3fa9c1d2"}
    assert shots(document)["car-red"].approved == Approved(1, "3fa9c1d2")


def test_an_approval_of_nothing_that_is_made_is_advice() -> None:
    """A version that is gone leaves its approval behind; no command is lost to it."""
    document = board(approved={"s1": "1@3fa9c1d2", "s1-tall": "1@3fa9c1d2"})
    assert shots(document)["s1"].approved == Approved(1, "3fa9c1d2")
    [problem] = read(document).problems
    assert (problem.code, problem.severity) == ("unknown-pick", Severity.ADVICE)


def test_approval_and_checks_come_from_layers() -> None:
    """A shot's own replace those of the defaults as a whole."""
    document = board(checks={"stop": "black"})
    document["defaults"] = {
        "approval": "required",
        "checks": {"stop": ["short"], "quiet": ["frozen", "ratio"]},
    }
    document["shots"].append({"id": "s2", "prompt": "A street"})
    made = shots(document)
    assert made["s1"].checks == Checks(stop=("black",))
    assert made["s2"].checks == Checks(stop=("short",), quiet=("frozen", "ratio"))
    assert made["s1"].approval
    assert not list(VALIDATOR.iter_errors(document))


def test_what_is_approved_waits_for_nothing() -> None:
    """``approval: required`` asks for a decision, and ``approved`` is one."""
    assert shots(board(approval="required"))["s1"].needs_approval
    assert not shots(board(approval="required", approved="1@3fa9c1d2"))["s1"].needs_approval


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"approval": True}, "approval"),
        ({"approval": "require"}, "approval"),
        ({"checks": {"stop": ["blck"]}}, "checks.stop[0]"),
        ({"checks": {"stops": ["black"]}}, "checks"),
        ({"checks": ["black"]}, "checks"),
        ({"checks": {"stop": ["black", "short"], "quiet": ["short"]}}, "checks.quiet[0]"),
        ({"checks": {"stop": "black", "quiet": "black"}}, "checks.quiet"),
    ],
)
def test_slips_are_told_at_their_place(keys: dict[str, Any], where: str) -> None:
    """Each with its path, by the reader and by the schema."""
    document = board(**keys)
    assert [where for _, where in told(document)] == [f"shots[0] (s1) {where}"]
    assert list(VALIDATOR.iter_errors(document))


def test_a_reference_to_another_take_than_the_approved_one_is_a_problem() -> None:
    """One of the two is a slip: the same take may be named, whatever the number of takes is now."""
    document = board(approved="3@3fa9c1d2")
    reference: dict[str, Any] = {"shot": "s1", "frame": "last", "take": 1}
    child = {"id": "s2", "prompt": "A street", "references": reference}
    document["shots"].append(child)
    assert [code for code, _ in told(document)] == ["approved"]
    reference["take"] = 3
    assert not told(document)


def test_a_file_of_ones_own_is_not_approved() -> None:
    """Nothing is made of it."""
    assert told({"shots": [{"id": "logo", "file": "logo.png", "approved": "1@3fa9c1d2"}]}) == [
        ("own-file", "shots[0] (logo) approved")
    ]


def test_expanding_keeps_decisions() -> None:
    """What ``plan --expand`` prints reads to the same."""
    document = board(
        approved="2@3fa9c1d2", approval="required", checks={"stop": ["black"], "quiet": ["short"]}
    )
    storyboard = read(document).storyboard
    assert storyboard is not None
    again = read_storyboard(
        expanded(storyboard, CATALOG).encode(), path="board.yaml", catalog=CATALOG
    ).storyboard
    assert again is not None
    [one], [other] = storyboard.shots, again.shots
    assert (one.approved, one.approval, one.checks) == (other.approved, other.approval, other.checks)
