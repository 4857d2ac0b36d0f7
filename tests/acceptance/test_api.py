"""The program as functions (docs/python.md)."""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pages import ROOT, blocks
from projects import Project
from rivya_run import api
from rivya_run.api import Action, Event, Interrupted, RunOptions, StoryboardError, UsageError
from rivya_run.simulator.faults import FaultPlan, Rule
from simulation import KEY, hosted

PAGE = ROOT / "docs" / "python.md"
QUICK = RunOptions(poll_interval=0.02)


def _environment(project: Project) -> dict[str, str]:
    return {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": project.simulator.base_url}


def test_validate_plan_and_run_are_functions(project: Project) -> None:
    """No problems, one create; then one clip, and nothing left to do."""
    project.write("shots: [{id: a, prompt: A}]")
    assert api.validate(project.path) == ()
    assert [step.action for step in api.plan(project.path).steps] == [Action.CREATE]
    result = api.run([project.path], QUICK, environment=_environment(project))
    assert result.exit_code == 0
    assert [step.action for step in api.plan(str(project.path)).steps] == [Action.REUSE]


def test_problems_are_values_or_one_error(project: Project) -> None:
    """``validate`` returns them, the others raise with all of them."""
    project.write("shots: [{id: a, prompt: A, params: {duration: 45}}]")
    [problem] = api.validate(project.path)
    assert problem.code == "range"
    with pytest.raises(StoryboardError) as caught:
        api.plan(project.path)
    assert caught.value.problems == (problem,)


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Project]:
    """A project in which shot b fails."""
    with hosted(faults=FaultPlan(rules=(Rule("task-failed", subject="*.b.*"),))) as simulator:
        yield Project(tmp_path, simulator)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Project]:
    """A project whose tasks last longer than any test."""
    with hosted(speed=0.001) as simulator:
        yield Project(tmp_path, simulator)


def test_a_result_has_the_takes_that_were_wanted(failing: Project) -> None:
    """Each with its files, cost and status; one that failed with the reason, one that wasn't selected not at all."""
    project = failing
    project.write("shots: [{id: a, prompt: A, takes: 2}, {id: b, prompt: B}, {id: c, prompt: C}]")
    given: Any = {"only": ["a", "b"], "outputs": str(project.root / "outputs")}
    options = RunOptions(poll_interval=0.02, **given)
    result = api.run(str(project.path), options, environment=_environment(project))
    assert [(one.shot, one.take, str(one.status)) for one in result.takes] == [
        ("a", 1, "succeeded"),
        ("a", 2, "succeeded"),
        ("b", 1, "failed"),
    ]
    first, _, failed = result.takes
    assert [file.read_bytes()[4:8] for file in first.files] == [b"ftyp"]
    assert (first.credits, first.reason, failed.files) == (10, None, ())
    assert failed.reason
    assert (result.exit_code, result.error) == (1, None)
    assert {(one.shot, one.status) for one in api.status(project.path).takes} == {
        ("a", "succeeded"),
        ("b", "failed"),
        ("c", "planned"),
    }
    assert all(one.trouble is None for one in api.verify(project.path))


def test_several_storyboards_in_one_run(project: Project) -> None:
    """A list of paths, or their folder."""
    project.write("shots: [{id: a, prompt: A}]")
    (project.root / "other.yaml").write_text("shots: [{id: b, prompt: B}]")
    result = api.run(project.root, QUICK, environment=_environment(project))
    assert [(one.storyboard, one.shot) for one in result.takes] == [("other", "b"), ("storyboard", "a")]
    assert api.run([str(project.path)], QUICK, environment=_environment(project)).exit_code == 0


def test_an_empty_path_is_refused() -> None:
    """It would mean the folder that one is in."""
    for given in ("", [], [" "]):
        with pytest.raises(UsageError):
            api.run(given, QUICK)
    with pytest.raises(UsageError):
        api.status("")


def test_run_in_an_event_loop_names_arun(project: Project) -> None:
    """And does nothing; ``arun`` does it, with events in the loop's own thread."""
    project.write("shots: [{id: a, prompt: A}]")
    seen: list[tuple[str, bool]] = []

    def listen(event: Event) -> None:
        seen.append((event.name, asyncio.get_running_loop() is not None))

    async def work() -> api.RunOutcome:
        with pytest.raises(UsageError, match="event loop") as caught:
            api.run(project.path, QUICK, environment=_environment(project))
        assert "await api.arun" in (caught.value.hint or "")
        assert project.tasks() == 0
        return await api.arun(str(project.path), QUICK, environment=_environment(project), on_event=listen)

    result = asyncio.run(work())
    assert [one.status for one in result.takes] == ["succeeded"]
    assert [name for name, _ in seen][:: len(seen) - 1] == ["run_started", "run_finished"]


