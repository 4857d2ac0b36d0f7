"""What commands say on standard error: errors (what, where, what to do), advice and notes; never the API key.

And documents for other programs, on standard output.
"""

from __future__ import annotations

import json
import os
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
from rivya_run.provider.origin import KEY_VARIABLE
from rivya_run.text import visible

if TYPE_CHECKING:
    from rivya_run.project.plan import Prepared

_EXTRAS = {
    "starlette": "simulator",
    "uvicorn": "simulator",
    "multipart": "simulator",
    "python_multipart": "simulator",
    "jinja2": "report",
    "opentimelineio": "otio",
    "watchfiles": "watch",
    "mcp": "mcp",
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
        from rivya_run.storyboard.problems import as_text

        say(as_text(error.problems), end="")
    say(f"{_red('error:')} {visible(error.message, keep=chr(10))}")
    if error.hint:
        say(f"hint: {visible(error.hint, keep=chr(10))}")


def echo_json(document: object) -> None:
    """Print a document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def show_advice(one: Prepared) -> None:
    """Advice on a storyboard, and what is to be known of its folder."""
    if one.advice:
        from rivya_run.storyboard.problems import as_text

        say(as_text(one.advice), end="")
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
    return UsageError(
        f"{what} needs {name}, which is not installed",
        hint=f"pip install 'rivya-run[{extra or _EXTRAS[name]}]'",
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
    coloured = sys.stderr is not None and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return click.style(word, fg="red", bold=True) if coloured else word


def _show_usage(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if type(error).__name__ == "NoArgsIsHelpError":  # a name that click has since 8.2
        say(error.format_message())
        return
    if context is not None:
        say(context.get_usage())
        say(f"Try '{context.command_path} --help' for help.\n")
    say(f"{_red('error:')} {visible(error.format_message(), keep=chr(10))}")


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
