"""``${name}`` is filled in where the language says so."""

from __future__ import annotations

from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.model import FileReference, Storyboard, UrlReference
from rivya_run.storyboard.reader import read_storyboard

CATALOG = load_catalog()


def board(text: str) -> Storyboard:
    reading = read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG)
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard


def said(text: str) -> list[str]:
    reading = read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG)
    return [f"{p.line}:{p.column} {p.message} [{p.code}]" for p in reading.problems]


def test_everywhere() -> None:
    """Names are filled in in prompts, values of params, paths and URLs."""
    shots = board("""
vars: {hero: a machine, take_len: 9, place: refs, host: cdn.example.com}
shots:
  - id: a
    prompt: Orbit ${hero}, ${hero}. It costs $$5 and $6.
    params: {duration: "${take_len}"}
    references: ${place}/a.png
  - id: b
    prompt: x
    references: {url: "https://${host}/a", kind: image}
""").shots
    assert shots[0].prompt == "Orbit a machine, a machine. It costs $5 and $6."
    assert shots[0].params["duration"] == 9
    reference = shots[0].references[0]
    assert isinstance(reference, FileReference)
    assert reference.path == "refs/a.png"
    url = shots[1].references[0]
    assert isinstance(url, UrlReference)
    assert url.url == "https://cdn.example.com/a"


def test_text_as_written() -> None:
    """A number in the middle of text stands there as it was written."""
    text = "vars: {n: 1.50, m: 007}\nshots: [{id: a, prompt: '${n} and ${m}'}]"
    assert board(text).shots[0].prompt == "1.50 and 007"


def test_inside_lists() -> None:
    """Names in the lines of a dialogue are filled in."""
    text = "vars: {who: Adam}\nshots:\n  - id: a\n    model: elevenlabs-dialogue-v3\n"
    text += "    params: {dialogue: [{voice: '${who}', text: 'I am ${who}'}]}\n"
    assert board(text).shots[0].params["dialogue"] == [{"voice": "Adam", "text": "I am Adam"}]


def test_misspelt() -> None:
    """An unknown name is pointed at where its ${ stands, with what was meant."""
    text = "vars: {hero: x}\nshots:\n  - id: a\n    prompt: The ${hero} and ${heroo}\n"
    assert said(text) == ["4:29 unknown name 'heroo' in '${heroo}', did you mean 'hero'? [unknown-name]"]


def test_place_in_a_block() -> None:
    """In a text of several lines the place is that of the line that holds it."""
    text = "shots:\n  - id: a\n    prompt: >-\n      one\n      two ${nope}\n"
    assert said(text) == ["5:11 unknown name 'nope' in '${nope}' [unknown-name]"]


def test_no_names() -> None:
    """A ${ that is never closed or holds no name asks for $$."""
    text = "shots:\n  - id: a\n    prompt: ${} ${a b} ${x\n"
    assert [line.split(" [")[1] for line in said(text)] == ["substitution]"] * 3
    assert said("shots: [{id: a, prompt: '$${x}'}]") == []


def test_values_hold_no_names() -> None:
    """What is filled in can't itself ask to be filled in."""
    assert said("vars: {a: '${b}', b: x}\nshots: [{id: a, prompt: x}]") == [
        "1:11 a value that is filled in can't itself hold '${...}' [substitution]"
    ]


def test_labels_are_left_alone() -> None:
    """Titles and notes are for people: nothing is filled in."""
    assert board("shots: [{id: a, prompt: x, title: '${x}'}]").shots[0].title == "${x}"


def test_blank_after_filling() -> None:
    """A prompt that is blank once filled in is blank."""
    assert said("vars: {a: ''}\nshots: [{id: a, prompt: '${a}'}]") == ["2:25 'prompt' is blank [blank]"]