def test_arun_raises_what_run_raises(project: Project) -> None:
    """Before anything is done."""
    project.write("shots: [{id: a, prompt: A, params: {duration: 45}}]")
    with pytest.raises(StoryboardError):
        asyncio.run(api.arun(project.path, QUICK, environment=_environment(project)))


def test_cancelling_arun_stops_creating(slow: Project) -> None:
    """As Ctrl-C does: what was in flight is on record when it returns, and the next run goes on from there."""
    project = slow
    project.write("shots: [{id: a, takes: 20, prompt: A}]")

    async def work() -> None:
        running: asyncio.Task[api.RunOutcome]

        def listen(event: Event) -> None:
            if event.status == "pending":
                running.cancel()

        options = RunOptions(poll_interval=0.02, concurrency=2)
        running = asyncio.create_task(
            api.arun(project.path, options, environment=_environment(project), on_event=listen)
        )
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(work())
    made = project.tasks()
    assert 1 <= made <= 3
    on_record = {take["task_id"] for take in project.takes().values() if take["task_id"]}
    assert len(on_record) == made


def test_what_a_listener_raises_is_raised_at_the_end(project: Project) -> None:
    """The run stops as by Ctrl-C, and each task that was made is on record."""
    project.write("shots: [{id: a, takes: 20, prompt: A}]")

    def listen(event: Event) -> None:
        if event.status == "pending":
            raise ValueError("mine")

    options = RunOptions(poll_interval=0.02, concurrency=2)
    with pytest.raises(ValueError, match="mine"):
        api.run(project.path, options, environment=_environment(project), on_event=listen)
    on_record = {take["task_id"] for take in project.takes().values() if take["task_id"]}
    assert len(on_record) == project.tasks() < 20
    with pytest.raises(ValueError, match="mine"):
        asyncio.run(api.arun(project.path, options, environment=_environment(project), on_event=listen))
    assert api.run(project.path, QUICK, environment=_environment(project)).exit_code == 0
    assert project.tasks() == 20


def test_a_run_that_was_asked_to_stop_before_it_began_begins_nothing(project: Project) -> None:
    """A request that comes while plans are made isn't lost."""
    from rivya_run.engine.run import run
    from rivya_run.engine.stop import Interrupts

    project.write("shots: [{id: a, prompt: A}]")
    interrupts = Interrupts()
    interrupts.request()
    result = run(
        [project.path],
        QUICK,
        environment=_environment(project),
        tell=project.events.append,
        interrupts=interrupts,
    )
    assert isinstance(result.error, Interrupted)
    assert project.tasks() == 0


def test_the_examples_of_the_page_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after another, in a folder with the page's storyboard."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs").mkdir()
    parts = {info: [one.text for one in blocks(PAGE) if one.info == info] for info in ("yaml", "pycon")}
    Path("storyboard.yaml").write_text(parts["yaml"][0])
    test = doctest.DocTestParser().get_doctest("\n".join(parts["pycon"]), {}, PAGE.name, str(PAGE), 0)
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    runner.run(test, out=told.append)
    assert (runner.failures, runner.tries) == (0, len(test.examples)), "".join(told)


