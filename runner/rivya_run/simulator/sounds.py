"""What is heard of a simulated result: speech with words and pauses, an effect, music, the sound of a scene.

Samples are put together from short pieces (one period of a voice or a chord, some noise), each at a level of its own.
Everything is drawn from the sound's seed: the same sound gives the same samples again.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable, Track

SoundKind: TypeAlias = Literal["speech", "effect", "music", "scene"]
Samples: TypeAlias = "array[int]"

_KINDS: Final[Mapping[Track, SoundKind]] = {"voice": "speech", "music": "music", "effects": "effect"}
CHARACTERS_A_SECOND: Final = 15
_MOST_SPOKEN: Final = 600.0  # seconds; no prompt that a table allows takes longer
_PEAK: Final = 9000
"""-11 dB: nobody is startled, and a mix has room."""

_DIRECTIONS: Final = re.compile(r"\[[^\]]*\]")
_WORD: Final = re.compile(r"([^\s,;:.!?…、，；：。！？]+)([\s,;:.!?…、，；：。！？]*)")
_ENDS: Final = frozenset(".!?…。！？\n")
_ON: Final = frozenset(("true", "on", "yes", "origin"))
"""``origin`` keeps the sound of the clip that was sent."""


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """Something said, without stage directions. Equal names are equal voices."""

    voice: str
    text: str


@dataclass(frozen=True, slots=True)
class SimulatedSound:
    """What is heard: speech says ``lines``. Equal seeds of one kind sound alike."""

    kind: SoundKind
    seed: str = ""
    lines: tuple[SpokenLine, ...] = ()

    def samples(self, total: int, rate: int) -> Iterator[Samples]:
        """``total`` samples of 16 bits, ``rate`` a second, in pieces; none of them loud."""
        pieces = {"speech": _speech, "effect": _effect, "music": _music, "scene": _scene}[self.kind]
        left = total
        for piece in pieces(self, total, rate):
            if left <= 0:
                return
            yield piece[:left]
            left -= len(piece)
        if left > 0:
            yield _silence(left)


def sound_kind(table: ModelTable, params: Mapping[str, Json]) -> SoundKind | None:
    """What a result sounds like, from all params with their defaults; None for pictures and silent clips."""
    if table.category == "video":
        return "scene" if any(_asks_for_sound(key, value) for key, value in params.items()) else None
    if table.category != "audio":
        return None
    return _KINDS[table.track or "effects"]


def _asks_for_sound(key: str, value: Json) -> bool:
    return any(word in key.lower() for word in ("audio", "sound")) and str(value).lower() in _ON


def spoken_lines(params: Mapping[str, Json], prompt: str) -> tuple[SpokenLine, ...]:
    """What a model of speech says: the lines of its dialogue, or else the prompt."""
    voices = (value for key, value in params.items() if "voice" in key.lower() and isinstance(value, str))
    usual = next(voices, "")
    dialogue = params.get("dialogue")
    said = [item for item in dialogue if isinstance(item, dict)] if isinstance(dialogue, list) else []
    lines = [SpokenLine(str(item.get("voice") or usual), _spoken(str(item.get("text", "")))) for item in said]
    return tuple(line for line in lines if line.text) or (SpokenLine(usual, _spoken(prompt) or "hm"),)


def _spoken(text: str) -> str:
    words = " ".join(_DIRECTIONS.sub(" ", text).split())
    return words if _WORD.search(words) else ""


def speech_seconds(lines: Iterable[SpokenLine], params: Mapping[str, Json]) -> float:
    """How long it takes to say them, at the speed that the params ask for."""
    speed = params.get("speed")
    if not isinstance(speed, (int, float)) or not 0.25 <= speed <= 4:
        speed = 1
    return min(sum(len(line.text) for line in lines) / CHARACTERS_A_SECOND / speed, _MOST_SPOKEN)


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """The ending of a file's name, FFmpeg's encoder, samples a second, bits a second (None: as it comes)."""

    extension: str
    codec: str
    rate: int
    bit_rate: int | None = None


_CODECS: Final = {
    "mp3": ("mp3", "libmp3lame"),
    "opus": ("ogg", "libopus"),
    "flac": ("flac", "flac"),
    "ulaw": ("wav", "pcm_mulaw"),
    "alaw": ("wav", "pcm_alaw"),
}
_FORMAT: Final = re.compile(r"^([a-z]+\d?)(?:_(\d{4,6})(?:_(\d{1,3}))?)?$")
_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # what encoders take
USUAL_FORMAT: Final = SoundFormat("wav", "pcm_s16le", 24_000)
"""Where no param says another: enough for a voice."""


def sound_format(params: Mapping[str, Json]) -> SoundFormat:
    """What the params ask for (``mp3_44100_128``: rate and kilobits), else WAV."""
    asked = (value for key, value in params.items() if key.lower().replace("_", "") == "outputformat")
    found = _FORMAT.match(str(next(asked, "")).lower())
    if found is None:
        return USUAL_FORMAT
    extension, codec = _CODECS.get(found[1], ("wav", "pcm_s16le"))
    asked_rate = 48_000 if codec == "libopus" else int(found[2] or 44_100)
    rate = min(_RATES, key=lambda known: abs(known - asked_rate))
    return SoundFormat(extension, codec, rate, min(max(int(found[3]), 8), 256) * 1000 if found[3] else None)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _silence(samples: int) -> Samples:
    return array("h", bytes(2 * samples))


def _at_level(piece: Sequence[int], level: float) -> Samples:
    factor = int(level * 256)
    return array("h", [sample * factor >> 8 for sample in piece])


def _wave(partials: Iterable[tuple[float, float]], samples: int, rate: int, decay: float = 0.0) -> Samples:
    """The sum of sines (frequency, strength), fading to 1/e in 1/``decay`` seconds."""
    heard = [(math.tau * hertz / rate, strength) for hertz, strength in partials if hertz < rate / 2]
    summed = [
        math.exp(-decay * n / rate) * sum(strength * math.sin(turn * n) for turn, strength in heard)
        for n in range(samples)
    ]
    highest = max(map(abs, summed), default=0) or 1
    return array("h", [int(value * _PEAK / highest) for value in summed])


@lru_cache(maxsize=4)
def _noise(rate: int) -> Samples:
    """A second of white noise, always the same; what differs is where it is begun."""
    drawn = array("h", random.Random(rate).randbytes(2 * rate))
    return array("h", [sample * _PEAK >> 15 for sample in drawn])


@lru_cache(maxsize=8)
def _dull_noise(rate: int, smoothness: int) -> Samples:
    """The same through a low-pass filter."""
    return array(
        "h", itertools.accumulate(_noise(rate), lambda last, new: last + ((new - last) >> smoothness))
    )


# Speech: a voice is periods that a throat resonates to (the formants of a vowel), a word is syllables of them.

_VOWELS: Final[Mapping[str, tuple[int, int, int]]] = {  # formants in Hz, as in every table of phonetics
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
_STRENGTHS: Final = (1.0, 0.6, 0.3)
_SYLLABLE: Final = 3  # letters: five syllables a second, as people talk
_LETTER, _SPACE, _COMMA, _STOP = 2, 2, 5, 10  # shares of the time


class _Voice:
    """Says words, at a pitch between a low man's and a high woman's."""

    def __init__(self, name: str, seed: str, rate: int) -> None:
        high = _digest(name)[0] / 255
        take = _digest(seed)[0] / 255
        self._rate = rate
        self._pitch = 95 * 2 ** (high * 1.2) * (0.98 + 0.04 * take)
        longest = int(rate / self._pitch * 1.5)
        # Resonances of a shorter throat are higher.
        self._periods = {
            vowel: _wave(
                [(hertz * (1 + high / 6), s) for hertz, s in zip(formants, _STRENGTHS, strict=True)],
                longest,
                rate,
                decay=300,
            )
            for vowel, formants in _VOWELS.items()
        }
        self._noise = _noise(rate)
        self._random = random.Random(_digest(seed + name))

    def word(self, letters: str, samples: int, fall: float) -> Iterator[Samples]:
        """The word in exactly so many samples; ``fall`` is how far the sentence has come, from 0 to 1."""
        count = max(1, round(len(letters) / _SYLLABLE))
        for n in range(count):
            part = letters[n * len(letters) // count : (n + 1) * len(letters) // count]
            length = samples * (n + 1) // count - samples * n // count
            yield from self._syllable(part.lower(), length, 1 - fall / 5)

    def _syllable(self, letters: str, samples: int, height: float) -> Iterator[Samples]:
        """A short consonant, then a vowel that swells and fades."""
        hiss = min(samples // 4, self._rate // 60)
        start = self._random.randrange(self._rate // 2)
        yield _at_level(self._noise[start : start + hiss], 0.25)
        named = next((letter for letter in letters if letter in _VOWELS), "")
        period = self._periods[named or "aeiou"[sum(map(ord, letters)) % 5]]
        stress = self._random.uniform(0.7, 1)
        at = hiss
        while at < samples:
            passed = (at - hiss) / (samples - hiss)
            length = min(int(self._rate / self._pitch / height * (0.95 + 0.15 * passed)), samples - at)
            yield _at_level(period[:length], stress * min(1, 0.3 + 6 * passed) * (1 - passed) ** 0.7)
            at += length


def _speech(sound: SimulatedSound, total: int, rate: int) -> Iterator[Samples]:
    """Each word in its share of the time, silence for spaces, longer for commas, longest for stops."""
    said = [
        (line.voice, found[1], found[2] + ("\n" if found.end() == len(line.text) else ""))
        for line in sound.lines
        for found in _WORD.finditer(line.text)
    ]
    voices = {name: _Voice(name, sound.seed, rate) for name, _, _ in said}
    pauses = [_pause(after) for _, _, after in said]
    pauses[-1:] = [0] * bool(said)  # the last word ends it
    whole = sum(pauses) + sum(_LETTER * len(word) for _, word, _ in said)
    passed, begun, in_sentence = 0, 0, 0
    for (voice, word, after), pause in zip(said, pauses, strict=True):
        passed += _LETTER * len(word)
        end = total * passed // whole
        yield from voices[voice].word(word, end - begun, min(1, in_sentence / 12))
        passed += pause
        begun = total * passed // whole
        yield _silence(begun - end)
        in_sentence = 0 if _ENDS.intersection(after) else in_sentence + 1


def _pause(after: str) -> int:
    if _ENDS.intersection(after):
        return _STOP
    return _COMMA if after.strip() else _SPACE


# An effect: a whoosh of noise that gets brighter, passes and dies away.

_STEP: Final = 1 / 200  # seconds between two levels: too short to be heard as steps


def _effect(sound: SimulatedSound, total: int, rate: int) -> Iterator[Samples]:
    white, dull = _noise(rate), _dull_noise(rate, 4)
    drawn = _digest(sound.seed)
    start, peak = rate * drawn[0] // 256, 0.25 + drawn[1] / 255 / 3
    step = max(1, int(rate * _STEP))
    for at in range(0, total, step):
        passed = at / total
        level = passed / peak if passed < peak else ((1 - passed) / (1 - peak)) ** 2
        place = (start + at) % (rate - step)
        bright, low = int(200 * level * level), int(1000 * level)
        both = zip(white[place : place + step], dull[place : place + step], strict=True)
        yield array("h", [(one * bright + two * low) // 512 for one, two in both])


# Music: four chords in just intonation, so that one period of the lowest common tone is a whole chord.

_CHORDS: Final = ((1, (4, 5, 6, 8)), (3 / 2, (4, 5, 6, 8)), (5 / 3, (10, 12, 15, 20)), (4 / 3, (4, 5, 6, 8)))
"""Roots over the key, and the tones as multiples of what they have in common: I, V, vi, IV."""
_CHORD_SECONDS: Final = 2
_BEATS: Final = 4  # of a chord


def _music(sound: SimulatedSound, total: int, rate: int) -> Iterator[Samples]:
    key = 110 * 2 ** (_digest(sound.seed)[0] % 12 / 12)
    periods = []
    for root, tones in _CHORDS:
        samples = round(rate / (key * root / tones[0]))
        parts = [(tones[0] / 2, 1.0), *((2.0 * tone, 0.5) for tone in tones)]
        periods.append(_wave([(times * rate / samples, s) for times, s in parts], samples, rate))
    fading = min(rate, total // 4) or 1
    at = 0
    while at < total:
        period = periods[at // (rate * _CHORD_SECONDS) % len(periods)]
        beat = at / rate * _BEATS / _CHORD_SECONDS % 1
        ending = min(1, (total - at) / fading)
        yield _at_level(period, ending * math.exp(-1.5 * beat))
        at += len(period)


def _scene(sound: SimulatedSound, total: int, rate: int) -> Iterator[Samples]:
    """The air of a place, and a short tone where each second of the timecode begins."""
    second = array("h", [sample // 3 for sample in _dull_noise(rate, 5)])
    tone = 400 + 3 * _digest(sound.seed)[0]
    for n, sample in enumerate(_wave([(tone, 1.0)], rate // 12, rate, decay=50)):
        second[n] += sample // 2
    for _ in range(0, total, rate):
        yield second
