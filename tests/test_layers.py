"""The floors of the house: imports go down only, and each outside thing has its own rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from enum import IntEnum
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import rivya_run

PACKAGE = "rivya_run"


class Floor(IntEnum):
    """From the ground up. A room imports from its own floor and from those below."""

    VOCABULARY = 0  # values that cross borders, errors
    RULES = 1  # values in, values out
    EDGES = 2  # each about one thing outside
    RUN = 3  # books, plans, connections and takes, put together
    AFTER = 4  # from the manifest to pages, cuts and timelines
    DOORS = 5  # commands and functions for people
    BESIDE = 6  # the stand-in for Rivya: knows only tables and records, and nobody knows it


FLOORS: Mapping[str, Floor] = {
    # The ground: a name that ends in a dot stands for every module of that package.
    "": Floor.VOCABULARY,
    "disk": Floor.VOCABULARY,
    "errors": Floor.VOCABULARY,
    "generated": Floor.VOCABULARY,
    "history": Floor.VOCABULARY,
    "media": Floor.VOCABULARY,
    "models": Floor.VOCABULARY,
    "planning": Floor.VOCABULARY,
    "run": Floor.VOCABULARY,
    "wire": Floor.VOCABULARY,
    "yaml12": Floor.VOCABULARY,
    "records.": Floor.VOCABULARY,
    # Rules
    "models.catalog": Floor.RULES,
    "models.sync": Floor.RULES,
    "storyboard.changes": Floor.RULES,
    "history.chosen": Floor.RULES,
    "disk.cleaning": Floor.RULES,
    "media.containers": Floor.RULES,
    "wire.exchange": Floor.RULES,
    "storyboard.expand": Floor.RULES,
    "wire.faults": Floor.RULES,
    "history.fingerprint": Floor.RULES,
    "history.json_text": Floor.RULES,
    "history.judging": Floor.RULES,
    "history.shape_tests": Floor.RULES,
    "wire.hearing": Floor.RULES,
    "history.fold": Floor.RULES,
    "history.sending_age": Floor.RULES,
    "history.transitions": Floor.RULES,
    "wire.incoming": Floor.RULES,
    "storyboard.language": Floor.RULES,
    "planning.allowance": Floor.RULES,
    "planning.lineage": Floor.RULES,
    "history.manifest": Floor.RULES,
    "generated.manifest_schema": Floor.RULES,
    "planning.matching": Floor.RULES,
    "media.warnings": Floor.RULES,
    "planning.order": Floor.RULES,
    "wire.origin": Floor.RULES,
    "wire.pages": Floor.RULES,
    "generated.params": Floor.RULES,
    "disk.json_place": Floor.RULES,
    "disk.places": Floor.RULES,
    "planning.plan_file": Floor.RULES,
    "planning.planner": Floor.RULES,
    "run.polling": Floor.RULES,
    "history.prices": Floor.RULES,
    "planning.reasons": Floor.RULES,
    "wire.bodies": Floor.RULES,
    "wire.replies": Floor.RULES,
    "wire.result_url": Floor.RULES,
    "wire.retry": Floor.RULES,
    "safetext": Floor.RULES,
    "text": Floor.RULES,
    "reporting.wording": Floor.RULES,
    "generated.storyboard_schema": Floor.RULES,
    "storyboard.selection": Floor.RULES,
    "generated.models_page": Floor.RULES,
    "generated.shapes": Floor.RULES,
    "media.types": Floor.RULES,
    "yaml12.source": Floor.RULES,
    "reporting.status_view": Floor.RULES,
    "media.stills": Floor.RULES,
    "storyboard.": Floor.RULES,
    "suggest": Floor.RULES,
    "generated.table_schema": Floor.RULES,
    "models.view": Floor.RULES,
    "history.results": Floor.RULES,
    "history.take_entry": Floor.RULES,
    "times": Floor.RULES,
    "models.values": Floor.RULES,
    "yaml12.reading": Floor.RULES,
    "yaml12.nodes": Floor.RULES,
    # Edges
    "wire.client": Floor.EDGES,
    "run.config": Floor.EDGES,
    "wire.network": Floor.EDGES,
    "wire.stream": Floor.EDGES,
    "wire.transport": Floor.EDGES,
    "wire.downloads": Floor.EDGES,
    "disk.durable": Floor.EDGES,
    "disk.files": Floor.EDGES,
    "media.frames": Floor.EDGES,
    "wire.http": Floor.EDGES,
    "disk.journal": Floor.EDGES,
    "disk.lock": Floor.EDGES,
    "disk.manifest_file": Floor.EDGES,
    "disk.moves": Floor.EDGES,
    "media.measuring": Floor.EDGES,
    "media.facts": Floor.EDGES,
    "disk.outputs": Floor.EDGES,
    "wire.parts": Floor.EDGES,
    "reporting.": Floor.EDGES,
    "media.typefaces": Floor.EDGES,
    # Run
    "run.adopting": Floor.RUN,
    "run.board": Floor.RUN,
    "run.creating": Floor.RUN,
    "run.executor": Floor.RUN,
    "run.fetching": Floor.RUN,
    "run.following": Floor.RUN,
    "run.interrupts": Floor.RUN,
    "run.ledger": Floor.RUN,
    "run.limits": Floor.RUN,
    "run.lost_folder": Floor.RUN,
    "run.money": Floor.RUN,
    "run.opening": Floor.RUN,
    "run.pace": Floor.RUN,
    "run.pipeline": Floor.RUN,
    "run.plan_basis": Floor.RUN,
    "run.preparing": Floor.RUN,
    "run.rebuilding": Floor.RUN,
    "run.references": Floor.RUN,
    "run.renamed": Floor.RUN,
    "run.running": Floor.RUN,
    "run.session": Floor.RUN,
    "run.simulation": Floor.RUN,
    "run.uploads": Floor.RUN,
    "run.verifying": Floor.RUN,
    # After the run
    "export.": Floor.AFTER,
    "report.": Floor.AFTER,
    # Doors
    "__main__": Floor.DOORS,
    "api": Floor.DOORS,
    "cli.": Floor.DOORS,
    "instant": Floor.DOORS,
    "streams": Floor.DOORS,
    # Beside
    "simulator.": Floor.BESIDE,
}
"""Every module or package -> its floor."""

EDGE_PAIRS = {
    ("wire.client", "wire.http"),
    ("wire.downloads", "wire.http"),
    ("wire.downloads", "wire.parts"),
    ("wire.http", "wire.network"),
    ("wire.http", "wire.transport"),
    ("wire.transport", "wire.network"),
    ("wire.transport", "wire.stream"),
    ("disk.moves", "disk.outputs"),
    ("media.measuring", "media.frames"),
    ("media.measuring", "media.facts"),
}
"""Edges that stand on another edge. Beside these, everything may write through ``durable``."""

SIMULATOR_DOORS = {"run.simulation", "cli.simulator"}
"""Who may open the simulator."""

SIMULATOR_KNOWS = {
    "text",
    "times",
    "media.typefaces",
    "media.types",
    "models.catalog",
    "models.values",
    "suggest",
    "records.",
    "errors",
    "safetext",
    "",
}
"""What the simulator shares with the program that it stands against: tables and letters, no opinion on the API."""

LIBRARIES: Mapping[str, set[str]] = {
    "PIL": {"media.facts", "media.frames", "media.typefaces", "export.", "simulator."},
    "anyio": {
        "wire.client",
        "wire.downloads",
        "wire.http",
        "wire.stream",
        "wire.transport",
        "cli.models",
    },
    "av": {"media.facts", "media.frames", "media.measuring", "export.", "simulator."},
    "click": {"cli.", "__main__"},
    "click_default_group": {"cli.app"},
    "filelock": {"disk.lock"},
    "h11": {"wire.faults"},
    "httpcore2": {"wire.faults", "wire.network", "wire.stream", "wire.transport"},
    "httpx2": {"wire.faults", "wire.http", "wire.network", "wire.transport"},
    "idna": {"wire.result_url"},
    "jinja2": {"report."},
    "jsonschema": {"models.catalog"},
    "markupsafe": {"report."},
    "multipart": {"simulator."},
    "opentimelineio": {"export."},
    "rfc8785": {"history.fingerprint"},
    "rich": {"reporting."},
    "starlette": {"simulator."},
    "uvicorn": {"simulator."},
    "watchfiles": {"cli.watch"},
    "yaml": {"yaml12.reading", "yaml12.source"},
}
"""Library -> the rooms that are about it. A library that isn't here is used nowhere."""

