"""``{fit: SHOT, pad: S}`` as the value of a parameter: where it may stand, what it may name, what is said of it."""

from __future__ import annotations

import re

import pytest

from rivya_run.errors import Severity
from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.expand import expanded
from rivya_run.storyboard.fits import judge_fits
from rivya_run.storyboard.model import FileFacts, FileTrouble, Fit, Storyboard
from rivya_run.storyboard.reader import Reading, read_storyboard
from rivya_run.storyboard.sources import Sources
from rivya_run.yaml12.source import SourceText

CATALOG = load_catalog()
VOICE = "  - {id: vo010, model: elevenlabs-turbo-2-5, prompt: Did you hear that}\n"


def read(shots: str, top: str = "") -> Reading:
    return read_storyboard(f"{top}shots:\n{shots}".encode(), path="board.yaml", catalog=CATALOG)


def clip(params: str, more: str = "", name: str = "a") -> str:
    return f"  - {{id: {name}, prompt: x, params: {params}{more}}}\n"


def board(shots: str, top: str = "") -> Storyboard:
    reading = read(shots, top)
    assert reading.storyboard is not None, reading.problems
    return reading.storyboard


def said(shots: str, top: str = "") -> list[str]:
    """Each problem, with the word of the text that it is about."""
    found = []
    for problem in read(shots, top).problems:
        rest = (problem.source or "")[problem.column - 1 :]
        found.append(f"<{re.split('[:,}]', rest)[0]}> {problem.message}")
    return found


