"""Reference files as they are found."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from rivya_run.project.files import look_at
from rivya_run.project.places import project_root
from rivya_run.storyboard.model import FileFacts, FileTrouble

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
posix = pytest.mark.skipif(os.name == "nt", reason="links, pipes and modes of POSIX")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "home" / "project" / "specs" / "refs").mkdir(parents=True)
    (tmp_path / "home" / "project" / "specs" / "refs" / "a.png").write_bytes(PNG)
    (tmp_path / "home" / "secret.png").write_bytes(PNG)
    return tmp_path / "home" / "project"


def trouble(path: str, project: Path, *, allow_outside: bool = False) -> str:
    found = look_at(path, folder=project / "specs", root=project, allow_outside=allow_outside)
    assert isinstance(found, FileTrouble)
    assert found.path == path
    return found.code


def test_facts(project: Path) -> None:
    """A good file: its real place, sha256, size, time and type."""
    found = look_at("refs/a.png", folder=project / "specs", root=project)
    file = project / "specs" / "refs" / "a.png"
    stat = file.stat()
    assert found == FileFacts(
        str(file.resolve()),
        hashlib.sha256(PNG).hexdigest(),
        len(PNG),
        stat.st_mtime_ns,
        "image",
        "image/png",
    )
    assert look_at("refs\\a.png", folder=project / "specs", root=project) == found
    assert look_at(str(file), folder=project / "specs", root=project) == found


def test_missing(project: Path) -> None:
    """A file that isn't there is told with its neighbour."""
    found = look_at("refs/b.png", folder=project / "specs", root=project)
    assert isinstance(found, FileTrouble)
    assert (found.code, found.message) == (
        "missing-file",
        "there is no file 'refs/b.png', did you mean 'refs/a.png'?",
    )
    assert trouble("nowhere/b.png", project) == "missing-file"
    assert trouble("refs/a.png/b.png", project) == "missing-file"


def test_outside(project: Path) -> None:
    """A file outside the project is trouble, there or not, unless that is allowed."""
    assert trouble("../../secret.png", project) == "outside"
    assert trouble("../../none.png", project) == "outside"
    assert trouble(str(project.parent / "secret.png"), project) == "outside"
    found = look_at("../../secret.png", folder=project / "specs", root=project, allow_outside=True)
    assert isinstance(found, FileFacts)


@posix
def test_links(project: Path) -> None:
    """A link is what it leads to: fine inside the project, trouble outside or in a circle."""
    refs = project / "specs" / "refs"
    (refs / "in.png").symlink_to("a.png")
    (refs / "out.png").symlink_to(project.parent / "secret.png")
    (refs / "loop.png").symlink_to("loop.png")
    (refs / "gone.png").symlink_to("nothing.png")
    found = look_at("refs/in.png", folder=project / "specs", root=project)
    assert isinstance(found, FileFacts)
    assert found.path == str((refs / "a.png").resolve())
    assert trouble("refs/out.png", project) == "outside"
    assert trouble("refs/loop.png", project) == "unreadable"
    assert trouble("refs/gone.png", project) == "missing-file"


def test_not_a_file(project: Path) -> None:
    """A folder is no file."""
    assert trouble("refs", project) == "not-a-file"
    assert trouble(".", project) == "not-a-file"


@posix
def test_pipes_and_devices_do_not_hang(project: Path) -> None:
    """Nothing waits for somebody to write into a pipe, or reads a device."""
    os.mkfifo(project / "specs" / "pipe.png")
    assert trouble("pipe.png", project) == "not-a-file"
    assert trouble("/dev/zero", project, allow_outside=True) == "not-a-file"


def test_odd_names(project: Path) -> None:
    """Names that no file can have are told, not raised."""
    assert trouble("a\0b.png", project) == "unreadable"
    assert trouble("x" * 5000, project) in {"unreadable", "missing-file"}
    assert trouble("\ud800.png", project) in {"unreadable", "missing-file"}


def test_empty(project: Path) -> None:
    """An empty file is no reference."""
    (project / "specs" / "e.png").touch()
    assert trouble("e.png", project) == "empty-file"


def test_type_by_signature(project: Path) -> None:
    """A shell script is no image, whatever it is called."""
    (project / "specs" / "s.png").write_bytes(b"#!/bin/sh\nrm -rf /\n")
    found = look_at("s.png", folder=project / "specs", root=project)
    assert isinstance(found, FileFacts)
    assert (found.kind, found.mime_type) == (None, None)
    (project / "specs" / "really-a-jpeg.png").write_bytes(b"\xff\xd8\xff\xe0" + b"\0" * 20)
    found = look_at("really-a-jpeg.png", folder=project / "specs", root=project)
    assert isinstance(found, FileFacts)
    assert found.mime_type == "image/jpeg"


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_unreadable(project: Path) -> None:
    """A file that may not be read is told."""
    file = project / "specs" / "refs" / "a.png"
    file.chmod(0)
    assert trouble("refs/a.png", project) == "unreadable"


def test_project_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest folder upwards with .git or outputs/, not past the home folder; else the file's own."""
    home = tmp_path / "home"
    specs = home / "project" / "specs"
    specs.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    board = specs / "a.yaml"
    assert project_root(board) == specs
    (tmp_path / ".git").mkdir()
    assert project_root(board) == specs
    (home / ".git").mkdir()
    assert project_root(board) == home
    (home / "project" / "outputs").mkdir()
    assert project_root(board) == home / "project"
    (specs / ".git").write_text("gitdir: elsewhere\n")
    assert project_root(board) == specs
    monkeypatch.chdir(specs)
    assert project_root(Path("a.yaml")) == specs
    assert project_root(Path("../b.yaml")) == home / "project"


@pytest.mark.parametrize("written", ["NFC", "NFD"])
@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
def test_letters_in_unicode_s_other_form(
    project: Path, written: Literal["NFC", "NFD"], on_disk: Literal["NFC", "NFD"]
) -> None:
    """What a Mac's archive takes apart and a person writes as one is the same name, folders included."""
    file = (
        project
        / "specs"
        / unicodedata.normalize(on_disk, "Entwürfe")
        / unicodedata.normalize(on_disk, "café.png")
    )
    file.parent.mkdir()
    file.write_bytes(PNG)
    name = unicodedata.normalize(written, "Entwürfe/café.png")
    found = look_at(name, folder=project / "specs", root=project)
    assert isinstance(found, FileFacts) and Path(found.path).samefile(file)
    assert trouble(unicodedata.normalize(written, "Entwürfe/tée.png"), project) == "missing-file"


@pytest.mark.parametrize("written", ["refs\table.png", "refs\new.png", "C:\\Users\0.png", "refs\a.png"])
def test_a_backslash_in_double_quotes(project: Path, written: str) -> None:
    """What YAML made of it is told as what it is: no letter of the name that is shown is missing."""
    found = look_at(written, folder=project / "specs", root=project)
    assert isinstance(found, FileTrouble) and "in double quotes a backslash" in found.message
