"""The key goes to the API and nowhere else; what people and servers wrote never moves a terminal's cursor."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import in_project
from fault_cases import board, misbehaving
from projects import Project, png
from rivya_run.progress import Event
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import KEY, hosted

SECRET = "rvya_sk_live_0123456789abcdef"


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Everything that any library logs, at its most talkative."""
    told = io.StringIO()
    listener = logging.StreamHandler(told)
    root = logging.getLogger()
    before = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    yield told
    root.removeHandler(listener)
    root.setLevel(before)


def everywhere(project: Project) -> bytes:
    """The content of every file of a project, hidden ones too."""
    return b"\n".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())


def test_the_key_is_in_no_file_log_event_or_output(
    tmp_path: Path, logs: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole run with uploads, retries, redirects and failures, and debug logging on."""
    monkeypatch.setattr("projects.KEY", SECRET)
    rules = (
        Rule("create-redirect", "*.s01.*", turns=(1,)),
        Rule("create-500", "*.s02.*", turns=(1,)),
        Rule("status-redirect", "*.s02.*", turns=(1,)),
        Rule("task-failed", "*.s03.*"),
        Rule("download-redirect", "*.s02.*", turns=(1,)),
        Rule("download-redirect-foreign", "*.s04.*", turns=(1,)),
        Rule("upload-503", turns=(1,)),
    )
    with misbehaving(tmp_path, *rules, key=SECRET) as project:
        project.reference("refs/pack.png", png("pack"))
        project.write(board(4).replace("prompt: Shot 2", "prompt: Shot 2, references: refs/pack.png"))
        result = project.run(timeout=20)
        assert result.exit_code == 1
        assert SECRET.encode() not in everywhere(project)
        assert SECRET not in logs.getvalue()
        assert "Using selector" in logs.getvalue(), "debug logging was not on"
        assert SECRET not in repr(project.events) + repr(result)
        fetched = project.simulator.traffic.of("results")
        assert fetched
        for request in fetched:
            assert "authorization" not in request.headers
            assert SECRET not in repr(request.raw_headers)
        asked = project.simulator.traffic.of("api")
        assert {request.headers.get("authorization") for request in asked} == {f"Bearer {SECRET}"}


def test_the_key_is_in_no_message_when_a_server_repeats_it(tmp_path: Path) -> None:
    """Refused keys, at whatever the server says: neither stdout nor stderr nor a traceback shows it."""
    with hosted(key="rvya_sk_another") as simulator:
        project = Project(tmp_path, simulator)
        project.write(board(2))
        result = in_project(project, project.path, RIVYA_API_KEY=SECRET, RIVYA_RUN_DEBUG="1")
        assert result.exit_code == 4
        assert SECRET not in result.output + result.stderr
        assert SECRET.encode() not in everywhere(project)


def test_the_key_is_in_no_traceback_even_of_a_mistake_of_ours(project: Project) -> None:
    """A bug in the middle of a run, shown with every frame's words."""
    project.write(board(1))

    class Broken(list[Event]):
        def append(self, event: Event) -> None:
            raise ZeroDivisionError(f"while telling {event.name}")

    project.events = Broken()
    with pytest.raises(Exception) as caught:
        project.run()
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert KEY not in text.replace(f"KEY = '{KEY}'", "").replace(f"'RIVYA_API_KEY': '{KEY}'", "")


def test_controls_in_prompts_and_server_messages_never_reach_the_terminal(tmp_path: Path) -> None:
    """Escape sequences, line feeds and right-to-left overrides are shown, not obeyed; JSON stays JSON."""
    nasty = "\x1b[2J\x1b]0;owned\x07\u202eevil"
    with hosted(faults=FaultPlan(rules=(Rule("task-failed"),))) as simulator:
        project = Project(tmp_path, simulator)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(
                __import__("rivya_run.simulator.tasks", fromlist=["x"])._MESSAGES, "generation_failed", nasty
            )
            project.write(
                'id: board\nshots:\n  - {id: s01, prompt: "a \\e[31m red \\u202e prompt", '
                'title: "t\\e[2J", scene: "in\\e[5mtro"}\n'
            )
            for words in (
                ["--progress", "plain"],
                ["--progress", "json", "--retry-failed"],
                ["--progress", "live", "--retry-failed"],
            ):
                shown = in_project(project, project.path, *words)
                assert shown.exit_code == 1
                assert "\x1b]0" not in shown.output + shown.stderr
                assert "\x1b[2J" not in shown.output + shown.stderr
                assert "\u202e" not in shown.output + shown.stderr
        project.write(project.path.read_text().replace("a ", "another "))
        for command in ("plan", "status", "validate"):
            shown = in_project(project, command, project.path)
            for bad in ("\x1b[31m red", "\x1b[2J", "\x1b[5m", "\u202e", "\x1b]0"):
                assert bad not in shown.output + shown.stderr, command
