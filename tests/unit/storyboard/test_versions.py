"""Versions: what is the same is made once, what differs gets an id of its own, and each film has its own keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.model import ShotReference, Storyboard
from rivya_run.storyboard.reader import Reading, read_storyboard

CATALOG = load_catalog()
TWO = "versions: {wide: {vars: {ratio: '16:9'}}, tall: {vars: {ratio: '9:16'}}}\n"
VARYING = "params: {aspect_ratio: '${ratio}'}"


def read(text: str) -> Reading:
    return read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG)


def board(text: str) -> Storyboard:
    reading = read(text)
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard


def problems(text: str) -> list[tuple[str, str]]:
    return [(problem.code, problem.message) for problem in read(text).problems]


def made(text: str) -> dict[str, tuple[str, ...]]:
    """The ids of what is made, with their versions."""
    return {shot.id: shot.versions for shot in board(text).shots}


def test_what_is_the_same_is_made_once() -> None:
    """A shot without the name keeps its id, one with it is made for each value."""
    text = TWO + f"shots:\n  - {{id: a, prompt: x}}\n  - {{id: b, prompt: x, {VARYING}}}\n"
    assert made(text) == {"a": ("wide", "tall"), "b-wide": ("wide",), "b-tall": ("tall",)}
    assert [shot.family for shot in board(text).shots] == ["a", "b", "b"]


def test_versions_that_agree_share_a_shot() -> None:
    """Two languages by two ratios: a shot that only knows the ratio is made twice, not four times."""
    text = (
        "versions:\n"
        "  wide-en: {vars: {ratio: '16:9', lang: en}}\n"
        "  tall-en: {vars: {ratio: '9:16', lang: en}}\n"
        "  wide-de: {vars: {ratio: '16:9', lang: de}}\n"
        "  tall-de: {vars: {ratio: '9:16', lang: de}}\n"
        f"shots:\n  - {{id: a, prompt: x, {VARYING}}}\n"
    )
    assert made(text) == {"a-wide-en": ("wide-en", "wide-de"), "a-tall-en": ("tall-en", "tall-de")}


def test_a_child_of_what_varies_varies() -> None:
    """Inside a version {shot: ID} means that version's, through a chain."""
    text = TWO + (
        f"shots:\n  - {{id: a, prompt: x, {VARYING}}}\n"
        "  - {id: b, prompt: x, references: [{shot: a, frame: last}]}\n"
        "  - {id: c, prompt: x, references: [{shot: b, frame: last}]}\n"
    )
    assert list(made(text)) == ["a-wide", "a-tall", "b-wide", "b-tall", "c-wide", "c-tall"]
    parents = {
        shot.id: [one.shot for one in shot.references if isinstance(one, ShotReference)]
        for shot in board(text).shots
    }
    assert parents["b-tall"] == ["a-tall"] and parents["c-wide"] == ["b-wide"]


def test_a_child_may_name_what_is_made_of_a_version() -> None:
    """{shot: a-wide} means that one in all versions, so that the child doesn't vary by it."""
    text = TWO + (
        f"shots:\n  - {{id: a, prompt: x, {VARYING}}}\n"
        "  - {id: b, prompt: x, references: [{shot: a-wide, frame: last}]}\n"
    )
    assert made(text)["b"] == ("wide", "tall")


def test_the_shot_that_is_referred_to_may_depend_on_the_version() -> None:
    """${} in {shot} makes a shot vary."""
    text = (
        "vars: {key: one}\nversions: {x: {}, y: {vars: {key: two}}}\n"
        "shots:\n  - {id: one, prompt: x}\n  - {id: two, prompt: y}\n"
        "  - {id: b, prompt: x, references: [{shot: '${key}', frame: last}]}\n"
    )
    assert list(made(text)) == ["one", "two", "b-x", "b-y"]


