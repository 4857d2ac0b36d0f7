"""The film's keys: shapes, places, kinds, and that nothing of them is ever sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from examples import file_facts
from film_strategy import BY_KIND, TOP, WRONG
from rivya_run.errors import Severity
from rivya_run.journal.fingerprint import request_body
from rivya_run.journal.fold import History
from rivya_run.models.catalog import load_catalog
from rivya_run.planning.planner import Planner, PlanOptions
from rivya_run.storyboard.expand import expanded
from rivya_run.storyboard.model import FileReference, Storyboard
from rivya_run.storyboard.reader import Reading, read_storyboard
from rivya_run.storyboard.schema import storyboard_schema

CATALOG = load_catalog()
VALIDATOR = Draft7Validator(storyboard_schema(CATALOG))
MODELS = {"video": "grok-imagine-video", "image": "grok-imagine", "audio": "elevenlabs-turbo-2-5"}
FACTS = {path: file_facts(path) for path in ("logo.png", "clip.mp4")}


def read(document: dict[str, Any]) -> Reading:
    return read_storyboard(json.dumps(document).encode(), path="board.json", catalog=CATALOG)


def good(document: dict[str, Any]) -> Storyboard:
    reading = read(document)
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(problem.code, problem.where) for problem in read(document).problems]


def one(kind: str = "video", **keys: Any) -> dict[str, Any]:
    return {"shots": [{"id": "s1", "model": MODELS[kind], "prompt": "A street", **keys}]}


def sent(board: Storyboard) -> list[tuple[str | None, str]]:
    """Fingerprint and body of every take."""
    tables = {table.id: table for table in CATALOG.all()}
    steps = Planner(board, tables, History(), FACTS, PlanOptions()).plan().steps
    return [
        (
            step.fingerprint,
            request_body(step.shot.model, step.shot.prompt, step.shot.params, (), step.request_key or ""),
        )
        for step in steps
    ]


PLAIN: dict[str, Any] = {
    "id": "board",
    "shots": [
        {"id": "s1", "model": MODELS["video"], "prompt": "A street", "references": ["logo.png"]},
        {"id": "s2", "model": MODELS["image"], "prompt": "A poster"},
        {"id": "s3", "model": MODELS["audio"], "prompt": "Hello there"},
    ],
}


@st.composite
def _filmed(draw: st.DrawFn) -> dict[str, Any]:
    """The plain board with keys of the film all over it."""
    shots = [
        {**shot, **draw(st.fixed_dictionaries({}, optional=BY_KIND[kind]))}
        for kind, shot in zip(("video", "image", "audio"), PLAIN["shots"], strict=True)
    ]
    return {**PLAIN, **draw(st.fixed_dictionaries({}, optional=TOP)), "shots": shots}


@given(_filmed())
def test_no_key_of_the_film_is_part_of_what_is_sent(document: dict[str, Any]) -> None:
    """Whatever the film's keys say, each take has the fingerprint, the key and the body that it has without them."""
    assert sent(good(document)) == sent(good(PLAIN))


@given(_filmed())
def test_right_keys_are_right_for_the_schema_too_and_expand_to_themselves(document: dict[str, Any]) -> None:
    """Editors take what the runner takes, and the expanded storyboard has the same film."""
    board = good(document)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    again = read_storyboard(expanded(board, CATALOG).encode(), path="board.yaml", catalog=CATALOG).storyboard
    assert again is not None
    for shot, same in zip(board.shots, again.shots, strict=True):
        for name in (
            "film",
            "file",
            "hold",
            "transition",
            "volume",
            "trim",
            "at",
            "until",
            "loop",
            "fade",
            "track",
        ):
            assert getattr(shot, name) == getattr(same, name), name
    assert (again.film.mix, again.film.captions, again.film.ending) == (
        board.film.mix,
        board.film.captions,
        board.film.ending,
    )
    assert [(one.file, one.at, one.trim, one.text) for one in again.film.sounds] == [
        (one.file, one.at, one.trim, one.text) for one in board.film.sounds
    ]


@pytest.mark.parametrize(("key", "value"), WRONG, ids=repr)
def test_wrong_values_are_wrong_for_both(key: str, value: Any) -> None:
    """Runner and schema refuse what is of the wrong shape."""
    kind = next(kind for kind in ("audio", "video", "image") if key in BY_KIND[kind] or key == "until")
    kind = "image" if key in ("hold", "transition") else kind
    document = one(kind, **{key: value})
    assert read(document).storyboard is None
    assert list(VALIDATOR.iter_errors(document))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (one(hold=2), ("film-key", "shots[0] (s1) hold")),
        (one("image", trim=[1, 2]), ("film-key", "shots[0] (s1) trim")),
        (one("image", volume=3), ("film-key", "shots[0] (s1) volume")),
        (one(at=3), ("film-key", "shots[0] (s1) at")),
        (one("audio", transition={"fade": 1}), ("film-key", "shots[0] (s1) transition")),
        (one(trim=[4, 4]), ("film-range", "shots[0] (s1) trim")),
        (one("audio", at=5, until=5), ("film-range", "shots[0] (s1) until")),
        (one("audio", at={"shot": "s2"}), ("unknown-anchor", "shots[0] (s1) at.shot")),
        (one("audio", at={"shot": "s1"}), ("unknown-anchor", "shots[0] (s1) at.shot")),
        (one(volum=1), ("unknown-key", "shots[0] (s1)")),
        (one() | {"sound": [{"id": "S1", "file": "a.mp3"}]}, ("duplicate-id", "sound[0].id")),
        (one() | {"sound": [{"text": "a"}]}, ("missing-key", "sound[0]")),
        (one() | {"sound": [{"file": "https://x.org/a.mp3"}]}, ("own-file", "sound[0].file")),
        (one() | {"mix": {"duck": -1}}, ("range", "mix.duck")),
        (one() | {"ending": {}}, ("missing-key", "ending")),
        ({"shots": [{"id": "s1", "file": "a.png", "takes": 2}]}, ("own-file", "shots[0] (s1) takes")),
        ({"shots": [{"id": "s1", "file": "a.png", "prompt": "x"}]}, ("own-file", "shots[0] (s1) prompt")),
        ({"shots": [{"id": "s1", "file": "a.png", "trim": [1, 2]}]}, ("film-key", "shots[0] (s1) trim")),
    ],
    ids=str,
)
def test_each_fault_is_told_once_at_its_place(document: dict[str, Any], expected: tuple[str, str]) -> None:
    """One mistake, one problem, where it was written."""
    assert told(document) == [expected]


