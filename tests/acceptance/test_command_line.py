"""`rivya-run` itself: finding commands, options from the environment, how errors are shown."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from command_line import in_project, rivya_run
from projects import Project
from rivya_run import __version__
from rivya_run.cli import app as app_module
from rivya_run.cli.app import COMMANDS, app, load
from rivya_run.errors import JournalDamaged

BOARD = "id: board\nshots:\n  - {id: a, prompt: x}\n"
HEAVY = (
    "httpx2",
    "anyio",
    "rich",
    "jsonschema",
    "yaml",
    "av",
    "PIL",
    "starlette",
    "jinja2",
    "opentimelineio",
)


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("--version",)])
def test_help_and_version_load_nothing_heavy(words: tuple[str, ...]) -> None:
    """They come at once, so they may import click and little else of the program."""
    program = (
        "import sys\nfrom rivya_run.cli.app import app\ntry: app(sys.argv[1:])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], "
        "sorted(m for m in sys.modules if m.startswith('rivya_run')))"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    assert (
        loaded
        == "[] ['rivya_run', 'rivya_run.cli', 'rivya_run.cli.app', 'rivya_run.cli.streams', 'rivya_run.errors']"
    )


def test_help_names_every_command_and_each_is_there() -> None:
    """The table that help is made from and the modules agree."""
    text = rivya_run("--help").stdout
    for name in COMMANDS:
        assert f"\n  {name}" in text
        command = load(name)
        assert command.name == name
        assert isinstance(command, click.Command)
        module = name.replace("-", "_")
        assert import_module(f"rivya_run.cli.{module}").command is command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """`rivya-run COMMAND --help` works for each."""
    result = rivya_run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: rivya-run {name}")


def test_the_version_is_the_packages() -> None:
    """`--version` names it."""
    assert rivya_run("--version").stdout == f"rivya-run {__version__}\n"


def test_a_storyboard_alone_is_run(project: Project) -> None:
    """`rivya-run a.yaml` is short for `rivya-run run a.yaml`, options before or after it."""
    project.write(BOARD)
    assert in_project(project, "--progress", "none", project.path).exit_code == 0
    assert in_project(project, "run", project.path, "--progress", "none").exit_code == 0
    assert project.tasks() == 1


def test_a_misspelt_command_is_a_usage_error_that_names_the_right_one() -> None:
    """It is not taken for a storyboard."""
    result = rivya_run("statsu", "a.yaml")
    assert result.exit_code == 2
    assert "Did you mean 'status'?" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("merge-manifset", "a", "b", "c"), "Did you mean 'merge-manifest'?"),
        (("models", "shwo"), "Did you mean 'show'?"),
        (("models", "grok-imagine"), "Did you mean 'rivya-run models show grok-imagine'?"),
        (("models", "show", "grok"), "did you mean 'grok-imagine' or 'grok-imagine-video'?"),
        (("plan", "b.yaml", "--format", "jsn"), "Did you mean 'json'?"),
        (("plan", "b.yaml", "--simulat"), "'--simulate'"),
        (("plan", "b.yaml", "--only", "hreo"), "did you mean 'hero'?"),
        (("plan", "b.yaml", "--only", "tag:lunch"), "did you mean 'tag:launch'?"),
        (("plan", "b.yaml", "--exclude", "scene:intor"), "did you mean 'scene:intro'?"),
        (("pick", "b.yaml", "hreo", "1"), "did you mean 'hero'?"),
        (("help", "rn"), "did you mean 'run'?"),
        (("help", "models", "shw"), "did you mean 'show'?"),
    ],
)
def test_a_misspelt_word_is_told_with_what_was_meant(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands, options and their values, shots and what selects them, models."""
    (tmp_path / "b.yaml").write_text("shots:\n  - {id: hero, prompt: x, tags: [launch], scene: intro}\n")
    monkeypatch.chdir(tmp_path)
    result = rivya_run(*words)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("words", [(), ("run",), ("models",), ("models", "show"), ("merge-manifest",)])
def test_help_is_also_a_command(words: tuple[str, ...]) -> None:
    """It shows what ``--help`` behind the others does."""
    assert rivya_run("help", *words).stdout == rivya_run(*words, "--help").stdout


def test_every_option_can_come_from_the_environment(project: Project) -> None:
    """RIVYA_RUN_<OPTION>, lists separated by blanks, flags as 1; a wrong value is a usage error."""
    project.write("shots:\n  - {id: a, prompt: x}\n  - {id: b, prompt: y}\n  - {id: c, prompt: z}\n")
    planned = rivya_run("plan", project.path, RIVYA_RUN_ONLY="a b", RIVYA_RUN_JSON="1").stdout
    assert planned.count('"action": "create"') == 2
    assert rivya_run("run", project.path, RIVYA_RUN_CONCURRENCY="none").exit_code == 2


