"""Small copies of clips, stills and sounds, to look at and to send around: what a page holds that is mailed.

A copy is the film of one file: upright, in square pixels, at its rate, with its sound as loud as it is.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

from rivya_run.durable import replacing
from rivya_run.errors import RivyaError
from rivya_run.film.clips import footage_of
from rivya_run.film.cut import write_cut
from rivya_run.film.edit import edited
from rivya_run.film.loudness import write_sound
from rivya_run.film.script import Mix, PictureShot, Place, Script, SoundShot
from rivya_run.media.frames import poster
from rivya_run.media.types import Kind

SUFFIXES: Final[dict[Kind, tuple[str, str]]] = {
    "video": (".mp4", "video/mp4"),
    "audio": (".m4a", "audio/mp4"),
    "image": (".jpg", "image/jpeg"),
}
"""The ending and the MIME type of a copy."""

_LONGEST: Final = 640  # pixels of the longer side of a clip: enough to judge a film on a laptop
_STILL = (960, 75)  # pixels wide, JPEG quality
_FASTEST: Final = 30  # pictures a second: half of 60 are enough
_CENTI: Final = Fraction(100)  # of a second: how exactly the length of a sound is kept
_AS_IT_IS: Final = Mix(duck=0, loudness=None)


def write_proxy(file: Path, kind: Kind, to: Path, *, generated: bool) -> None:
    """Write a small copy of a file, whole or not at all. Raises RivyaError when it can't be read or written.

    That of a ``generated`` clip says so, as a cut does.
    """
    if kind == "image":
        content = poster(file, *_STILL)
        if content is None:
            raise RivyaError(f"{file.name} can't be read as a picture")
        with replacing(to, durable=False) as part:
            part.write_bytes(content)
        return
    found = footage_of(file, kind)
    if kind == "audio":
        # A sound needs pictures to be a film: a slate as long as it.
        slate = PictureShot(id="", footage=None, hold=found.seconds or Fraction(0))
        sound = SoundShot(id="", footage=found, at=Place())
        script = Script((slate, sound), mix=_AS_IT_IS, rate=_CENTI, slates=True)
        with replacing(to, durable=False) as part:
            write_sound(edited(script), part, lambda _: None, small=True)
        return
    scale = min(1.0, _LONGEST / max(found.size or (1, 1)))
    width, height = (max(2, round(side * scale / 2) * 2) for side in found.size or (2, 2))
    rate = found.rate
    while rate is not None and rate > _FASTEST:
        rate /= 2
    shot = PictureShot(id="", footage=found, generated=generated)
    script = Script((shot,), mix=_AS_IT_IS, rate=rate, size=(width, height))
    write_cut(edited(script), to, small=True)
