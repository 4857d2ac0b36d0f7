"""What the pages say is true: examples, messages, command lines, tables, links."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from pages import PAGES, ROOT, Block, all_blocks, anchors, blocks, codes, command_lines, links, prose
from rivya_run import errors
from rivya_run.cli.app import COMMANDS, load
from rivya_run.errors import READER_GONE, WAITING
from rivya_run.models.catalog import load_catalog
from rivya_run.models.table import ID_PATTERN
from rivya_run.project.budget_file import read_budgets
from rivya_run.storyboard.includes import MAX_DEPTH as MAX_INCLUDED
from rivya_run.storyboard.includes import IncludedFile
from rivya_run.storyboard.layers import MAX_COMBINATIONS
from rivya_run.storyboard.model import MAX_TAKES
from rivya_run.storyboard.problems import GROUPS, as_text
from rivya_run.storyboard.reader import read_storyboard
from rivya_run.yaml12.reading import MAX_ALIASED, MAX_DEPTH
from rivya_run.yaml12.source import MAX_BYTES
from simulation import hosted

README = ROOT / "README.md"
PACKAGE = ROOT / "runner" / "rivya_run"
EXAMPLES = [
    block for block in all_blocks() if block.info.startswith("yaml") and block.info != "yaml budgets.yaml"
]
KINDS = ("yaml", "text")
TOLD = ("yaml wrong", "yaml advice")
IN_TESTS_AND_RESULTS = ("outputs/", "refs/", "models/", "cast/")


def _commands() -> Iterator[tuple[str, str]]:
    """(place, command line) of every ``rivya-run ...`` of the pages, in blocks and in the text."""
    for block in all_blocks():
        if block.info.startswith("sh"):
            for line in command_lines(block.text):
                yield block.name, line
    for page in PAGES:
        for code in codes(page):
            yield page.name, code


def _words(line: str) -> list[str]:
    """A command line's words, ``[--take N]`` without its brackets, placeholders as something that parses."""
    words = shlex.split(re.sub(r"[\[\]]", "", line))
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        del words[0]
    return ["1" if word in ("N", "S", "X") else word for word in words]


def _is_ours(line: str) -> bool:
    return re.match(r"([A-Z_]+=\S+ )*rivya-run( [^-]|$| --)", line) is not None and "<" not in line


COMMAND_LINES = sorted({(place, line) for place, line in _commands() if _is_ours(line)})


def _all_commands() -> Iterator[click.Command]:
    for name in COMMANDS:
        command = load(name)
        yield command
        if isinstance(command, click.Group):
            yield from command.commands.values()


def _make_pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pages", ROOT / "docs" / "make_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.name)
def test_examples_say_what_the_page_says(block: Block) -> None:
    """A YAML example is a storyboard without a word against it, or gives the messages shown below it.

    One with a path is a file of that name, which examples of its page include.
    """
    beside = {
        other.info.removeprefix("yaml "): other.text for other in blocks(block.page) if ".yaml" in other.info
    }

    def load_beside(path: str) -> IncludedFile:
        return IncludedFile(beside[path].encode(), path, path, path)

    path = block.info.removeprefix("yaml ")
    text = f"include: {path}\nshots: [{{id: a, prompt: x}}]\n" if path in beside else block.text
    reading = read_storyboard(
        text.encode(), path="storyboard.yaml", catalog=load_catalog(), include=load_beside
    )
    if block.info == "yaml" or path in beside:
        assert as_text(reading.problems) == ""
        return
    assert block.info in TOLD
    following = [other for other in blocks(block.page) if other.line > block.line]
    assert following[0].info == "text"
    assert as_text(reading.problems) == following[0].text
    assert (reading.storyboard is None) == (block.info == "yaml wrong")