@pytest.mark.parametrize("name", ["RIVYA_RUN_MAX_CREDIT", "RIVYA_RUN_MAXCREDITS", "RIVYA_RUN_max_credits"])
def test_a_slip_in_a_variable_lifts_no_cap(project: Project, name: str) -> None:
    """Exit 2 before anything is made, with the name that was meant."""
    project.write(BOARD)
    refused = in_project(project, project.path, **{name: "5"})
    assert refused.exit_code == 2
    assert f"there is no variable {name} here. Did you mean RIVYA_RUN_MAX_CREDITS?" in refused.stderr
    assert not list((project.root / "outputs").iterdir())


def test_variables_of_other_commands_and_of_nobody_are_left_alone(project: Project) -> None:
    """They may be meant for another step of the same script, or for another program."""
    project.write(BOARD)
    others = {"RIVYA_RUN_EMBED": "1", "RIVYA_RUN_DETAILED_EXITCODE": "1", "RIVYA_RUN_WORKFLOW": "7"}
    assert in_project(project, "validate", project.path, **others).exit_code == 0


def test_option_names_in_the_environment_are_those_of_the_command_line() -> None:
    """Never those of a function's parameters, whatever the command; one that removes files has no variable, nor has
    what is set for a whole account."""
    for name in COMMANDS:
        for option in load(name).params:
            typed_only = (name, option.name) == ("clean", "yes") or (
                name in ("account", "mcp") and option.envvar == []
            )
            if isinstance(option, click.Option) and not typed_only:
                words = {word[2:].replace("-", "_").upper() for word in option.opts if word.startswith("--")}
                assert str(option.envvar).removeprefix("RIVYA_RUN_") in words