def test_keys_of_layers_that_a_shot_cannot_have_are_ignored() -> None:
    """Defaults are for all: a clip has no hold, a sound no transition, and neither is a problem."""
    layers = {"defaults": {"hold": 3, "volume": -3, "transition": {"dissolve": 0.5}, "film": True}}
    video, image, audio = good(PLAIN | layers).shots
    assert (video.hold, video.volume, video.transition) == (None, -3, {"dissolve": 0.5})
    assert (image.hold, image.volume, image.transition) == (3, None, {"dissolve": 0.5})
    assert (audio.hold, audio.volume, audio.transition) == (None, -3, None)


def test_a_place_that_names_no_shot_is_advice_with_the_nearest_one() -> None:
    """The storyboard is good, and a run of it isn't stopped."""
    document = PLAIN | {"sound": [{"file": "a.mp3", "at": {"shot": "s22"}}]}
    [problem] = read(document).problems
    assert problem.severity is Severity.ADVICE
    assert "did you mean 's2'?" in problem.message
    assert good(document).film.sounds[0].at == {"shot": "s22"}


def test_names_are_filled_in_into_files_texts_and_places() -> None:
    """With a matrix each voice goes with its own picture."""
    board = good(
        {
            "vars": {"art": "art"},
            "sound": [{"file": "${art}/music.mp3", "text": "$$5"}],
            "shots": [
                {"id": "card-${n}", "file": "${art}/${n}.png", "matrix": {"n": ["a", "b"]}},
                {
                    "id": "vo-${n}",
                    "model": MODELS["audio"],
                    "prompt": "${n}",
                    "at": {"shot": "card-${n}"},
                    "matrix": {"n": ["a", "b"]},
                },
            ],
        }
    )
    assert [shot.file for shot in board.shots] == ["art/a.png", "art/b.png", None, None]
    assert [shot.at for shot in board.shots[2:]] == [{"shot": "card-a"}, {"shot": "card-b"}]
    assert (board.film.sounds[0].file, board.film.sounds[0].text) == ("art/music.mp3", "$5")


def test_a_shot_from_a_file_is_referred_to_as_its_path_is() -> None:
    """Fingerprint and body of what refers to it are those of a reference to the path, with a frame too."""
    by_path = {**PLAIN, "shots": [{**PLAIN["shots"][0]}]}
    logo = {"id": "logo", "file": "logo.png"}
    by_shot = {**PLAIN, "shots": [logo, {**PLAIN["shots"][0], "references": [{"shot": "logo"}]}]}
    assert sent(good(by_shot)) == sent(good(by_path))
    [reference] = good(by_shot).shots[1].references
    assert isinstance(reference, FileReference)
    assert (reference.path, reference.shot) == ("logo.png", "logo")
    clip = {"id": "clip", "file": "clip.mp4"}
    frames = [
        sent(
            good(
                {
                    **PLAIN,
                    "shots": [clip, {**PLAIN["shots"][0], "references": [{"shot": "clip", "frame": frame}]}],
                }
            )
        )
        for frame in ("first", "last", 1)
    ]
    assert len({fingerprint for [(fingerprint, _)] in frames}) == 3


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"shot": "logo", "take": 1}, "own-file"),
        ({"shot": "logo", "frame": "last"}, "frame"),
        ({"shot": "song"}, "reference-kind"),
        ({"shot": "clip"}, "reference-kind"),
    ],
    ids=str,
)
def test_a_reference_to_a_file_must_fit_it(reference: dict[str, Any], expected: str) -> None:
    """A file has no takes; its kind is that of its name until it is looked at."""
    own = [{"id": name.partition(".")[0], "file": name} for name in ("logo.png", "song.mp3", "clip.mp4")]
    document = {"shots": [*own, {**PLAIN["shots"][0], "references": [reference]}]}
    assert [code for code, _ in told(document)] == [expected]


def test_tables_say_where_their_sounds_belong() -> None:
    """Speech is voice; what makes no sound says nothing."""
    tracks = {table.id: table.track for table in CATALOG.all() if table.track is not None}
    assert tracks == {
        "elevenlabs-dialogue-v3": "voice",
        "elevenlabs-multilingual-v2": "voice",
        "elevenlabs-sound-effect-v2": "effects",
        "elevenlabs-turbo-2-5": "voice",
    }
