"""The floors of the house: folders import only folders below them, and each library has its rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import rivya_run

PACKAGE = "rivya_run"
ROOT = Path(rivya_run.__file__).parent

FLOORS = (
    "ground",  # the modules beside the folders: errors, text, times and other values without a room
    "yaml12",
    "media",
    "models",
    "storyboard",
    "journal",
    "planning",
    "provider",
    "postgres",
    "simulator",
    "project",
    "engine",
    "film",
    "views",
    "review",
    "api",
    "mcp_server",
    "cli",
)
"""Every room, from the ground up. A room imports rooms that stand before it."""

GROUND = {"", "durable", "errors", "extras", "json_types", "progress", "suggest", "text", "times"}
"""Modules beside the folders that everybody may import; the others there are doors."""

SIMULATOR_IMPORTS = {"ground", "models", "media", "simulator"}
"""What the stand-in shares with the program that it is tested against: tables and types, no opinion on the API."""

SIMULATOR_IMPORTERS = {"cli", "engine", "simulator"}
"""Who may start the stand-in; no rule leans on it."""

LIBRARIES: Mapping[str, set[str]] = {
    "PIL": {"media", "film", "views", "simulator"},
    "anyio": {"api", "cli", "engine", "mcp_server", "provider", "simulator"},
    "av": {"media", "film", "simulator"},
    "click": {"cli"},
    "click_default_group": {"cli"},
    "filelock": {"project"},
    "h11": {"provider"},
    "httpcore2": {"provider"},
    "httpx2": {"provider"},
    "idna": {"provider"},
    "jinja2": {"views"},
    "jsonschema": {"models", "journal", "mcp_server"},
    "markupsafe": {"views"},
    "mcp": {"mcp_server"},
    "msgspec": {"journal", "postgres", "project"},
    "multipart": {"simulator"},
    "obstore": {"project"},
    "opentimelineio": {"film"},
    "pgqueuer": {"postgres"},
    "psycopg": {"postgres"},
    "rfc8785": {"journal"},
    "rich": {"cli", "views"},
    "starlette": {"review", "simulator"},
    "uvicorn": {"review", "simulator"},
    "watchfiles": {"cli"},
    "yaml": {"yaml12"},
}
"""Library -> the rooms that are about it. A library that isn't here is used nowhere."""

PURE = {"ground", "yaml12", "models", "storyboard", "journal", "planning"}
"""Rooms of rules and values: nothing in them opens connections, starts processes, waits or draws lots."""

CHEAP = {"click", "click_default_group"}
"""Libraries that the command line may load before it knows the command."""

MODULE_LINES = 350
FUNCTION_LINES = 60
NAMES_TWICE = 3
"""How many class names may be used by two classes (the contract of the house)."""

EMPTY_WORDS = {"utils", "helpers", "common", "core", "base", "manager", "handler", "process", "job", "data"}