def test_no_words_at_all_show_the_help() -> None:
    """And that is a usage error."""
    result = rivya_run()
    assert result.exit_code == 2
    assert "Commands:" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nix.yaml",), 2, "there is no storyboard 'nix.yaml'"),
        (("run",), 2, "there is no STORYBOARD to run"),
        (("run", "a.yaml", "--nonsense"), 2, "No such option"),
        (("run", "a.yaml", "--max-credits", "nan"), 2, "--max-credits"),
        (("run", "a.yaml", "--max-credits", "inf"), 2, "--max-credits"),
        (("run", "a.yaml", "--concurrency", "0"), 2, "--concurrency"),
        (("run", "a.yaml", "--timeout", "-1"), 2, "--timeout"),
        (("run", "\x1b[31m.yaml"), 2, "\\x1b[31m.yaml"),
        (("status", "nix.yaml"), 2, "there is no storyboard"),
        (("adopt", "nix.yaml", "a", "task_1"), 2, "there is no storyboard"),
        (("plan", "."), 2, "there is no storyboard in the folder"),
        (("run", "--plan", "nix.json"), 2, "can't be read"),
    ],
)
def test_mistakes_on_the_command_line_are_messages(
    words: tuple[str, ...], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, what is wrong on standard error, nothing on standard output."""
    monkeypatch.chdir(tmp_path)
    result = rivya_run(*words)
    assert result.exit_code == code
    assert said in result.stderr
    assert "\x1b" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["validate"],
        ["plan"],
        ["status"],
        ["verify"],
        ["clean", "--yes"],
        ["report"],
        ["export"],
        ["watch"],
        ["init"],
        ["run", "board.yaml"],
        ["run", "board.yaml", "--outputs"],
        ["run", "--plan"],
        ["plan", "board.yaml", "--out"],
        ["export", "board.yaml", "--output"],
        ["simulator", "--books"],
    ],
    ids=" ".join,
)
def test_an_empty_name_is_not_the_folder_that_one_is_in(
    words: list[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unset shell variable must not mean every storyboard here, nor results beside them: exit 2."""
    (tmp_path / "board.yaml").write_text(BOARD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = rivya_run(*words, name)
    assert result.exit_code == 2
    assert "is empty; is a shell variable not set?" in result.stderr
    assert result.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["board.yaml"]


def test_an_empty_name_alone_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rivya-run "$STORYBOARD"` without such a variable."""
    (tmp_path / "board.yaml").write_text(BOARD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = rivya_run("")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is empty; is a shell variable not set?" in result.stderr


def test_a_bug_is_told_in_short_without_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Type and place for the report; the traceback only for those who ask; the key for nobody."""

    def broken() -> None:
        raise ZeroDivisionError("with rvya_sk_very_secret in it")

    monkeypatch.setattr(app_module, "load", lambda name: click.Command(name, callback=broken))
    monkeypatch.setenv("RIVYA_API_KEY", "rvya_sk_very_secret")
    for debug in ("", "1"):
        monkeypatch.setenv("RIVYA_RUN_DEBUG", debug)
        with pytest.raises(SystemExit) as left:
            app(["status"])
        said = capsys.readouterr().err
        assert left.value.code == 1
        assert "internal error: ZeroDivisionError at test_command_line.py:" in said
        assert ("Traceback" in said) == (debug == "1")
        assert "very_secret" not in said


def test_an_error_of_ours_is_its_message_its_hint_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also inside a group of errors that ended a command together."""

    def damaged() -> None:
        raise ExceptionGroup(
            "", [ExceptionGroup("", [JournalDamaged("line 3 is damaged", hint="restore it")])]
        )

    monkeypatch.setattr(app_module, "load", lambda name: click.Command(name, callback=damaged))
    with pytest.raises(SystemExit) as left:
        app(["status"])
    assert left.value.code == 7
    assert capsys.readouterr().err == "error: line 3 is damaged\nhint: restore it\n"


def test_ctrl_c_is_130_without_a_word_of_python(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever it comes."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app_module, "load", lambda name: click.Command(name, callback=interrupted))
    with pytest.raises(SystemExit) as left:
        app(["status"])
    assert left.value.code == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_is_every_storyboard_in_it(project: Project) -> None:
    """YAML and JSON with shots at the top, not what else lies there, not further down."""
    project.write("id: one\nshots:\n  - {id: a, prompt: x}\n")
    (project.root / "two.json").write_text('{"id": "two", "shots": [{"id": "a", "prompt": "x"}]}')
    (project.root / "compose.yaml").write_text("services: {web: {}}\n")
    (project.root / "package.json").write_text('{"name": "x", "config": {"shots": 1}}')
    (project.root / "deeper").mkdir()
    (project.root / "deeper" / "three.yaml").write_text(BOARD)
    planned = rivya_run("plan", project.root, "--json").stdout
    assert [line.strip() for line in planned.splitlines() if '"storyboard"' in line] == [
        '"storyboard": "one",',
        '"storyboard": "two",',
    ]


def test_a_reader_that_leaves_early_is_no_error_message(project: Project) -> None:
    """`rivya-run plan ... | head -1` ends quietly."""
    shots = "".join(f"  - {{id: s{number}, prompt: x}}\n" for number in range(3000))
    project.write("shots:\n" + shots)
    with subprocess.Popen(
        [sys.executable, "-m", "rivya_run", "plan", str(project.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert b"Traceback" not in running.stderr.read()


@pytest.fixture
def piped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is the current folder, with a picture that a piped storyboard refers to."""
    (tmp_path / "outputs").mkdir()
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "words", [("validate",), ("plan",), ("plan", "--format", "json"), ("plan", "--expand")]
)
def test_a_storyboard_from_standard_input(piped: Path, words: tuple[str, ...]) -> None:
    """``generator | rivya-run validate -``: references are looked for in the current folder."""
    result = rivya_run(*words, "-", typed="id: b\nshots:\n- {id: a, prompt: x, references: a.png}\n")
    assert result.exit_code == 0 and result.stdout
    result = rivya_run(*words, "-", typed="id: b\nshots:\n- {id: a, prompt: x, references: b.png}\n")
    assert result.exit_code == 3 and "-:3:34: error" in result.stderr
    result = rivya_run(*words, "-", typed="shots:\n- {id: a, prompt: x}\n")
    assert result.exit_code == 3 and "add one, 'id: my-storyboard'" in result.stderr
    assert [*(piped / "outputs").iterdir()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="shells of Windows have no <( )")
@pytest.mark.parametrize("words", ["validate", "plan --format markdown"])
def test_a_storyboard_from_a_command(piped: Path, words: str) -> None:
    """``rivya-run validate <(generator)``, as bash and zsh make it."""
    program = "import sys; from rivya_run.__main__ import main; sys.exit(main())"
    line = f'"$0" -c "$1" {words} <(printf \'id: b\\nshots:\\n- {{id: a, prompt: x, references: a.png}}\\n\')'
    done = subprocess.run(["bash", "-c", line, sys.executable, program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--simulate"),
        ("run",),
        ("status",),
        ("verify",),
        ("export",),
        ("report",),
        ("watch",),
        ("plan", "--out", "p.json"),
        ("plan", "--since", "HEAD"),
    ],
)
def test_what_needs_a_file_says_so(piped: Path, words: tuple[str, ...]) -> None:
    """A run goes by the folder and the name of its storyboard."""
    result = rivya_run(*words, "-", typed="id: b\nshots:\n- {id: a, prompt: x}\n", RIVYA_API_KEY="rvya_sk_x")
    assert result.exit_code == 2 and "'-' is a pipe: only 'validate' and 'plan' read one" in result.stderr
    assert [*(piped / "outputs").iterdir()] == []