def test_film_keys_never_make_a_shot_vary() -> None:
    """They take the value's type, and each film has its own."""
    text = (
        "vars: {end: 3, gap: 0.5, heard: 'off'}\n"
        "versions: {long: {vars: {shown: true}}, short: {vars: {end: 2, shown: false, heard: -6}}}\n"
        "ending: {fade: '${gap}'}\n"
        "mix: {duck: '${end}'}\n"
        "sound: [{file: 'music-${end}.mp3', volume: '${heard}'}]\n"
        "shots:\n"
        "  - {id: a, prompt: x, trim: [null, '${end}'], volume: '${heard}', film: '${shown}',"
        " transition: {dissolve: '${gap}'}}\n"
    )
    found = board(text)
    assert [shot.id for shot in found.shots] == ["a"]
    long, short = found.of_version("long"), found.of_version("short")
    [one], [other] = long.shots, short.shots
    assert (one.trim, one.volume, one.film, one.transition) == ([None, 3.0], "off", True, {"dissolve": 0.5})
    assert (other.trim, other.volume, other.film) == ([None, 2.0], -6.0, False)
    assert [sound.file for sound in (*long.film.sounds, *short.film.sounds)] == ["music-3.mp3", "music-2.mp3"]
    assert (long.film.ending, long.film.mix) == (0.5, {"duck": 3.0})


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ("hold: '${n}'", "range"),
        ("trim: ['${n}', 1]", "range"),
        ("hold: '${word}'", "type"),
        ("volume: '${word}'", "option"),
        ("transition: {fade: '${word}'}", "type"),
        ("hold: '${nobody}'", "unknown-name"),
        ("film: '${word}'", "type"),
    ],
)
def test_what_is_filled_into_film_keys_is_checked(keys: str, code: str) -> None:
    """A value that a key can't have is told where it is used."""
    text = f"vars: {{n: -1, word: dog}}\nshots:\n  - {{id: a, model: grok-imagine, prompt: x, {keys}}}\n"
    if "trim" in keys or "volume" in keys:
        text = text.replace("grok-imagine,", "grok-imagine-video,")
    assert [found for found, _ in problems(text)] == [code]


def test_a_film_s_list_decides_what_is_made() -> None:
    """A shot that lists versions is made for these, and for those in which a shot needs it, out of their films."""
    text = TWO + (
        f"shots:\n  - {{id: a, prompt: x, {VARYING}, film: [wide]}}\n"
        f"  - {{id: b, prompt: x, {VARYING}, film: [tall]}}\n"
        "  - {id: c, prompt: x, references: [{shot: b, frame: last}], film: [wide, tall]}\n"
    )
    assert made(text) == {
        "a": ("wide",),
        "b-wide": ("wide",),
        "b-tall": ("tall",),
        "c-wide": ("wide",),
        "c-tall": ("tall",),
    }
    wide = {shot.id: shot.film for shot in board(text).of_version("wide").shots}
    assert wide == {"a": True, "b-wide": False, "c-wide": True}


def test_anchors_mean_the_version_s_shot() -> None:
    """``at: {shot: a}`` is the shot of the film in which it stands."""
    text = TWO + (
        f"shots:\n  - {{id: a, prompt: x, {VARYING}}}\n"
        "  - {id: vo, model: elevenlabs-turbo-2-5, prompt: hello, at: {shot: a, offset: 1}}\n"
    )
    at = [
        shot.at for name in ("wide", "tall") for shot in board(text).of_version(name).shots if shot.id == "vo"
    ]
    assert at == [{"shot": "a-wide", "offset": 1.0}, {"shot": "a-tall", "offset": 1.0}]


def test_a_pick_for_each_of_what_is_made() -> None:
    """A mapping from made ids, '*' for the rest; of versions and of a matrix; a plain one holds for all."""
    text = TWO + f"shots:\n  - {{id: a, prompt: x, takes: 3, {VARYING}, pick: {{a-tall: 2, '*': 3}}}}\n"
    assert [shot.pick for shot in board(text).shots] == [3, 2]
    matrix = "shots:\n  - {id: 'a-${n}', prompt: x, takes: 2, matrix: {n: [1, 2]}, pick: {a-1: 2}}\n"
    assert [shot.pick for shot in board(matrix).shots] == [2, None]
    plain = TWO + f"shots:\n  - {{id: a, prompt: x, takes: 3, {VARYING}, pick: 2}}\n"
    assert [shot.pick for shot in board(plain).shots] == [2, 2]


