"""Git repositories for tests: a server on disk, clones of it, and rivya-run in them, as people would type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation import KEY

SETTINGS = {
    "user.name": "Ann",
    "user.email": "ann@example.org",
    "init.defaultBranch": "main",
    "commit.gpgsign": "false",
    "merge.conflictStyle": "merge",
}


def environment(home: Path, base_url: str = "", key: str = KEY) -> dict[str, str]:
    """The environment of somebody with this home: no settings of the machine's, and this rivya-run in the PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RIVYA_", "GIT_"))}
    bin_folder = Path(sys.executable).parent
    home.mkdir(exist_ok=True)
    config = "".join(
        f"[{name.split('.')[0]}]\n{name.split('.')[1]} = {value}\n" for name, value in SETTINGS.items()
    )
    (home / ".gitconfig").write_text(config, encoding="utf-8")
    more = {"RIVYA_API_KEY": key, "RIVYA_BASE_URL": base_url, "RIVYA_RUN_POLL_INTERVAL": "0.02"}
    return {
        **kept,
        "PATH": f"{bin_folder}{os.pathsep}{kept['PATH']}",
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        **(more if base_url else {}),
    }


@dataclass(frozen=True)
class Clone:
    """A working tree of somebody's. ``base_url`` is where they make clips, with this key."""

    root: Path
    base_url: str = ""
    key: str = KEY

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """A command in it, which must end with that code."""
        done = subprocess.run(
            words,
            cwd=self.root,
            env=environment(self.root.parent / "home", self.base_url, self.key),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done

    def git(self, *words: str, code: int = 0) -> str:
        """What git says, on both streams."""
        done = self.run("git", *words, code=code)
        return done.stdout + done.stderr

    def rivya(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """``rivya-run`` with these words."""
        return self.run("rivya-run", *words, code=code)

    def write(self, text: str, name: str = "storyboard.yaml") -> None:
        """Write a file, a storyboard most likely."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")

    def commit(self, why: str = "work") -> None:
        """Commit everything that isn't ignored."""
        self.git("add", "-A")
        self.git("commit", "-qm", why)

    def clone(self, name: str, key: str = KEY) -> Clone:
        """A clone of this one beside it, set up, on a branch of that name."""
        root = self.root.with_name(name)
        self.git("clone", "-q", str(self.root), str(root))
        found = Clone(root, self.base_url, key)
        found.rivya("init", "--git")
        found.git("checkout", "-qb", name)
        return found

    def manifest_file(self, board: str = "film") -> Path:
        """The manifest of a storyboard."""
        return self.root / "outputs" / board / "manifest.json"

    def manifest(self, board: str = "film") -> Any:
        """The same, read."""
        return json.loads(self.manifest_file(board).read_bytes())

    def plan(self, storyboard: str = "storyboard.yaml") -> dict[str, str]:
        """``shot/take`` -> what a run would do."""
        found = json.loads(self.rivya("plan", storyboard, "--json").stdout)
        return {f"{step['shot']}/{step['take']}": step["action"] for step in found["steps"]}


def repository(root: Path, base_url: str = "") -> Clone:
    """A repository with a project in it: set up, and with one commit."""
    root.mkdir(parents=True)
    (root / "outputs").mkdir()
    (root / "outputs" / ".gitkeep").write_bytes(b"")
    found = Clone(root, base_url)
    found.git("init", "-q")
    found.rivya("init", "--git")
    found.commit("set up")
    return found
