"""What commands say on standard error: errors (what, where, what to do), advice and notes; never the API key.

And documents for other programs, on standard output.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from rivya_run.cli.options import DEBUG
from rivya_run.errors import Interrupted, RivyaError, StoryboardError, UsageError
from rivya_run.project.places import DEFAULT_FILE
from rivya_run.provider.origin import KEY_VARIABLE
from rivya_run.text import visible

if TYPE_CHECKING:
    from rivya_run.errors import Problem
    from rivya_run.project.plan import Prepared

_NO_CHOICE = re.compile(r"'(.*?)' is not one of")

_EXTRAS = {
    "starlette": "simulator",
    "uvicorn": "simulator",
    "multipart": "simulator",
    "python_multipart": "simulator",
    "jinja2": "report",
    "opentimelineio": "otio",
    "watchfiles": "watch",
    "mcp": "mcp",
    "psycopg": "cluster",
    "pgqueuer": "cluster",
}
"""Which extra of the distribution brings a library."""


@contextmanager
def cut_progress() -> Iterator[Callable[[str, float, float | None], None]]:
    """One line that says how far a cut is and how long it will take, where somebody looks at a terminal.

    Ctrl-C ends the cut at the next step also where FFmpeg, which calls back into Python, lost the exception.
    """
    from rivya_run.views.wording import span

    interrupted = False
    shown = sys.stderr.isatty()

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    def show(what: str, share: float, left: float | None) -> None:
        if interrupted:
            raise KeyboardInterrupt
        if shown:
            wait = f", {span(left)} left" if left is not None else ""
            click.echo(f"\r\x1b[K{what}: {share:.0%}{wait}", nl=False, err=True)

    before = signal.getsignal(signal.SIGINT)
    listening = before is signal.default_int_handler  # else somebody ignores it, or has plans of their own
    if listening:
        signal.signal(signal.SIGINT, stop)
    try:
        yield show
    except KeyboardInterrupt:
        say("\r\x1b[K" if shown else "", end="interrupted: no new cut was written\n")
        raise
    finally:
        if listening:
            signal.signal(signal.SIGINT, before)
        if shown:
            click.echo("\r\x1b[K", nl=False, err=True)


def show_failure(error: Exception) -> int:
    """Show what ended a command; its exit code."""
    if isinstance(error, ExceptionGroup):
        error = _worst_of(error)
    if isinstance(error, click.Abort):
        return Interrupted.exit_code
    if isinstance(error, click.ClickException):
        _show_usage(error)
        return error.exit_code
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _EXTRAS:
        error = missing_library(error, "this command")
    if isinstance(error, OSError) and error.filename is None:  # nothing but the streams is written unguarded
        error = RivyaError(f"the output can't be written: {error.strerror or error}")
    if isinstance(error, RivyaError):
        show_error(error)
        return error.exit_code
    _show_internal(error)
    return RivyaError.exit_code


def show_error(error: RivyaError) -> None:
    """Problems, if it holds any, then its message and hint."""
    if isinstance(error, StoryboardError) and error.problems:
        show_problems(error.problems)
    say(f"{_red('error:')} {visible(error.message, keep=chr(10))}")
    if error.hint:
        say(f"hint: {visible(error.hint, keep=chr(10))}")


_SEVERITY = re.compile(r"(?m)^(\S.*?:\d+:\d+: )(error|advice)(?=: )")
_CARET = re.compile(r"(?m)^( +)\^$")


def show_problems(problems: Iterable[Problem]) -> None:
    """Problems with their lines; on a terminal with colours, where they are and how grave stands out."""
    from rivya_run.storyboard.problems import as_text

    text = as_text(problems)
    if _colours():
        red, yellow = (click.style(word, fg=colour, bold=True) for word, colour in _GRAVE.items())
        text = _SEVERITY.sub(lambda one: one[1] + (red if one[2] == "error" else yellow), text)
        text = _CARET.sub(lambda one: one[1] + click.style("^", fg="green", bold=True), text)
    say(text, end="")


_GRAVE = {"error": "red", "advice": "yellow"}


def echo_json(document: object) -> None:
    """Print a document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def show_advice(one: Prepared) -> None:
    """Advice on a storyboard, and what is to be known of its folder."""
    if one.advice:
        show_problems(one.advice)
    if one.notice:
        say(f"note: {visible(one.notice)}")


