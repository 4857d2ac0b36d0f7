"""A storyboard written out as it is after all its layers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.expand import expanded
from rivya_run.storyboard.model import Shot, Storyboard
from rivya_run.storyboard.reader import read_storyboard

CATALOG = load_catalog()


def board(text: str) -> Storyboard:
    reading = read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG)
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard


def bare(shot: Shot) -> Shot:
    references = tuple(replace(found, line=0, column=0, where="") for found in shot.references)
    return replace(shot, references=references, mentions=(), where="", line=0, column=0)


def same(one: Storyboard, other: Storyboard) -> None:
    assert [bare(shot) for shot in one.shots] == [bare(shot) for shot in other.shots]
    assert (one.id, one.title, one.notes, one.max_credits) == (
        other.id,
        other.title,
        other.notes,
        other.max_credits,
    )


def test_written_out() -> None:
    """Nothing is left to defaults, presets, vars and matrix."""
    text = expanded(
        board("""
title: 'Tom: the $5 machine'
budget: {max_credits: 20}
vars: {hero: a machine}
defaults: {params: {duration: 7}, tags: day}
presets: {wide: {params: {aspect_ratio: 16:9}}}
shots:
  - id: s-${n}
    matrix: {n: [1, 2]}
    use: wide
    prompt: "${hero}: $$${n}"
    references: [{shot: k, frame: 1.5}, {path: a b.png}]
    model: kling-3-0
    params: {}
    takes: 2
    pick: 1
  - {id: k, prompt: on, skip: true}
"""),
        CATALOG,
    )
    assert 'title: "Tom: the $5 machine"' in text
    assert 'prompt: "a machine: $$1"' in text
    assert "references:\n      - {shot: k, frame: 1.5}\n      - {path: a b.png}" in text
    assert "prompt: on" in text
    assert "${" not in text


def test_reads_back() -> None:
    """Reading what was written gives the same shots."""
    original = board("""
id: x
notes: "a\\nb"
shots:
  - id: 0010
    prompt: "true"
    notes: "# no comment"
    title: "- x"
    params: {duration: 6}
  - id: d
    model: elevenlabs-dialogue-v3
    params: {dialogue: [{voice: Adam, text: "It costs $$3: \\"yes\\""}], default_voice: Bill}
  - id: u
    model: grok-imagine
    prompt: x
    references: {url: "https://x.y/a?b=c&d=[e]", kind: image, id: "7", name: "a, b.png"}
""")
    same(board(expanded(original, CATALOG)), original)


_text = st.text(min_size=1, max_size=30).filter(lambda text: text.strip() != "")


@given(
    st.fixed_dictionaries(
        {"prompt": _text, "title": st.text(max_size=9), "tags": st.lists(_text, max_size=2)}
    ),
    st.text(max_size=9),
    _text,
)
@settings(max_examples=150, deadline=None)
def test_any_text_reads_back(shot: Any, notes: str, path: str) -> None:
    """Whatever the texts are, they come back as they were."""
    shot = {
        "id": "a",
        **shot,
        "prompt": shot["prompt"].replace("$", "$$"),
        "references": {"path": path.replace("$", "$$")},
    }
    document = json.dumps({"notes": notes, "shots": [shot]})
    reading = read_storyboard(document.encode(), path="board.json", catalog=CATALOG)
    if reading.storyboard is not None:
        same(board(expanded(reading.storyboard, CATALOG)), replace(reading.storyboard))
