"""The time to the first letter of help."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, in_turn, milliseconds, program

HELLO = """\
import click
from click_default_group import DefaultGroup


@click.group(cls=DefaultGroup, default="hello")
def app():
    "Say hello."


@app.command()
@click.argument("name")
def hello(name):
    "Say hello to NAME."
    click.echo(f"Hello {name}")


app()
"""


def figures(folder: Path) -> Iterator[Figure]:
    """``--help`` beside the smallest click program with a default command, same interpreter."""
    hello = folder / "hello.py"
    hello.write_text(HELLO, encoding="utf-8")
    ratio, pairs = in_turn(
        [program("rivya-run"), "--help"], [sys.executable, hello, "--help"], folder=folder, times=21
    )
    yield Figure("--help / a click hello program", ratio, 1.4, note=milliseconds(pairs))
