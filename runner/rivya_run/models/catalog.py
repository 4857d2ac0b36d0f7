"""All parameter tables in force: the built-in ones and a project's own, each read when it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rivya_run.errors import StoryboardError
from rivya_run.models.table_file import read_checked, read_project_table
from rivya_run.records.problems import Problem, Severity
from rivya_run.records.tables import ModelTable

DEFAULT_MODEL = "grok-imagine-video"
PROJECT_FOLDER = "models"
ENDING = ".yaml"
_BUILT_IN = Path(__file__).parents[1] / "tables"


class Catalog:
    """The tables by model id. Immutable; a built-in table is read from disk once, when first asked for."""

    def __init__(self, built_in: Path, project: Mapping[str, tuple[bytes, ModelTable]]) -> None:
        self._built_in = built_in
        self._project = dict(project)
        self._read: dict[str, ModelTable] = {model: table for model, (_, table) in self._project.items()}
        self._ids: list[str] | None = None

    def get(self, model_id: str) -> ModelTable | None:
        """The table of a model, or None where there is none."""
        if model_id not in self._read:
            if model_id not in self.ids():
                return None
            file = self._built_in / f"{model_id}{ENDING}"
            self._read[model_id] = read_checked(file.read_bytes(), file.name)
        return self._read[model_id]

    def ids(self) -> list[str]:
        """Every model id, sorted."""
        if self._ids is None:
            shipped = (file.stem for file in self._built_in.iterdir() if file.suffix == ENDING)
            self._ids = sorted({*shipped, *self._project})
        return list(self._ids)

    def all(self) -> list[ModelTable]:
        """Every table, sorted by id."""
        tables = (self.get(model_id) for model_id in self.ids())
        return [table for table in tables if table is not None]

    def is_project_table(self, model_id: str) -> bool:
        """Whether the table comes from the project's ``models/`` folder."""
        return model_id in self._project

    def source(self, model_id: str) -> bytes:
        """The table's file as it is; KeyError where there is no such model."""
        if model_id in self._project:
            return self._project[model_id][0]
        if model_id not in self.ids():
            raise KeyError(model_id)
        return (self._built_in / f"{model_id}{ENDING}").read_bytes()

    def digest(self) -> str:
        """sha256 (hex) over all table files in force; line endings don't matter."""
        total = hashlib.sha256()
        for model_id in self.ids():
            text = self.source(model_id).replace(b"\r\n", b"\n")
            total.update(f"{model_id} {len(text)}\n".encode())
            total.update(text)
        return total.hexdigest()


@cache
def _shipped() -> Catalog:
    return Catalog(_BUILT_IN, {})


def load_catalog(project_models: Path | None = None) -> Catalog:
    """The built-in tables, with those of ``project_models`` (a ``models/`` folder, need not exist) over them.

    Raises StoryboardError with the problems of every project table that is wrong.
    """
    if project_models is None or not project_models.is_dir():
        return _shipped()
    problems: list[Problem] = []
    tables: dict[str, tuple[bytes, ModelTable]] = {}
    for file in sorted(project_models.iterdir()):
        if file.suffix not in {ENDING, ".yml"} or file.name.startswith("."):
            continue
        try:
            content = file.read_bytes()
            table = read_project_table(content, str(file), file.stem)
        except OSError as error:
            text = f"can't be read: {error.strerror or error}"
            problems.append(Problem(str(file), 1, 1, Severity.ERROR, "table", text, "unreadable"))
        except StoryboardError as error:
            problems.extend(error.problems)
        else:
            if table.id in tables:
                text = f"a second table for '{table.id}'"
                problems.append(Problem(str(file), 1, 1, Severity.ERROR, "id", text, "duplicate-id"))
            tables[table.id] = (content, table)
    if problems:
        hint = f"every YAML file in {project_models} is read as the table of a model"
        raise StoryboardError("the project's parameter tables have problems", problems, hint=hint)
    return Catalog(_BUILT_IN, tables) if tables else _shipped()