@pytest.mark.parametrize(("place", "line"), COMMAND_LINES)
def test_command_lines_parse(place: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rivya-run command line of the pages is one that the program understands, where there is a storyboard."""
    (tmp_path / "storyboard.yaml").touch()
    monkeypatch.chdir(tmp_path)
    words = _words(line)[1:]
    if not words or words[0] in ("--help", "--version"):
        return
    command = load(words.pop(0)) if words[0] in COMMANDS else load("run")
    if isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    if words:  # the bare name of a command is no call of it
        command.make_context(command.name, words)


def test_options_exist() -> None:
    """Every option that a page names is one of some command's (or of pip, in an install line)."""
    known = {name for command in _all_commands() for option in command.params for name in option.opts}
    known |= {
        name for command in _all_commands() for option in command.params for name in option.secondary_opts
    }
    known |= {"--help", "--version"}
    named = {
        word for page in PAGES for code in codes(page) for word in re.findall(r"(?<!\S)--[a-z][a-z-]+", code)
    }
    assert named <= known


def test_the_example_of_budgets_is_one(tmp_path: Path) -> None:
    """It is read without a problem, and has an entry of each kind."""
    [block] = [one for one in all_blocks() if one.info == "yaml budgets.yaml"]
    (tmp_path / "budgets.yaml").write_text(block.text, encoding="utf-8")
    assert [one.per for one in read_budgets(tmp_path)] == ["month", "ever", "day", "ever"]


def test_readme_names_every_command() -> None:
    """No command has to be found by chance."""
    said = README.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if name != "run" and f"rivya-run {name}" not in said] == []


def test_exit_codes_are_those_of_the_errors() -> None:
    """README lists 0, the exit codes of all error classes, of a run that waits, and of a reader who has left."""
    told = {int(number) for number in re.findall(r"^\| (\d+) \|", README.read_text("utf-8"), re.MULTILINE)}
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.RivyaError)
    ]
    assert told == {0, WAITING, READER_GONE, *(kind.exit_code for kind in classes)}


def test_readme_shows_a_real_message() -> None:
    """The mistake that README makes in its own storyboard gives the message it shows."""
    storyboard, message = (
        next(block.text for block in blocks(README) if block.info == kind) for kind in KINDS
    )
    wrong = storyboard.replace("duration: 10", "duration: 45")
    reading = read_storyboard(wrong.encode(), path="storyboard.yaml", catalog=load_catalog())
    assert as_text(reading.problems) == message


def test_generated_parts_are_fresh() -> None:
    """What is generated is what `make schemas` writes."""
    for path, page in _make_pages().pages().items():
        assert path.read_text(encoding="utf-8") == page, "run 'make schemas'"


def test_figures_are_those_of_the_program() -> None:
    """The limits that the language page tells, and README's count of models, are the real ones."""
    page = (ROOT / "docs" / "storyboard.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| ([a-z ]+) \| ([0-9,]+)(?: [A-Za-z]+)? \|$", page, re.MULTILINE))
    assert {name: int(figure.replace(",", "")) for name, figure in told.items()} == {
        "the file": MAX_BYTES // 1024**2,
        "nesting": MAX_DEPTH,
        "included files": MAX_INCLUDED,
        "values that aliases add": MAX_ALIASED,
        "shots of one matrix": MAX_COMBINATIONS,
        "takes of a shot": MAX_TAKES,
        "an id": int(re.findall(r",(\d+)", ID_PATTERN)[0]) + 1,
    }
    assert f"{len(load_catalog().ids())} models in all" in README.read_text(encoding="utf-8")