FLOOR_LIBRARIES = {"anyio": Floor.RUN}
"""Library -> the floor that may use it in any room."""

CHEAP = {"click", "click_default_group"}
"""Libraries that the command line may load before it knows the command."""


MODULE_LINES = 350
FUNCTION_LINES = 60
EMPTY_WORDS = {"utils", "helpers", "common", "core", "base", "manager", "handler", "process", "job", "data"}


@cache
def modules() -> dict[str, ast.Module]:
    """Module -> its syntax tree; names are without the package's own."""
    root = Path(rivya_run.__file__).parent
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_bytes(), str(path))
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    """Every absolute name that is imported, wherever in the module; ``from a import b`` as ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not the house's way"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def inside() -> dict[str, set[str]]:
    """Module -> the modules of this package that it imports."""
    return {
        name: {_module_of(one) for one in imported(tree) if one.split(".")[0] == PACKAGE} - {name}
        for name, tree in modules().items()
    }


def _module_of(imported_name: str) -> str:
    """The longest part of an imported name that is a module."""
    name = imported_name.removeprefix(PACKAGE).removeprefix(".")
    while name not in modules():
        name = name.rpartition(".")[0]
    return name


@cache
def libraries() -> dict[str, set[str]]:
    """Module -> the libraries (not the standard one) that it imports."""
    known = {*sys.stdlib_module_names, PACKAGE}
    return {name: {one.split(".")[0] for one in imported(tree)} - known for name, tree in modules().items()}


def among(name: str, rooms: set[str] | Mapping[str, Floor]) -> str | None:
    """The entry that a module falls under: its own name, or that of a package with a dot."""
    parts = name.split(".")
    entries = [name, *(".".join(parts[:count]) + "." for count in range(len(parts), 0, -1))]
    return next((entry for entry in entries if entry in rooms), None)


def floor(name: str) -> Floor:
    """The floor of a module."""
    entry = among(name, FLOORS)
    assert entry is not None, f"{name} stands on no floor: add it to FLOORS in {Path(__file__).name}"
    return FLOORS[entry]


def room(name: str) -> str:
    """A package's modules are one room."""
    return among(name, FLOORS) or name


