"""The answer to a rerun that has nothing to do, from a cache: nothing is parsed, imported or asked.

``.state`` in the output folder says what a finished run saw: the storyboard and the parameter tables by
content, reference files, outputs, journal and manifest by size and time. If all of that is as it was, the
answer is as it was. The file is derived: it may be deleted, and anything unexpected means "take the long way".
Only the standard library's cheapest modules are imported here (no pathlib, no dataclasses): a run loads this first.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys

from rivya_run import __version__

STATE = ".state"
TABLES = os.path.join(os.path.dirname(__file__), "tables")
_ID = re.compile(rb"""^id:[ \t]*["']?([A-Za-z0-9][A-Za-z0-9_-]{0,63})["']?[ \t]*(?:#.*)?\r?$""", re.MULTILINE)
_QUIET = {"--progress=none", "--progress=plain", "--progress=auto", "--simulate", "--yes"}


def answer(arguments: list[str], environment: dict[str, str]) -> str | None:
    """What a run with these arguments would print at its end, if it is known to have nothing to do; else None."""
    asked = _asked(arguments)
    if asked is None or any(name.startswith("RIVYA_RUN_") for name in environment):
        return None
    path, simulate = asked
    origin = "simulator" if simulate else environment.get("RIVYA_BASE_URL", "").strip() or "https://rivya.ai"
    try:
        with open(path, "rb") as file:
            content = file.read()
        folder = _output_folder(path, content, simulate)
        with open(os.path.join(folder, STATE), encoding="utf-8") as file:
            state = file.read()
        head, _, files = state.partition("\n")
        seal, version, made_with, storyboard, digest, tables, root, *message = head.split("\t")
        if (version, made_with, digest) != (__version__, origin, hashlib.sha256(content).hexdigest()):
            return None
        if seal != _seal(state[len(seal) :]) or storyboard != os.path.realpath(path):
            return None
        if tables != tables_digest(root) or not _unchanged(files, folder):
            return None
    except (OSError, ValueError):
        return None
    return message[0].encode("ascii").decode("unicode_escape")


def state_text(
    storyboard: str, digest: str, origin: str, root: str, message: str, files: list[str], folder: str
) -> str | None:
    """What ``.state`` is to say of a folder where everything is done; None where a file isn't there."""
    lines = []
    for path in files:
        facts = _facts(os.path.join(folder, path))
        if facts is None or "\n" in path:
            return None
        lines.append(f"{facts} {'@' if os.path.isabs(path) else '.'}{path}\n")
    kept = message.encode("unicode_escape").decode("ascii")
    head = "\t".join(
        ["", __version__, origin, os.path.realpath(storyboard), digest, tables_digest(root), root, kept]
    )
    text = f"{head}\n{''.join(lines)}"
    return _seal(text) + text


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


def _asked(arguments: list[str]) -> tuple[str, bool] | None:
    """The one storyboard and whether it is simulated; None for anything that isn't the plain command."""
    rest = arguments[1:] if arguments[:1] == ["run"] else arguments
    paths = [word for word in rest if not word.startswith("-")]
    options = {word for word in rest if word.startswith("-")}
    if len(paths) != 1 or options - _QUIET or not paths[0].endswith((".yaml", ".yml", ".json")):
        return None
    return paths[0], "--simulate" in options


def _output_folder(path: str, content: bytes, simulate: bool) -> str:
    """Where the results most likely are: what lies there says itself whose it is."""
    found = _ID.search(content)
    stem = os.path.splitext(os.path.basename(path))[0]
    name = (found[1].decode() if found else stem) + (".simulated" if simulate else "")
    folder = os.path.dirname(os.path.realpath(path))
    home = os.path.expanduser("~")
    while True:
        if os.path.isdir(os.path.join(folder, "outputs")) or os.path.exists(os.path.join(folder, ".git")):
            return os.path.join(folder, "outputs", name)
        parent = os.path.dirname(folder)
        if parent == folder or folder == home:
            return os.path.join(os.path.dirname(os.path.realpath(path)), "outputs", name)
        folder = parent


def _unchanged(files: str, folder: str) -> bool:
    """Whether every file has the size and time that it had."""
    stat = os.stat
    before = folder + os.sep
    for line in files.split("\n")[:-1]:
        size, time, path = line.split(" ", 2)
        facts = stat(path[1:] if path[0] == "@" else before + path[1:])
        if facts.st_size != int(size) or facts.st_mtime_ns != int(time):
            return False
    return True


def _facts(path: str) -> str | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return f"{facts.st_size} {facts.st_mtime_ns}"


def _seal(text: str) -> str:
    """A checksum, so that a half-written file is no answer."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main() -> None:
    """Answer and leave, or go the long way."""
    found = answer(sys.argv[1:], dict(os.environ))
    if found is not None:
        sys.stderr.write(found)
        sys.exit(0)
    from rivya_run.cli.app import main as long_way

    long_way()
