"""Two hundred clips that nothing is wrong with, of twenty kinds that look as if something were: no false alarm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clip_kinds import ENCODINGS, GOOD, Encoding, Moving, length_of, write
from rivya_run.media.measuring import look_into

SEEDS = range(len(ENCODINGS))


@pytest.mark.parametrize("seed", SEEDS, ids=[encoding.name for encoding in ENCODINGS])
@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
def test_a_good_clip_passes_all_checks(tmp_path: Path, kind: Callable[[int], Moving], seed: int) -> None:
    """Grain, slow pans, dark scenes, people who hardly move, fades, slates, moments: encoded well and less well."""
    encoding: Encoding = ENCODINGS[seed]
    clip = write(tmp_path / f"clip_{encoding.name}", kind(seed), encoding, length_of(kind, seed))
    look = look_into(clip, {"duration": length_of(kind, seed)})
    assert look.doubt is None
    assert look.media is not None and look.media["checks"] == []


def test_they_are_two_hundred() -> None:
    """Of kinds and encodings that are all different."""
    assert len({*GOOD}) * len({encoding.name for encoding in ENCODINGS}) == 200
