"""Git, asked for what it knows: of a repository, its revisions, and what lay in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE, TimeoutExpired, run

from rivya_run.errors import UsageError
from rivya_run.text import visible

GIT_WITHIN = 60.0  # seconds; far more than git needs for what it is asked here, so that a hung one ends


def git(
    folder: Path, *arguments: str, typed: bytes | None = None, environment: Mapping[str, str] | None = None
) -> bytes | None:
    """What git prints, or None where it fails. Raises UsageError without git, or where it hangs."""
    words = ["git", "-C", str(folder), *arguments]
    stdin = None if typed is not None else DEVNULL
    try:
        done = run(
            words,
            input=typed,
            stdin=stdin,
            stdout=PIPE,
            stderr=DEVNULL,
            timeout=GIT_WITHIN,
            check=False,
            env=environment,
        )
    except OSError as error:
        raise UsageError("this needs git, which can't be started", hint=str(error.strerror)) from error
    except TimeoutExpired as error:
        raise UsageError(f"git {arguments[0]} did not end within {GIT_WITHIN:g} s") from error
    return done.stdout if done.returncode == 0 else None


def repository(folder: Path) -> Path:
    """The top of the working tree that a folder is in. Raises UsageError where it is in none."""
    top = git(folder, "rev-parse", "--show-toplevel") if folder.is_dir() else None
    if not top or not top.strip():
        raise UsageError(f"'{visible(str(folder))}' is not in a git repository", hint="git init makes one")
    return Path(top.decode("utf-8", "surrogateescape").removesuffix("\n"))


def commit_of(folder: Path, revision: str) -> str:
    """The commit that a revision names. Raises UsageError where it names none."""
    found = None
    if revision and not revision.startswith("-"):
        found = git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if found is None:
        raise UsageError(f"git knows no revision {visible(revision)} in {visible(str(folder))}")
    return found.decode().strip()