def test_renewing_a_page() -> None:
    """Only what stands between the marks is made anew, and no part is left out or made up."""
    page = "a\n<!-- generated: x -->\nold\n<!-- end -->\nb\n"
    pages = _make_pages()
    assert pages.renewed_page(page, {"x": "new\n"}) == page.replace("old", "new")
    for parts in ({}, {"y": ""}, {"x": "", "y": ""}):
        with pytest.raises(pages.NoSuchPart):
            pages.renewed_page(page, parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link between pages finds its file and its heading."""
    for link in links(page):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_index_leads_to_every_page() -> None:
    """The tutorial comes first."""
    index = ROOT / "docs" / "README.md"
    told = [link for link in links(index) if "/" not in link]
    assert told[0] == "first-film.md"
    assert set(told) == {page.name for page in PAGES if page.parent == index.parent} - {index.name}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    """A page names no file of the repository that isn't there."""
    folders = {entry.name for entry in ROOT.iterdir() if entry.is_dir()} - {"outputs"}
    for code in codes(page):
        named = re.fullmatch(
            r"(?:\./)?([A-Za-z_.][\w.-]*/)*[\w.-]+(?:\.py|\.md|\.yaml|\.json|\.toml|/)", code
        )
        if named is None or code.startswith(IN_TESTS_AND_RESULTS):
            continue
        inside = code.split("/")[0] in folders or code.endswith(".py")
        assert not inside or (ROOT / code).exists() or (PACKAGE / code).exists(), code


def test_make_targets_exist() -> None:
    """Every `make x` of the pages is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    lines = {line for _, line in _commands() if re.match(r"make [a-z]", line)}
    assert lines
    assert {line.split()[1] for line in lines} <= targets


def test_every_problem_code_is_explained() -> None:
    """Each code that the program gives to a problem has its line, and no line is of a code that is gone."""
    explained = [code for codes_of_group in GROUPS.values() for code in codes_of_group]
    assert len(explained) == len(set(explained))
    assert set(_codes_in_the_code()) - set(explained) == set()
    literals = {text for tree in _trees() for text in _texts(tree)}
    assert set(explained) - literals == set()
    cases = (ROOT / "tests" / "acceptance" / "validate").glob("*/expected.txt")
    told = {
        code
        for case in cases
        for code in re.findall(r" \[([a-z-]+)\]$", case.read_text("utf-8"), re.MULTILINE)
    }
    advice = {row.code for table in load_catalog().all() for row in table.advice}
    assert told <= {*explained, *advice}


def _trees() -> Iterator[ast.Module]:
    for file in PACKAGE.rglob("*.py"):
        if "simulator" not in file.parts and file.name != "problem_codes.py":
            yield ast.parse(file.read_text(encoding="utf-8"))


def _texts(node: ast.AST) -> list[str]:
    constants = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    return [text for text in constants if isinstance(text, str)]


def _codes_in_the_code() -> Iterator[str]:
    """Codes by where they stand: last but for keywords in a call that makes a problem, or beside a message."""
    makers = {"error", "advice", "problem", "note", "say", "Rejected", "Problem", "Finding", "FileTrouble"}
    for tree in _trees():
        for node in ast.walk(tree):
            given: list[ast.expr] = []
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                given = node.args if name in makers else []
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
                target = ast.unparse(node.targets[0])
                given = node.value.elts if re.search(r"\bmessage, code\b", target) else []
            for value in given[1:]:
                if isinstance(value, ast.Constant) and re.fullmatch(r"[a-z]+(-[a-z]+)+", str(value.value)):
                    yield str(value.value)


def test_simulator_options_are_all_told() -> None:
    """The page about the simulator lists each option of the command."""
    page = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    options = [option for option in load("simulator").params if "--help" not in option.opts]
    assert [option.opts[0] for option in options if f"`{option.opts[0]}" not in page] == []


@pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash"
)
def test_the_session_with_curl_works(tmp_path: Path) -> None:
    """What the page about the simulator types with curl gives a clip, an upload and the refusal shown."""
    page = ROOT / "docs" / "simulator.md"
    session = "".join(block.text for block in blocks(page) if block.info == "sh session")
    shutil.copy(ROOT / "specs" / "refs" / "bottle.png", tmp_path / "pack.png")
    with hosted() as simulator:
        script = session.replace("http://127.0.0.1:8765", simulator.base_url).replace("sleep 1", "sleep 0.02")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
    assert (tmp_path / "clip.mp4").read_bytes()[4:8] == b"ftyp"
    said = done.stdout
    assert all(word in said for word in ('"reserved_credits"', '"succeeded"', '"file_', '"current_credits"'))
    refused = next(block.text for block in blocks(page) if block.info == "json")
    assert (
        re.sub(r"req_\w+", "", refused).strip()
        == re.sub(r"req_\w+", "", said[said.index('{"error"') :]).strip()
    )


def test_python_examples_compile() -> None:
    """Python on the pages is Python."""
    examples = [block for block in all_blocks() if block.info == "python"]
    assert examples
    for block in examples:
        compile(block.text, block.name, "exec")


def test_pages_are_plain() -> None:
    """No page speaks of this machine, and no fence is left open."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert text.count("```") % 2 == 0, page
        assert "```" not in prose(page), page
        assert str(ROOT) not in text, page