def test_it_is_carried_apart_from_what_is_sent() -> None:
    """A number and a select of numbers take it; what else is written or the table's default stays."""
    shots = clip("{duration: {fit: vo010, pad: 0.5}, mode: fun}") + clip(
        "{duration: {fit: vo010}}", ", model: kling-2-6", "b"
    )
    first, second, _ = board(shots + VOICE).shots
    assert first.fits == {"duration": Fit("vo010", 0.5, 2, 49, "shots[0] (a) params.duration.fit")}
    assert first.params == {"mode": "fun", "resolution": "480p", "aspect_ratio": "2:3"}
    assert (second.fits["duration"].pad, "duration" in second.params) == (0.0, False)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("{duration: {fit: vo011}}", "<vo011> unknown sound 'vo011', did you mean 'vo010'?"),
        ("{duration: {fit: b}}", "<b> 'b' is a video, not a sound"),
        ("{duration: {fit: a}}", "<a> 'a' refers to itself"),
        ("{duration: {fit: a b}}", "<a b> 'a b' is no id of a shot or sound"),
        ("{duration: {fit: '${c}'}}", "<${c> unknown name 'c' in '${c}'"),
        ("{duration: {fit: vo010, pad: -1}}", "<-1> -1 is less than the minimum 0"),
        ("{duration: {fit: vo010, pad: x}}", "<x> text where a number is needed"),
        ("{duration: {fit: vo010, pda: 1}}", "<pda> unknown key 'pda', did you mean 'pad'?"),
        ("{duration: {fti: vo010}}", "<fti> unknown key 'fti', did you mean 'fit'?"),
        ("{duration: {pad: 1}}", "<{pad> a mapping where a number is needed"),
        ("{duration: [{fit: vo010}]}", "<[{fit> a list where a number is needed"),
        ("{mode: {fit: vo010}}", "<fit> a length fits numbers; 'mode' of grok-imagine-video is select there"),
        ("{speed: {fit: vo010}}", "<speed> unknown key 'speed'"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(params: str, message: str) -> None:
    """One problem, with line and column."""
    assert said(clip(params) + clip("{}", name="b") + VOICE) == [message]


def test_a_circle_over_lengths_is_one() -> None:
    """A length counts like a reference."""
    effect = "  - {{id: {}, model: elevenlabs-sound-effect-v2, prompt: x, params: {}}}\n"
    params = "{{duration_seconds: {{fit: {}}}}}"
    assert said(effect.format("a", params.format("b")) + effect.format("b", params.format("a"))) == [
        "<b> a circle of references: a -> b -> a"
    ]


def test_names_are_filled_in() -> None:
    """Those of vars and of the shot's matrix."""
    shots = (
        '  - {id: "a-${n}", prompt: x, matrix: {n: [1, 2]}, params: {duration: {fit: "${v}${n}", pad: 1}}}\n'
        "  - {id: vo1, model: elevenlabs-turbo-2-5, prompt: A}\n"
        "  - {id: vo2, model: elevenlabs-turbo-2-5, prompt: B}\n"
    )
    found = board(shots, "vars: {v: vo}\n").shots
    assert [shot.fits["duration"].shot for shot in found[:2]] == ["vo1", "vo2"]


@pytest.mark.parametrize("layer", ["defaults: {params: PARAMS}\n", "presets: {p: {params: PARAMS}}\n"])
def test_it_may_come_from_a_layer(layer: str) -> None:
    """Also where the layer names its sound by a name that is filled in."""
    top = "vars: {v: vo010}\n" + layer.replace("PARAMS", '{duration: {fit: "${v}"}}')
    shots = "  - {id: a, prompt: x, use: p}\n" if "presets" in layer else "  - {id: a, prompt: x}\n"
    assert board(shots + VOICE, top).shots[0].fits["duration"].shot == "vo010"


def test_what_is_wrong_in_a_layer_is_said_once() -> None:
    """However many shots lie on it."""
    top = "defaults: {params: {duration: {fit: vo010, pad: -1}}}\n"
    shots = "  - {id: a, prompt: x}\n  - {id: b, prompt: x}\n"
    assert said(shots + VOICE, top) == ["<-1> -1 is less than the minimum 0"]


def test_a_required_parameter_may_follow_a_sound() -> None:
    """It isn't missing, nor is its default sent."""
    assert said(clip("{duration: {fit: vo010}}", ", model: kling-3-0") + VOICE) == []


def test_files_of_one_s_own_are_named_by_their_path() -> None:
    """A shot that is a sound, and an entry of sound with an id."""
    top = "sound: [{id: music, file: m.mp3}]\n"
    shots = (
        clip("{duration: {fit: vo}}")
        + clip("{duration: {fit: music}}", name="b")
        + "  - {id: vo, file: v.wav}\n"
    )
    found = board(shots, top).shots
    assert [found[0].fits["duration"].file, found[1].fits["duration"].file] == ["v.wav", "m.mp3"]
    assert said(clip("{duration: {fit: vo}}") + "  - {id: vo, file: v.mp4}\n") == [
        "<vo> 'vo' is a video, not a sound"
    ]


def test_a_text_that_can_t_fit_is_advice() -> None:
    """At 25 characters a second; directions in brackets aren't said, the pad counts."""
    long = VOICE.replace("Did you hear that", "'" + "a" * 751 + " [sighs]'")
    [problem] = read(clip("{duration: {fit: vo010, pad: 0.5}}") + long).problems
    assert (problem.severity, problem.code) == (Severity.ADVICE, "fit-too-long")
    assert problem.message == (
        "vo010 will last at least 30.04 s and 0.5 s of pad; grok-imagine-video takes at most 30 for duration; "
        "this take will be blocked"
    )
    assert said(clip("{duration: {fit: vo010}}") + VOICE.replace("Did you hear that", "a" * 751)) == []
    assert said(clip("{duration: {fit: vo010}}") + VOICE.replace("Did you hear that", "a" * 752)) != []


def test_only_speech_is_as_long_as_its_text() -> None:
    """An effect lasts as long as it is asked to."""
    effect = VOICE.replace("elevenlabs-turbo-2-5", "elevenlabs-sound-effect-v2").replace("Did", "a" * 400)
    assert said(clip("{duration: {fit: vo010}}") + effect) == []


def test_it_survives_expansion() -> None:
    """``plan --expand`` writes it in its place among the parameters, and reads as the same."""
    shots = clip("{duration: {fit: vo010, pad: 0.5}, mode: fun}") + VOICE
    text = expanded(board(shots), CATALOG)
    assert "      mode: fun\n      duration: {fit: vo010, pad: 0.5}\n" in text
    again = read_storyboard(text.encode(), path="board.yaml", catalog=CATALOG).storyboard
    assert again is not None
    found = again.shots[0].fits["duration"]
    assert (found.shot, found.pad) == ("vo010", 0.5)


def test_what_its_file_is_decides() -> None:
    """One that isn't there, and one in which nothing is heard, are problems; one that is too long is advice."""
    storyboard = board(clip("{duration: {fit: vo}}") + "  - {id: vo, file: v.wav}\n")

    def judged(found: FileFacts | FileTrouble) -> list[tuple[str, Severity]]:
        problems = judge_fits(storyboard, CATALOG, {"v.wav": found}, Sources(SourceText("board.yaml", "")))
        return [(problem.code, problem.severity) for problem in problems]

    heard = FileFacts("/v.wav", "0" * 64, 9, 0, "audio", "audio/wav", 7.3)
    silent = FileFacts("/v.wav", "0" * 64, 9, 0, "image", "image/png")
    long = FileFacts("/v.wav", "0" * 64, 9, 0, "audio", "audio/wav", 31.0)
    assert judged(heard) == []
    assert judged(FileTrouble("v.wav", "missing-file", "not there")) == [("missing-file", Severity.ERROR)]
    assert judged(silent) == [("fit", Severity.ERROR)]
    assert judged(long) == [("fit-too-long", Severity.ADVICE)]


VERSIONS = "versions: {de: {vars: {l: de, said: Guten Morgen}}, en: {vars: {l: en, said: Good morning}}}\n"


@pytest.mark.parametrize(
    ("shots", "follows"),
    [
        (clip("{duration: {fit: vo010}}") + VOICE, {"a": "vo010"}),
        (
            clip("{duration: {fit: vo010}}") + VOICE.replace("Did you hear that", '"${said}"'),
            {"a-de": "vo010-de", "a-en": "vo010-en"},
        ),
        (
            clip("{duration: {fit: '${l}'}}") + VOICE.replace("vo010", "de") + VOICE.replace("vo010", "en"),
            {"a-de": "de", "a-en": "en"},
        ),
        (
            clip("{duration: {fit: vo010-en}}") + VOICE.replace("Did you hear that", '"${said}"'),
            {"a": "vo010-en"},
        ),
        (
            clip("{duration: {fit: vo}}") + "  - {id: vo, file: 'vo-${l}.wav'}\n",
            {"a-de": "vo-de", "a-en": "vo-en"},
        ),
        (clip("{duration: {fit: music}}"), {"a-de": "music", "a-en": "music"}),
    ],
)
def test_a_shot_varies_with_its_sound(shots: str, follows: dict[str, str]) -> None:
    """Where the sound's text, its file or the name that is written for it differs; else the versions share a clip."""
    found = board(shots, VERSIONS + "sound: [{id: music, file: 'music-${l}.wav'}]\n").shots
    assert {shot.id: shot.fits["duration"].shot for shot in found if shot.fits} == follows
    assert [shot.fits["duration"].file for shot in found if shot.fits and "music" in shots] == [
        f"music-{language}.wav" for language in ("de", "en") if "music" in shots
    ]


def test_a_sound_that_is_listed_for_another_version_is_made_where_a_clip_follows_it() -> None:
    """As a shot that others refer to is."""
    shots = clip("{duration: {fit: vo010}}") + VOICE.replace(
        "prompt: Did you hear that", "film: [de], prompt: '${said}'"
    )
    assert [shot.id for shot in board(shots, VERSIONS).shots] == ["a-de", "a-en", "vo010-de", "vo010-en"]
