"""Storyboards of any size, alike for every program that is measured."""

from __future__ import annotations

from pathlib import Path

SMALL = """\
defaults: {params: {resolution: 720p, aspect_ratio: 16:9}}
shots:
  - id: sh010
    prompt: Slow push-in on a matte-black espresso machine, steam rising
  - id: sh020
    prompt: The camera orbits the machine
    params: {duration: 10, mode: fun}
  - id: sh030
    prompt: Pack shot on marble
"""

SHOT = """\
  - id: sh{number:06d}
    scene: scene{scene}
    prompt: >-
      Shot {number}: the camera moves slowly past a row of houses in soft evening light, a person walks along
      the street with an umbrella, leaves are drifting down, and far away a train crosses the bridge
    tags: [exterior, evening]
    params: {{duration: {duration}, resolution: 720p, aspect_ratio: 16:9}}
"""


def small(path: Path) -> Path:
    """Three shots, as one starts with."""
    path.write_text(SMALL, encoding="utf-8")
    return path


def large(path: Path, shots: int) -> Path:
    """So many shots with long prompts and params; about 380 bytes each."""
    with path.open("w", encoding="utf-8") as file:
        file.write("shots:\n")
        for number in range(shots):
            file.write(SHOT.format(number=number, scene=number // 25, duration=duration_of(number)))
    return path


def duration_of(number: int) -> int:
    """A clip's seconds as params take them, 6 to 30, spread evenly and in no order."""
    return 6 + number * 7 % 25