def test_the_notebook_of_the_page_prints_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cell with ``await`` at the top, in an event loop that is running already."""
    monkeypatch.chdir(tmp_path)
    Path("storyboard.yaml").write_text(next(one.text for one in blocks(PAGE) if one.info == "yaml"))
    [cell] = [one.text for one in blocks(PAGE) if one.info == "python notebook"]
    code = compile(cell, PAGE.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def notebook() -> None:
        answer = eval(code, {})
        assert inspect.iscoroutine(answer)
        await answer

    asyncio.run(notebook())
    printed = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.suffix for path in printed] == [".png", ".png"]
    assert all(path.is_absolute() and path.is_file() for path in printed)


def test_the_page_tells_all_there_is() -> None:
    """Each function and each option is on it."""
    text = PAGE.read_text("utf-8")
    functions = [name for name in api.__all__ if inspect.isfunction(getattr(api, name))]
    assert functions == [name for name in functions if f"`{name}" in text]
    options = [*RunOptions.__dataclass_fields__]
    assert options == [name for name in options if f"`{name}`" in text]
    errors = [name for name in api.__all__ if isinstance(getattr(api, name), type) and name in text]
    assert {name for name in api.__all__ if name.endswith(("Error", "Refused"))} <= set(errors)


def _via(project: Project, most: float | None = None, **options: Any) -> api.RunOutcome:
    chosen = RunOptions(poll_interval=0.02, via="mcp", via_max_credits=most, **options)
    return api.run(project.path, chosen, environment=_environment(project))


def test_the_way_in_changes_no_fingerprint_and_no_key(project: Project) -> None:
    """Nor what serves a take: what was made by one way in is used by every other, and paid for once."""
    project.write("shots: [{id: a, prompt: A}, {id: b, prompt: B}]")
    asked = {step.label: (step.fingerprint, step.request_key) for step in api.plan(project.path).steps}
    assert _via(project).exit_code == 0
    takes = project.takes()
    assert {name: take["via"] for name, take in takes.items()} == {"a/1": "mcp", "b/1": "mcp"}
    assert asked == {
        name: (take["fingerprint"].removeprefix("sha256:"), take["client_request_id"])
        for name, take in takes.items()
    }
    assert api.run(project.path, QUICK, environment=_environment(project)).exit_code == 0
    assert project.tasks() == 2
    project.write("shots: [{id: c, prompt: A}]")  # renamed: it takes the clip along
    assert api.run(project.path, QUICK, environment=_environment(project)).exit_code == 0
    assert project.tasks() == 2
    assert project.takes()["c/1"]["via"] == "mcp"
    project.write("shots: [{id: c, prompt: A}, {id: d, prompt: D}]")
    assert api.run(project.path, QUICK, environment=_environment(project)).exit_code == 0
    assert "via" not in project.takes()["d/1"]


def test_a_cap_of_a_way_in_holds_over_runs_and_storyboards(project: Project) -> None:
    """Also where the journals are gone and only manifests know; what others make isn't limited by it."""
    project.write("id: one\nshots: [{id: a, prompt: A, takes: 4}]")
    result = _via(project, 25)
    assert (result.exit_code, project.tasks()) == (5, 2)
    assert "max_credits of mcp (25 in 24 hours)" in str(result.takes[3].reason)
    assert (_via(project, 25).exit_code, project.tasks()) == (5, 2)
    (project.root / "outputs/one/journal.jsonl").unlink()
    (project.root / "outputs/.budgets").unlink()
    project.write("id: two\nshots: [{id: a, prompt: another}]")
    assert (_via(project, 25).exit_code, project.tasks()) == (5, 2)
    assert (_via(project, 30).exit_code, project.tasks()) == (0, 3)
    project.write("id: three\nshots: [{id: a, prompt: a third one}]")
    assert api.run(project.path, QUICK, environment=_environment(project)).exit_code == 0


def test_a_cap_of_a_way_in_has_no_part_in_simulated_runs(project: Project) -> None:
    """What is simulated counts nowhere, and writes no budget file."""
    project.write("shots: [{id: a, model: grok-imagine, prompt: A}]")
    assert _via(project, 0, simulate=True).exit_code == 0
    assert not (project.root / "outputs/.budgets").exists()
    [take] = project.takes().values()
    assert take["via"] == "mcp"


def test_a_create_of_a_way_in_is_debited_before_it_is_sent(project: Project) -> None:
    """And given back where the API refuses it: the cap then has room for others."""
    project.write("shots: [{id: a, prompt: A}]")
    seen: list[list[str]] = []
    budgets = project.root / "outputs/.budgets"

    def look(method: str, path: str, phase: str) -> None:
        if method == "POST" and path.endswith("/generations") and phase == "before":
            seen.append([line for line in budgets.read_text().splitlines() if '"via":"mcp"' in line])

    with hosted(on_request=look) as simulator:
        environment = {"RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": simulator.base_url}
        options = RunOptions(poll_interval=0.02, via="mcp", via_max_credits=10)
        assert api.run(project.path, options, environment=environment).exit_code == 0
    [[debit]] = seen
    assert '"credits":10' in debit