def show_notices(notices: Iterable[str]) -> None:
    """Each notice once."""
    for notice in dict.fromkeys(notices):
        say(f"notice: {visible(notice)}")


def missing_library(error: ModuleNotFoundError, what: str, *, extra: str | None = None) -> RivyaError:
    """A library that only an extra brings, in words of what to install; ``extra`` where several bring it."""
    name = (error.name or "").partition(".")[0]
    if name not in _EXTRAS:
        raise error
    from rivya_run.extras import install_hint

    return UsageError(
        f"{what} needs {name}, which is not installed",
        hint=install_hint(extra or _EXTRAS[name]),
    )


def say(text: str, *, end: str = "\n") -> None:
    """Write on standard error, without the API key, and without failing where nobody listens any more."""
    try:
        click.echo(without_key(text) + end, err=True, nl=False)
    except (OSError, ValueError):
        return


def without_key(text: str) -> str:
    """The text without the API key, should anything have repeated it."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    return text.replace(key, "[API key]") if len(key) >= 8 else text


def _red(word: str) -> str:
    return click.style(word, fg="red", bold=True) if _colours() else word


def _colours() -> bool:
    """Whether standard error is a terminal that is to show colours (https://no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stderr is not None and sys.stderr.isatty()


def _show_usage(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if type(error).__name__ == "NoArgsIsHelpError":  # a name that click has since 8.2
        say(error.format_message())
        if context is not None and context.parent is None:
            _say_next()
        return
    if context is not None:
        say(context.get_usage())
        say(f"Try '{context.command_path} --help' for help.\n")
    say(f"{_red('error:')} {visible(error.format_message(), keep=chr(10))}{_meant(error)}")


def _meant(error: click.ClickException) -> str:
    """The choice that a value which is none most likely stands for."""
    kind = error.param.type if isinstance(error, click.BadParameter) and error.param is not None else None
    told = _NO_CHOICE.match(error.message)
    if told is None or not isinstance(kind, click.Choice):
        return ""
    from rivya_run.suggest import suggest

    found = suggest(told[1], map(str, kind.choices))
    return f" Did you mean '{found}'?" if found is not None else ""


def _say_next() -> None:
    """What can be typed where somebody typed nothing but the program's name."""
    if not Path(DEFAULT_FILE).is_file():
        return
    from rivya_run.project.plan import RunOptions
    from rivya_run.project.proposals import proposals_for
    from rivya_run.views.wording import next_lines

    for line in next_lines(proposals_for(Path(DEFAULT_FILE), RunOptions()).commands):
        say(line)


def _show_internal(error: Exception) -> None:
    """A bug: short, with what a report needs."""
    if os.environ.get(DEBUG):
        say("".join(traceback.format_exception(error)), end="")
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    words = visible(str(error))[:300]
    say(f"{_red('internal error:')} {type(error).__name__}{place}{': ' if words else ''}{words}")
    say(
        "This is a bug in rivya-run, not your mistake. What was paid for is on record: run the same command again."
    )
    say(f"Please report it with the line above; {DEBUG}=1 shows the whole traceback.")


def _worst_of(group: ExceptionGroup[Exception]) -> Exception:
    """Of several errors that ended a command together the one to show: a bug before anything else."""
    worst: Exception = group.subgroup(lambda leaf: not isinstance(leaf, RivyaError | ExceptionGroup)) or group
    while isinstance(worst, ExceptionGroup):
        worst = worst.exceptions[0]
    return worst
