"""Defaults, presets and shots lie over each other."""

from __future__ import annotations

from typing import Any

from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.model import Shot
from rivya_run.storyboard.reader import Reading, read_storyboard

CATALOG = load_catalog()


def read(text: str) -> Reading:
    return read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG)


def only_shot(text: str) -> Shot:
    reading = read(text)
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard.shots[0]


def said(text: str) -> list[str]:
    return [f"{p.line}:{p.column} {p.where}: {p.message} [{p.code}]" for p in read(text).problems]


def test_order() -> None:
    """Defaults, then presets in the order used, then the shot: later layers win, key by key."""
    shot = only_shot("""
defaults: {params: {duration: 7, mode: fun, resolution: 720p}, takes: 2}
presets:
  one: {params: {duration: 8, aspect_ratio: 1:1}, takes: 3}
  two: {params: {duration: 9}}
shots:
  - {id: a, prompt: x, use: [one, two], params: {mode: normal}}
""")
    assert shot.params == {"mode": "normal", "duration": 9, "resolution": "720p", "aspect_ratio": "1:1"}
    assert shot.takes == 3


def test_another_model_starts_params_afresh() -> None:
    """A layer that names another model drops the params below it; the same model keeps them."""
    text = """
defaults: {params: {resolution: 720p, aspect_ratio: 16:9}}
shots:
  - {id: a, prompt: x, model: %s}
"""
    assert only_shot(text % "grok-imagine").params == {"aspect_ratio": "1:1", "enable_pro": "false"}
    assert only_shot(text % "grok-imagine-video").params["resolution"] == "720p"


def test_references_are_replaced_and_tags_add_up() -> None:
    """References of a later layer replace those below; tags add up without doubles."""
    shot = only_shot("""
defaults: {references: a.png, tags: [one, two]}
presets: {p: {references: b.png, tags: two}}
shots:
  - {id: a, prompt: x, use: p, tags: [three]}
""")
    assert [getattr(reference, "path", None) for reference in shot.references] == ["b.png"]
    assert shot.tags == ("one", "two", "three")
    cleared = only_shot("defaults: {references: a.png}\nshots: [{id: a, prompt: x, references: []}]")
    assert cleared.references == ()


def test_unknown_preset() -> None:
    """A misspelt preset is pointed at, with the one that was meant."""
    text = "presets: {wide: {}}\nshots:\n  - id: a\n    prompt: x\n    use: [wide, wid]\n"
    assert said(text) == [
        "5:17 shots[0] (a) use: unknown preset 'wid', did you mean 'wide'? [unknown-preset]"
    ]


def test_problem_in_a_preset_is_told_once_where_it_stands() -> None:
    """A wrong value of a preset is one problem at the preset, however many shots use it."""
    text = "presets:\n  long: {params: {duration: 45}}\nshots:\n"
    text += "".join(f"  - {{id: s{n}, prompt: x, use: long}}\n" for n in range(3))
    assert said(text) == [
        (
            "2:29 presets.long.params.duration: 45 is more than the maximum 30 "
            "(for grok-imagine-video in shots[0] (s0)) [range]"
        )
    ]


def test_unused_preset_is_fine() -> None:
    """A preset that no shot uses is no problem, unless it is wrong for the model that it names."""
    assert said("presets: {p: {params: {size: 1:1}}}\nshots: [{id: a, prompt: x}]") == []
    assert said("presets: {p: {model: z-image, params: {size: 1:1}}}\nshots: [{id: a, prompt: x}]") == [
        "1:40 presets.p.params: unknown key 'size' [unknown-key]"
    ]


def test_defaults_are_judged_by_their_model() -> None:
    """Params of the defaults are judged by the defaults' model, whatever the shots make of them."""
    text = "defaults: {params: {duration: 3}}\nshots: [{id: a, prompt: x, params: {duration: 9}}]"
    message = "3 is less than the minimum 6 (for grok-imagine-video, the default model)"
    assert said(text) == [f"1:31 defaults.params.duration: {message} [range]"]


def test_params_that_no_shot_gets() -> None:
    """Defaults whose params every shot drops by naming another model are worth an advice."""
    text = "defaults: {params: {duration: 7}}\nshots: [{id: a, prompt: x, model: z-image}]"
    assert [(problem.code, problem.line, problem.column) for problem in read(text).problems] == [
        ("unused-params", 1, 20)
    ]
    assert said(text.replace("]", ", {id: b, prompt: x}]")) == []


def test_merge_keys_are_layers_too() -> None:
    """What ``<<`` brings in is judged where it stands."""
    text = "x-base: &b {params: {duration: 99}}\nshots: [{id: a, prompt: x, <<: *b}]"
    assert said(text) == ["1:32 shots[0] (a) params.duration: 99 is more than the maximum 30 [range]"]


def test_same_request_same_params() -> None:
    """Shots that ask for the same share one judgement, whatever types look alike."""
    board: Any = read(
        "shots:\n  - {id: a, prompt: x, params: {duration: 6}}\n  - {id: b, prompt: x, params: {duration: 6.0}}\n"
    ).storyboard
    assert [shot.params["duration"] for shot in board.shots] == [6, 6]
    assert all(type(shot.params["duration"]) is int for shot in board.shots)


def test_tags_and_scene_of_the_top_are_every_shots() -> None:
    """Tags add up with those of the top first; a shot's own scene wins."""
    reading = read("""
tags: [film, night]
scene: intro
defaults: {tags: teaser}
shots:
  - {id: a, prompt: x, tags: [night, hero]}
  - {id: b, prompt: y, scene: end}
""")
    assert reading.storyboard is not None, reading.problems
    first, second = reading.storyboard.shots
    assert (first.tags, first.scene) == (("film", "night", "teaser", "hero"), "intro")
    assert (second.tags, second.scene) == (("film", "night", "teaser"), "end")


def test_a_count_with_leading_zeros_says_so() -> None:
    """Unquoted 02 is text by the rules of scalars."""
    [problem] = said("shots:\n  - {id: a, prompt: x, takes: 02}\n")
    assert "text where a whole number is needed: write it without leading zeros" in problem
