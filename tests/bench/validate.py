"""Checking storyboards: start-up for a small one, throughput for a large one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, in_turn, milliseconds, program, take
from bench.storyboards import large, small


def figures(folder: Path) -> Iterator[Figure]:
    """3 shots beside an empty program; 10,000 beside check-jsonschema with the very same schema."""
    three = small(folder / "three.yaml")
    ratio, pairs = in_turn(
        [program("rivya-run"), "validate", three], [sys.executable, "-c", "pass"], folder=folder, times=21
    )
    yield Figure("validate of 3 shots / python -c pass", ratio, 14, note=milliseconds(pairs))
    many = large(folder / "many.yaml", 10_000)
    schema = folder / "schemas" / "storyboard.schema.json"
    schema.parent.mkdir()
    take([program("rivya-run"), "schema", "--write"], folder=folder)
    ratio, pairs = in_turn(
        [program("rivya-run"), "validate", many],
        [program("check-jsonschema"), "--schemafile", schema, many],
        folder=folder,
        times=3,
    )
    yield Figure("validate of 10,000 shots / check-jsonschema", ratio, 0.15, note=milliseconds(pairs))
