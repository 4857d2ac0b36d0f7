"""Did you mean: the known word that a misspelt one most likely stands for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

_RATIO = re.compile(r"(\d+(?:\.\d+)?)\s*[:x/]\s*(\d+(?:\.\d+)?)")
_MEASURE = re.compile(r"(\d+(?:\.\d+)?)\s*[A-Za-z]{0,3}")
_NEAR_RATIO = 0.25  # natural logarithm: 16:10 is near 16:9, 21:9 is not
_BEGINS = 3  # letters: fewer begin too many words
_MOST_BEGUN = 3
_CUTOFF = 0.6  # of difflib's ratio: below it suggestions are guesses


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to ``word``, or None where none is near.

    Ratios are compared as ratios, never as letters: 16:10 suggests 16:9 and not 1:1. Numbers with a unit
    only suggest the same number (720 suggests 720p, 1080p doesn't suggest 480p).
    """
    candidates = list(dict.fromkeys(known))
    plain = _plain(word)
    for candidate in candidates:
        if candidate != word and _plain(candidate) == plain and plain:
            return candidate
    if (wanted := _RATIO.fullmatch(word)) is not None:
        return _nearest_ratio(wanted, candidates)
    if (measure := _MEASURE.fullmatch(word)) is not None:
        same = (found for found in candidates if _number_of(found) == float(measure[1]) and found != word)
        return next(same, None)
    return _nearest_spelling(word, candidates)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``, did you mean 'resolution'?`` to end a message with, or nothing.

    Where no word is near, those are meant that begin with it: ``grok`` the models of that family.
    """
    candidates = list(dict.fromkeys(known))
    found = suggest(word, candidates)
    near = [found] if found is not None else _begun(word, candidates)
    words = "' or '".join(near)
    return f", did you mean '{words}'?" if near else ""


def _begun(word: str, candidates: list[str]) -> list[str]:
    plain = _plain(word)
    if len(plain) < _BEGINS:
        return []
    return [one for one in candidates if one != word and _plain(one).startswith(plain)][:_MOST_BEGUN]


def _plain(word: str) -> str:
    """Without case and without what joins words, so that aspectRatio meets aspect_ratio."""
    return re.sub(r"[\s_-]", "", word).casefold()


def _number_of(word: str) -> float | None:
    measure = _MEASURE.fullmatch(word)
    return float(measure[1]) if measure is not None else None


def _log_of(ratio: re.Match[str]) -> float | None:
    """The logarithm of a ratio, so that 2:1 is as far from 1:1 as 1:2; None for one that is no number of use."""
    wide, high = float(ratio[1]), float(ratio[2])
    value = wide / high if high else 0.0
    return math.log(value) if 0 < value < math.inf else None


def _nearest_ratio(wanted: re.Match[str], candidates: list[str]) -> str | None:
    asked = _log_of(wanted)
    if asked is None:
        return None
    best: tuple[tuple[bool, bool, float], str] | None = None
    for candidate in candidates:
        ratio = _RATIO.fullmatch(candidate)
        log = _log_of(ratio) if ratio is not None else None
        if ratio is None or log is None:
            continue
        distance = abs(log - asked)
        turned = (log > 0) != (asked > 0) or (log < 0) != (asked < 0)
        # One side kept as it was written tells more than a slightly smaller distance: 16:10 is meant as 16:9.
        kept = wanted[1] == ratio[1] or wanted[2] == ratio[2]
        rank = (
            turned and distance > 1e-9,
            not (distance < 1e-9 or (kept and distance < _NEAR_RATIO)),
            distance,
        )
        if candidate != wanted[0] and (best is None or rank < best[0]):
            best = (rank, candidate)
    return best[1] if best is not None else None


def _nearest_spelling(word: str, candidates: list[str]) -> str | None:
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(_plain(word)[:64])
    best, best_score = None, _CUTOFF
    for candidate in candidates:
        if candidate == word:
            continue
        matcher.set_seq1(_plain(candidate))
        if matcher.real_quick_ratio() < best_score or matcher.quick_ratio() < best_score:
            continue
        score = matcher.ratio()
        if score > best_score or (best is None and score == best_score):
            best, best_score = candidate, score
    return best
