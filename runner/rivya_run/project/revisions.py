"""A git revision as a folder: storyboards, what they name, and manifests as they were, without a checkout."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from rivya_run.errors import RivyaError
from rivya_run.project.git import git
from rivya_run.project.open import ENDINGS, has_shots, reference_paths
from rivya_run.project.places import MANIFEST, OUTPUTS


@contextmanager
def tree_of(top: Path, commit: str) -> Iterator[Path]:
    """The files of a commit in a folder of their own, for the block; of results only the manifests.

    Made with an index of its own, so that neither the working tree nor what is staged is touched.
    Raises RivyaError where git can't write them.
    """
    with TemporaryDirectory(prefix="rivya-run-") as name:
        # A project root is looked for upwards, and ends where there is a .git.
        tree = Path(name).resolve() / "tree"
        (tree / ".git").mkdir(parents=True)
        apart = {**os.environ, "GIT_INDEX_FILE": str(tree.parent / "index")}
        read = git(top, "read-tree", commit, environment=apart)
        names = git(top, "ls-files", "-z", environment=apart) if read is not None else None
        wanted = [one for one in (names or b"").split(b"\0") if one and _is_wanted(os.fsdecode(one))]
        write = ("checkout-index", "-z", "--stdin", f"--prefix={tree}/")
        typed = b"".join(one + b"\0" for one in wanted)
        if names is None or git(top, *write, typed=typed, environment=apart) is None:
            raise RivyaError(f"git can't write the files of {commit[:12]}; 'git fsck' may tell why")
        yield tree


def _is_wanted(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return OUTPUTS not in parts[:-1] or parts[-1] in (MANIFEST, ".gitkeep")


def storyboards_of(top: Path, tree: Path) -> list[str]:
    """The storyboards in a tree, or in the working tree, by their paths from its top."""
    if tree == top:
        listed = git(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard") or b""
        names = [os.fsdecode(one) for one in listed.split(b"\0") if one]
    else:
        names = [path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()]
    found = [name for name in names if name.lower().endswith(ENDINGS) and OUTPUTS not in name.split("/")]
    return sorted(name for name in found if (tree / name).is_file() and has_shots(tree / name))


def fill_in(top: Path, tree: Path, storyboard: str) -> None:
    """Put what a storyboard names and git doesn't have into its tree, as it is now in the working tree."""
    with suppress(RivyaError, OSError):
        for path in reference_paths(tree / storyboard):
            inside = Path(os.path.normpath(path))
            there = top / inside.relative_to(tree) if inside.is_relative_to(tree) else None
            if there is not None and not inside.exists() and there.is_file():
                inside.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(there, inside)
