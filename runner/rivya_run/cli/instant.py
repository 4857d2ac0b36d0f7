"""The answer to a rerun that has nothing to do, from a cache: nothing is parsed, imported or asked.

``.state`` in the output folder says what a finished run saw: the storyboard and the parameter tables by
content, all other files that it reads, outputs, journal and manifest by size and time. If all of that is as it was,
the answer is as it was. The file is derived: it may be deleted, and anything unexpected means "take the long way".
Only the standard library's cheapest modules are imported here (no re, pathlib, json, dataclasses): every command
passes through.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping

from rivya_run import __version__
from rivya_run.project.places import DEFAULT_FILE, OUTPUTS, STATE, folder_name, likely_id, root_of

TABLES = os.path.join(os.path.dirname(os.path.dirname(__file__)), "tables")
GONE = "-"
"""What stands for the facts of a file that isn't there, and needn't be."""

_ENDINGS = (".yaml", ".yml", ".json")
_PROGRESS = ("auto", "plain", "none")


def answer(arguments: list[str], environment: Mapping[str, str]) -> str | None:
    """What a run with these arguments would print at its end, if it is known to have nothing to do; else None."""
    asked = _asked(arguments)
    if asked is None or any(name.startswith("RIVYA_RUN_") for name in environment):
        return None
    path, simulate, progress = asked
    origin = "simulator" if simulate else environment.get("RIVYA_BASE_URL", "").strip() or "https://rivya.ai"
    try:
        with open(path, "rb") as file:
            content = file.read()
        name = folder_name(likely_id(path, content), simulate=simulate)
        folder = os.path.join(root_of(path), OUTPUTS, name)  # what lies there says itself whose it is
        with open(os.path.join(folder, STATE), encoding="ascii") as file:
            state = file.read()
        seal, _, rest = state.partition("\t")
        if seal != _seal(rest):
            return None
        head, _, files = rest.partition("\n")
        known, tables, root, typed, advice, started, ended = (_plain(one) for one in head.split("\t"))
        if known != _known(path, hashlib.sha256(content).hexdigest(), origin, folder):
            return None
        if typed != path:  # what is told names it
            return None
        if tables != tables_digest(root) or not _unchanged(files, folder):
            return None
    except (OSError, ValueError):
        return None
    return advice + (started if progress else "") + ended


def state_text(
    storyboard: str,
    *,
    digest: str,
    tables: str,
    origin: str,
    root: str,
    folder: str,
    printed: tuple[str, str, str],
    files: Iterable[tuple[str, str]],
) -> str:
    """What ``.state`` is to say of a folder where everything is done.

    ``digest`` and ``tables`` are those of what was read. ``printed`` is what the long way prints: advice, progress,
    summary. ``files`` are (facts, path), a path in the folder relative to it; see ``facts_of``.
    """
    known = _known(storyboard, digest, origin, folder)
    head = "\t".join(_coded(one) for one in (known, tables, root, storyboard, *printed))
    lines = [f"{facts} {'@' if os.path.isabs(path) else '.'}{_coded(path)}\n" for facts, path in files]
    rest = f"{head}\n{''.join(lines)}"
    return f"{_seal(rest)}\t{rest}"


def facts_of(facts: os.stat_result, *, outside: bool) -> str:
    """A file by size and time; one outside the output folder, which the long way hashes, also by its change."""
    return f"{facts.st_size} {facts.st_mtime_ns}{f'/{facts.st_ctime_ns}' if outside else ''}"


def tables_digest(root: str) -> str:
    """sha256 over the parameter tables in force: the built-in ones and the project's."""
    digest = hashlib.sha256()
    for folder in (TABLES, os.path.join(root, "models")):
        try:
            names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
        except OSError:
            continue
        for name in names:
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    digest.update(b"%s\0%s\0" % (os.fsencode(name), file.read()))
            except OSError:  # a folder, or unreadable: the long way says so
                digest.update(b"%s\0?\0" % os.fsencode(name))
    return digest.hexdigest()


def _asked(arguments: list[str]) -> tuple[str, bool, bool] | None:
    """The one storyboard, whether it is simulated, whether progress is shown; None unless plainly asked."""
    paths: list[str] = []
    simulate, progress = False, True
    words = iter(arguments[1:] if arguments[:1] == ["run"] else arguments)
    for word in words:
        name, given, value = word.partition("=")
        if name in {"--progress", "--concurrency"}:
            value = value if given else next(words, "")
            if name == "--progress" and value in _PROGRESS:
                progress = value != "none"
            elif name == "--progress" or not (
                value.isdecimal() and value.isascii() and 1 <= int(value) <= 1000
            ):
                return None
        elif word == "--simulate":
            simulate = True
        elif word.startswith("-"):
            if word != "--yes":
                return None
        else:
            paths.append(word.removeprefix("./"))
    if not paths and arguments:
        paths.append(DEFAULT_FILE)
    if len(paths) != 1 or not paths[0].endswith(_ENDINGS) or "//" in paths[0] or "/./" in paths[0]:
        return None
    return paths[0], simulate, progress


def _known(path: str, digest: str, origin: str, folder: str) -> str:
    """Everything about a run that is one text or another."""
    return "|".join((__version__, digest, origin, folder, os.path.realpath(path)))


def _unchanged(files: str, folder: str) -> bool:
    """Whether every file has the size and time that it had."""
    stat = os.stat
    before = folder + os.sep
    for line in files.split("\n")[:-1]:
        known, _, path = line.partition(" .")
        if path and "@" not in known:
            path = before + (_plain(path) if "\\" in path else path)
        else:
            known, _, path = line.partition(" @")
            path = _plain(path)
        try:
            facts = stat(path)
        except FileNotFoundError:
            if known != GONE:
                return False
            continue
        now = f"{facts.st_size} {facts.st_mtime_ns}"
        if known != now and known != f"{now}/{facts.st_ctime_ns}":
            return False
    return True


def _coded(text: str) -> str:
    """Any text as letters that can stand in a line."""
    return text.encode("unicode_escape").decode("ascii")


def _plain(text: str) -> str:
    return text.encode("ascii").decode("unicode_escape")


def _seal(text: str) -> str:
    """A checksum, so that a half-written file is no answer."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