@cache
def modules() -> dict[str, ast.Module]:
    """Module -> its syntax tree; names are without the package's own."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_bytes(), str(path))
    return found


def room(module: str) -> str:
    """The room of a module: its folder; modules beside the folders are the ground or a door."""
    folder, dot, _ = module.partition(".")
    if dot or ((ROOT / folder).is_dir() and folder):
        return folder
    return "ground" if module in GROUND else {"__main__": "cli"}.get(module, module)


def imported(module: str, tree: ast.AST) -> Iterator[str]:
    """Every name that is imported anywhere in a module, absolute; ``from a import b`` as ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                is_folder = (ROOT / module.replace(".", "/")).is_dir()
                parts = [PACKAGE, *filter(None, module.split("."))]
                parts = parts[: len(parts) - node.level + is_folder]
                origin = ".".join([*parts, *filter(None, [node.module])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


@cache
def inside() -> dict[str, set[str]]:
    """Module -> the modules of this package that it imports."""
    return {
        name: {_module_of(one) for one in imported(name, tree) if one.split(".")[0] == PACKAGE} - {name}
        for name, tree in modules().items()
    }


def _module_of(imported_name: str) -> str:
    """The longest part of an imported name that is a module."""
    name = imported_name.removeprefix(PACKAGE).removeprefix(".")
    while name not in modules():
        name = name.rpartition(".")[0]
    return name


@cache
def arrows() -> dict[tuple[str, str], set[str]]:
    """(room, imported room) -> the imports behind it."""
    found: dict[tuple[str, str], set[str]] = {}
    for name, targets in inside().items():
        for target in targets:
            if room(name) != room(target):
                found.setdefault((room(name), room(target)), set()).add(f"{name} imports {target}")
    return found


@cache
def libraries() -> dict[str, set[str]]:
    """Module -> the libraries (not the standard one) that it imports."""
    known = {*sys.stdlib_module_names, PACKAGE}
    return {
        name: {one.split(".")[0] for one in imported(name, tree)} - known for name, tree in modules().items()
    }


def test_every_room_stands_on_a_floor() -> None:
    """The list is complete, and names only what there is."""
    assert {room(name) for name in modules()} == set(FLOORS)


def test_imports_go_down_only() -> None:
    """By folder, wherever in a module the import stands."""
    up = {
        why
        for (importer, target), reasons in arrows().items()
        if FLOORS.index(target) > FLOORS.index(importer)
        for why in reasons
    }
    assert not up, sorted(up)


def test_there_are_no_circles() -> None:
    """Neither of modules nor of folders, not even by imports inside functions."""
    folders: dict[str, set[str]] = {}
    for importer, target in arrows():
        folders.setdefault(importer, set()).add(target)
    for graph in (inside(), folders):
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            pytest.fail(" -> ".join(error.args[1]))


def test_the_simulator_stands_beside() -> None:
    """It shares tables and types with the program, and nothing but a door or a simulated run starts it."""
    assert {target for importer, target in arrows() if importer == "simulator"} <= SIMULATOR_IMPORTS
    assert {importer for importer, target in arrows() if target == "simulator"} <= SIMULATOR_IMPORTERS


def test_each_library_has_its_rooms() -> None:
    """The HTTP library at the edge, click in the doors, and nothing unheard of."""
    strangers = [
        f"{name} imports {library}"
        for name, used in libraries().items()
        for library in sorted(used)
        if room(name) not in LIBRARIES.get(library, set())
    ]
    assert not strangers, strangers


@pytest.mark.parametrize(
    "name", ["cli.app", "cli.instant", "cli.validate", "cli.run", "cli.plan", "cli.status"]
)
def test_starting_up_loads_nothing_heavy(name: str) -> None:
    """A command's module loads no library but click, so that help and a check of a file are instant."""
    code = f"import sys, {PACKAGE}.{name}; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {*LIBRARIES, "asyncio", "ssl"} - CHEAP
    assert not heavy & {loaded.split(".")[0] for loaded in answer.stdout.split()}
    assert len(answer.stdout.split()) > 10


def test_rooms_and_functions_stay_small() -> None:
    """A module of more than 350 lines or a function of more than 60 has more than one reason to exist."""
    large = [
        path.name for path in ROOT.rglob("*.py") if len(path.read_text("utf-8").splitlines()) > MODULE_LINES
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
    """No module or class is called by a word that fits anything, and hardly any class like another one."""
    classes = [
        (name, node.name)
        for name, tree in modules().items()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    ]
    words = [(name, part) for name in modules() for part in name.split(".")] + classes
    assert not [(name, word) for name, word in words if word.lower() in EMPTY_WORDS]
    twice = {
        name: [module for module, other in classes if other == name]
        for name, count in Counter(name for _, name in classes).items()
        if count > 1 and not name.startswith("_")
    }
    assert len(twice) <= NAMES_TWICE, twice


def test_rules_reach_for_nothing_outside() -> None:
    """Nothing in the rooms of rules opens connections, starts processes, waits or draws lots."""
    forbidden = {"socket", "subprocess", "random", "secrets", "threading", "asyncio", "signal", "tempfile"}
    found = [
        f"{name} imports {one}"
        for name, tree in modules().items()
        if room(name) in PURE
        for one in imported(name, tree)
        if one.split(".")[0] in forbidden
    ]
    assert not found, found
