"""What a repository needs so that several people can work on one project: which results are kept, and how the
manifests of two branches are merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rivya_run.durable import write_atomically
from rivya_run.errors import RivyaError, UsageError
from rivya_run.project.git import git, repository
from rivya_run.project.places import DEBITS, MANIFEST, OUTPUTS, project_root
from rivya_run.text import visible

DRIVER = "rivya-run"
_CONFIG = {
    f"merge.{DRIVER}.name": "rivya-run manifests: the union of what was paid for",
    f"merge.{DRIVER}.driver": "rivya-run merge-manifest %O %A %B --path %P",
}
_ATTRIBUTE = f"{OUTPUTS}/*/{MANIFEST} merge={DRIVER}"
_ANY_MANIFEST = f"{OUTPUTS}/storyboard/{MANIFEST}"
_ANY_CLIP = f"{OUTPUTS}/storyboard/shot/clip.mp4"


def set_up(folder: Path, ignore: Sequence[str]) -> list[str]:
    """Set up the project that a folder is in; what was done, in words. Done twice, it changes nothing.

    ``ignore`` are lines for ``.gitignore``. Raises UsageError where there is no repository, RivyaError where a rule
    of its own keeps manifests out.
    """
    repository(folder)
    root = project_root(folder / "any.yaml")
    done = [_attributes(root), _ignored(root, ignore), *(_configured(root, *one) for one in _CONFIG.items())]
    rule = git(root, "check-ignore", "--no-index", "--verbose", _ANY_MANIFEST)
    source = rule.decode("utf-8", "replace").split("\t")[0] if rule else ""
    if source and not source.rpartition(":")[2].startswith("!"):
        raise RivyaError(
            f"git ignores the manifests, by {visible(source)}: others can't know what was paid for",
            hint="remove that rule; a folder that is ignored as a whole can't have exceptions",
        )
    return done


def _attributes(root: Path) -> str:
    told = git(root, "check-attr", "-z", "merge", "--", _ANY_MANIFEST) or b""
    return _added(
        root / ".gitattributes", [] if told.split(b"\0")[2:3] == [DRIVER.encode()] else [_ATTRIBUTE]
    )


def _ignored(root: Path, lines: Sequence[str]) -> str:
    """By what git does: a project may have rules of its own."""
    clips = git(root, "check-ignore", "--no-index", "--quiet", _ANY_CLIP) is not None
    manifests = git(root, "check-ignore", "--no-index", "--quiet", _ANY_MANIFEST) is not None
    needed = [] if clips and not manifests else [*lines]
    budgets = f"{OUTPUTS}/{DEBITS}"
    if not needed and git(root, "check-ignore", "--no-index", "--quiet", budgets) is None:
        needed.append(f"{budgets}*")
    return _added(root / ".gitignore", needed)


def _added(file: Path, lines: Sequence[str]) -> str:
    """Lines at the end of a file; what was there stays."""
    name = visible(str(file))
    if not lines:
        return f"{name}: nothing to add"
    file = file.resolve()
    try:
        before = file.read_bytes() if file.exists() else b""
    except OSError as error:
        raise UsageError(f"{name} can't be read: {error.strerror}") from error
    gap = b"\n" if before and not before.endswith(b"\n") else b""
    write_atomically(file, before + gap + "".join(f"{line}\n" for line in lines).encode())
    return f"{name}: added {', '.join(line for line in lines if not line.startswith('#'))}"


def _configured(root: Path, name: str, value: str) -> str:
    if (git(root, "config", "--local", "--get", name) or b"").decode("utf-8", "replace").strip() == value:
        return f"git config {name}: as it should be"
    if git(root, "config", "--local", name, value) is None:
        raise RivyaError(f"git config {name} can't be written in {visible(str(root))}")
    return f"git config {name}: {value}"