def test_a_pick_of_nothing_that_is_made_is_told() -> None:
    """It is advice with the nearest name, and is ignored."""
    text = TWO + f"shots:\n  - {{id: a, prompt: x, takes: 3, {VARYING}, pick: {{a-tal: 2}}}}\n"
    assert [message for code, message in problems(text) if code == "unknown-pick"] == [
        "nothing of this shot is called 'a-tal', did you mean 'a-tall'?; it is ignored"
    ]
    beyond = "shots:\n  - {id: a, prompt: x, pick: {a: 2}}\n"
    assert [code for code, _ in problems(beyond)] == ["range"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("versions: {}\nshots: [{id: a, prompt: x}]\n", "type"),
        ("versions: [wide]\nshots: [{id: a, prompt: x}]\n", "type"),
        ("versions: {wide: }\nshots: [{id: a, prompt: x}]\n", "type"),
        ("versions: {this-name-is-too-long: {}}\nshots: [{id: a, prompt: x}]\n", "name"),
        ("versions: {'a b': {}}\nshots: [{id: a, prompt: x}]\n", "name"),
        ("versions: {a: {}, A: {}}\nshots: [{id: a, prompt: x}]\n", "duplicate-id"),
        ("versions: {a: {vars: {r: 1}}, b: {}}\nshots: [{id: a, prompt: x}]\n", "version-vars"),
        ("versions: {a: {var: {r: 1}}}\nshots: [{id: a, prompt: x}]\n", "unknown-key"),
        ("versions: {a: {}}\nshots: [{id: a, prompt: x, film: [b]}]\n", "unknown-version"),
        ("shots: [{id: a, prompt: x, film: [b]}]\n", "unknown-version"),
        ("shots: [{id: a, prompt: x, film: wide}]\n", "type"),
        ("shots: [{id: a, prompt: x, film: []}]\n", "type"),
        (TWO + f"shots: [{{id: a, prompt: x, {VARYING}}}, {{id: a-wide, prompt: x}}]\n", "duplicate-id"),
        (TWO + f"shots: [{{id: {'a' * 60}, prompt: x, {VARYING}}}]\n", "id"),
        (
            TWO + "shots: [{id: a, prompt: x, references: [{shot: b, frame: last}]},"
            " {id: b, prompt: y, references: [{shot: a, frame: last}]}]\n",
            "circle",
        ),
        (
            TWO
            + "shots: [{id: a, prompt: x, references: [{shot: b-wide, frame: last}]}, {id: b, prompt: y}]\n",
            "unknown-shot",
        ),
    ],
)
def test_what_can_t_be(text: str, code: str) -> None:
    """Each has one problem, of this code."""
    assert [found for found, _ in problems(text) if found != "ratio-mismatch"] == [code]


def test_a_circle_that_only_ids_in_the_file_make_is_told_as_one() -> None:
    """In one version a needs c, which needs what the other version has of a: told as that, not as an unknown shot."""
    found = problems(
        "versions: {x: {vars: {r: c}}, y: {vars: {r: b}}}\nshots:\n"
        "- {id: a, prompt: x, references: [{shot: '${r}', frame: last}]}\n- {id: b, prompt: y}\n"
        "- {id: c, prompt: z, references: [{shot: a-y, frame: last}]}\n"
    )
    assert found[0] == ("circle", "a circle of references through several versions: a -> c -> a")


def test_a_value_that_only_one_version_lacks_names_both() -> None:
    """The version that has no value, and the one that sets it."""
    [(_, message)] = problems("versions: {a: {vars: {r: 1}}, b: {}}\nshots: [{id: s, prompt: x}]\n")
    assert message == "it has no value for 'r', which version 'a' sets: here, or in the top's vars"


NAMES = ("en", "de", "fr", "it")


@given(
    st.lists(st.tuples(*[st.sampled_from("ab")] * 3), min_size=1, max_size=4),
    st.lists(st.sampled_from(["", "${x}", "${y}", "${x}${z}", "${x}${y}${z}"]), min_size=1, max_size=5),
    st.data(),
)
def test_a_shot_is_made_as_often_as_its_text_differs(
    values: list[tuple[str, str, str]], prompts: list[str], data: st.DataObject
) -> None:
    """For any versions and any references back: as many as there are texts, and every version has exactly one."""
    lines = ["versions:"]
    for name, (x, y, z) in zip(NAMES, values, strict=False):
        lines.append(f"  {name}: {{vars: {{x: {x}, y: {y}, z: {z}}}}}")
    lines.append("shots:")
    back = [
        data.draw(st.none() | st.integers(0, max(0, index - 1))) if index else None
        for index in range(len(prompts))
    ]
    for index, (prompt, parent) in enumerate(zip(prompts, back, strict=True)):
        refers = f", references: [{{shot: s{parent}, frame: last}}]" if parent is not None else ""
        lines.append(f'  - {{id: s{index}, prompt: "p {prompt}"{refers}}}')
    found = board("\n".join(lines) + "\n")

    def text(index: int, row: tuple[str, str, str]) -> tuple[object, ...]:
        filled = prompts[index]
        for key, value in zip("xyz", row, strict=True):
            filled = filled.replace(f"${{{key}}}", value)
        parent = back[index]
        return filled, text(parent, row) if parent is not None else None

    for index in range(len(prompts)):
        mine = [shot for shot in found.shots if shot.family == f"s{index}"]
        assert len(mine) == len({text(index, row) for row in values})
        assert sorted(name for shot in mine for name in shot.versions) == sorted(NAMES[: len(values)])
