"""A manifest on disk, shot by shot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rivya_run.journal.manifest_file import load_head, load_lazily
from rivya_run.json_types import Json

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ENTRIES = st.lists(st.dictionaries(st.text(), ANY, max_size=3), max_size=3)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"version": ANY, "shots": ENTRIES, "uploads": ENTRIES, "history": ENTRIES}
)


def read(path: Path) -> Any:
    """The document with everything that was left for later."""
    found = load_lazily(path)
    if not isinstance(found, dict):
        return found
    return {
        name: list(value) if name in ("shots", "history") and value is not None else value
        for name, value in found.items()
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=DOCUMENTS, layout=st.sampled_from(["ours", "compact", "wide"]))
def test_it_is_the_same_document(tmp_path: Path, document: dict[str, Any], layout: str) -> None:
    """Whatever stands in it, and however it is laid out."""
    path = tmp_path / "manifest.json"
    text = {
        "ours": json.dumps(document, ensure_ascii=False, indent=1) + "\n",
        "compact": json.dumps(document),
        "wide": json.dumps(document, indent=4),
    }[layout]
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    assert read(path) == document


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('  "id": "a"', '<<<<<<< ours\n  "id": "a"'),
        lambda text: text.replace('   "id": "a"', '   "id": "a'),
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(" ],", " ]]", 1),
        lambda text: "",
    ],
)
def test_what_is_no_json_is_an_error(tmp_path: Path, change: Any) -> None:
    """A merge conflict, a lost quote, half a file: at the latest when its shots are gone through."""
    path = tmp_path / "manifest.json"
    document: dict[str, Any] = {
        "version": 1,
        "shots": [{"id": "a", "takes": []}, {"id": "b", "takes": []}],
        "history": [],
    }
    path.write_text(change(json.dumps(document, ensure_ascii=False, indent=1)), encoding="utf-8")
    with pytest.raises(ValueError):
        read(path)


def test_the_shots_stay_text(tmp_path: Path) -> None:
    """They can be gone through again and again."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"shots": [{"id": "a"}, {"id": "b"}]}), encoding="utf-8")
    shots = load_lazily(path)["shots"]
    assert not isinstance(shots, list)
    assert list(shots) == list(shots) == [{"id": "a"}, {"id": "b"}]


def test_the_head_is_read_without_the_shots(tmp_path: Path) -> None:
    """What is wrong in them isn't even seen."""
    path = tmp_path / "manifest.json"
    document: Json = {"version": 1, "storyboard": {"path": "a.yaml"}, "shots": [{"id": "a"}], "history": []}
    path.write_text(json.dumps(document).replace('"id": "a"', '"id": "a", "id": 1e999'), encoding="utf-8")
    assert load_head(path) == {"version": 1, "storyboard": {"path": "a.yaml"}}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-be"])
def test_the_encodings_of_editors_are_read(tmp_path: Path, encoding: str) -> None:
    """As the standard library reads them."""
    path = tmp_path / "manifest.json"
    path.write_text('{"shots": [{"id": "é"}]}', encoding=encoding)
    assert read(path) == {"shots": [{"id": "é"}]}


def test_a_head_that_is_no_json_is_a_value_error(tmp_path: Path) -> None:
    """Like any other file that is none."""
    path = tmp_path / "manifest.json"
    path.write_text('{\n<<<<\n "shots": [\n', encoding="utf-8")
    with pytest.raises(ValueError):
        load_head(path)