def edges() -> Iterator[tuple[str, str]]:
    """(importer, imported) for all imports inside the package."""
    for name, targets in inside().items():
        yield from ((name, target) for target in sorted(targets))


def test_every_module_stands_on_a_floor() -> None:
    """The table is complete."""
    missing = [name for name in modules() if among(name, FLOORS) is None]
    assert not missing, f"add to FLOORS: {missing}"


def test_the_table_names_only_what_there_is() -> None:
    """Nothing is listed that is gone."""
    used = {among(name, FLOORS) for name in modules()}
    assert set(FLOORS) - used <= {"api"}


def test_imports_go_down_only() -> None:
    """Also those inside functions: to the same floor or a lower one."""
    up = [
        f"{name} ({floor(name).name}) imports {target} ({floor(target).name})"
        for name, target in edges()
        if floor(target) > floor(name) and not (name in SIMULATOR_DOORS and floor(target) is Floor.BESIDE)
    ]
    assert not up, up


def test_edges_do_not_know_each_other() -> None:
    """One outside thing each; whoever stands on another is declared, and all write through ``durable``."""
    pairs = {
        (room(name), room(target))
        for name, target in edges()
        if floor(name) is floor(target) is Floor.EDGES
        and room(name) != room(target)
        and target != "disk.durable"
    }
    assert pairs == EDGE_PAIRS


def test_there_are_no_circles() -> None:
    """No module imports itself by a detour, not even inside functions."""
    try:
        TopologicalSorter(inside()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_only_its_doors_open_the_simulator() -> None:
    """The program never leans on the stand-in that it is tested against."""
    importers = {
        name for name, target in edges() if floor(target) is Floor.BESIDE and floor(name) is not Floor.BESIDE
    }
    assert importers <= SIMULATOR_DOORS


def test_the_simulator_knows_only_tables_and_words() -> None:
    """Never the client, nor any rule about how the API is spoken to."""
    known = {
        (name, target)
        for name, target in edges()
        if floor(name) is Floor.BESIDE
        and floor(target) is not Floor.BESIDE
        and among(target, SIMULATOR_KNOWS) is None
    }
    assert not known


def test_each_library_has_its_rooms() -> None:
    """httpx2 where HTTP is, click in the commands, rich where things are drawn, and nothing unheard of."""
    strangers = [
        f"{name} imports {library}"
        for name, used in libraries().items()
        for library in sorted(used)
        if among(name, LIBRARIES.get(library, set())) is None and FLOOR_LIBRARIES.get(library) != floor(name)
    ]
    assert not strangers, strangers


@pytest.mark.parametrize("name", ["cli.app", "instant", "cli.validate", "cli.run", "cli.plan", "cli.status"])
def test_starting_up_loads_nothing_heavy(name: str) -> None:
    """A command's module loads no library but click, so that help and a check of a file are instant."""
    code = f"import sys, {PACKAGE}.{name}; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {*LIBRARIES, "asyncio", "ssl"} - CHEAP
    assert not heavy & {loaded.split(".")[0] for loaded in answer.stdout.split()}
    assert len(answer.stdout.split()) > 10


def test_rooms_and_functions_stay_small() -> None:
    """A module of 350 lines or a function of 60 has more than one reason to exist."""
    root = Path(rivya_run.__file__).parent
    large = [
        path.name for path in root.rglob("*.py") if len(path.read_text("utf-8").splitlines()) > MODULE_LINES
    ]
    long = [
        f"{name}.{node.name}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES
    ]
    assert not [*large, *long]


def test_names_say_what_a_thing_is() -> None:
    """No module or class is called by a word that fits anything."""
    classes = [
        (name, node.name)
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    words = [(name, part) for name in modules() for part in name.split(".")] + classes
    assert not [(name, word) for name, word in words if word.lower() in EMPTY_WORDS]


def test_values_and_rules_are_deaf_and_blind() -> None:
    """Below the edges nobody opens connections, starts processes, sleeps or throws dice."""
    forbidden = {"socket", "subprocess", "random", "secrets", "threading", "asyncio", "signal", "tempfile"}
    found = [
        f"{name} imports {one}"
        for name, tree in modules().items()
        if floor(name) <= Floor.RULES
        for one in imported(tree)
        if one.split(".")[0] in forbidden
    ]
    assert not found, found
