"""Values of parameters: what is sent, and what is refused before it costs."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.errors import Severity
from rivya_run.json_types import Json
from rivya_run.models.catalog import load_catalog
from rivya_run.models.table import AdviceRow, ModelTable, ParameterRow, ParameterType
from rivya_run.models.values import Accepted, Rejected, Written, advice_for, judge_params, judge_value

CATALOG = load_catalog()


def table_of(model: str) -> ModelTable:
    table = CATALOG.get(model)
    assert table is not None
    return table


def row_of(model: str, key: str) -> ParameterRow:
    row = table_of(model).row(key)
    assert row is not None
    return row


def sent(row: ParameterRow, value: Json, text: str | None = None) -> Json:
    judged = judge_value(row, value, text)
    assert isinstance(judged, Accepted), judged
    return judged.value


def refused(row: ParameterRow, value: Json, text: str | None = None) -> Rejected:
    judged = judge_value(row, value, text)
    assert isinstance(judged, Rejected), judged
    return judged


@pytest.mark.parametrize(
    ("model", "key", "value", "text", "wire"),
    [
        ("grok-imagine-video", "mode", "fun", "fun", "fun"),
        ("grok-imagine-video", "aspect_ratio", "9:16", "9:16", "9:16"),
        ("grok-imagine", "enable_pro", True, "true", "true"),
        ("kling-2-6", "duration", 5, "5", "5"),
        ("kling-2-6", "duration", 5.0, None, "5"),
        ("elevenlabs-dialogue-v3", "stability", 0.5, ".5", "0.5"),
        ("grok-imagine-video", "duration", 12, "12", 12),
        ("grok-imagine-video", "duration", 6.0, "6.0", 6),
        ("elevenlabs-turbo-2-5", "stability", 0.15, "0.15", 0.15),
        ("elevenlabs-turbo-2-5", "speed", 0.7, "0.7", 0.7),
        ("google-imagen4", "seed", 42, "42", "42"),
        ("google-imagen4", "seed", 1.5, "1.50", "1.50"),
        ("google-imagen4", "seed", 42.0, None, "42"),
        ("google-imagen4", "negative_prompt", "", "", ""),
    ],
)
def test_what_is_sent(model: str, key: str, value: Json, text: str | None, wire: Json) -> None:
    """A select is sent as its option's text, a number as a JSON number, text as text."""
    got = sent(row_of(model, key), value, text)
    assert got == wire
    assert type(got) is type(wire)


@pytest.mark.parametrize(
    ("model", "key", "value", "code", "message"),
    [
        ("grok-imagine-video", "duration", 45, "range", "45 is more than the maximum 30"),
        ("grok-imagine-video", "duration", 5, "range", "5 is less than the minimum 6"),
        ("grok-imagine-video", "duration", 6.5, "step", "6.5 is not in steps of 1 from 6"),
        ("grok-imagine-video", "duration", "12", "type", "'12' is text: write the number without quotes"),
        ("grok-imagine-video", "duration", "long", "type", "'long' is text where a number is needed"),
        ("grok-imagine-video", "duration", True, "type", "true or false where a number is needed"),
        ("grok-imagine-video", "duration", None, "type", "an empty value where a number is needed"),
        ("grok-imagine-video", "duration", math.inf, "type", "a number must be finite"),
        ("grok-imagine-video", "duration", math.nan, "type", "a number must be finite"),
        (
            "grok-imagine-video",
            "mode",
            "spicey",
            "option",
            "'spicey' is not an option, did you mean 'spicy'?",
        ),
        (
            "grok-imagine-video",
            "aspect_ratio",
            "16:10",
            "option",
            "'16:10' is not an option, did you mean '16:9'?",
        ),
        ("grok-imagine-video", "mode", ["fun"], "type", "a list where one of fun, normal, spicy is needed"),
        ("grok-imagine", "enable_pro", "yes", "option", "'yes' is not an option: it is one of false, true"),
        ("google-imagen4", "seed", True, "type", "true or false where text is needed"),
        ("elevenlabs-dialogue-v3", "dialogue", "Hello", "type", "text where a list is needed"),
        ("elevenlabs-dialogue-v3", "dialogue", [], "required", "'dialogue' must not be empty"),
    ],
)
def test_what_is_refused(model: str, key: str, value: Json, code: str, message: str) -> None:
    """A value outside its row is refused with a stable code and a short reason."""
    judged = refused(row_of(model, key), value)
    assert (judged.code, judged.message) == (code, message)


def test_lines_of_dialogue_are_judged_one_by_one() -> None:
    """A fault in a line of dialogue is told with the way to it."""
    row = row_of("elevenlabs-dialogue-v3", "dialogue")
    lines: Json = [{"voice": "Adam", "text": "Hello"}, {"text": "On", "x-note": "ours"}]
    assert sent(row, lines) == [{"voice": "Adam", "text": "Hello"}, {"text": "On"}]
    assert refused(row, [{"text": "Hi"}, {"voice": "Adam"}]).path == (1,)
    misspelt = refused(row, [{"voise": "Adam", "text": "Hi"}])
    assert misspelt == Rejected("unknown-key", "[0] unknown key 'voise', did you mean 'voice'?", (0, "voise"))
    assert refused(row, [{"text": " "}]).code == "blank"
    assert refused(row, ["Hi"]).code == "type"


@given(
    st.integers(0, 20),
    st.sampled_from(["0", "0.7", "-1", "1.15"]),
    st.sampled_from(["0.05", "0.1", "0.5", "3"]),
)
def test_every_step_from_the_minimum_is_taken_and_half_a_step_never(
    count: int, start: str, step: str
) -> None:
    """Steps are counted in decimal from the minimum, so that 0.15 is three steps of 0.05."""
    minimum = Decimal(start)
    row = ParameterRow(
        "x", ParameterType.NUMBER, False, None, float(minimum), None, float(Decimal(step)), None, ""
    )
    on = float(minimum + count * Decimal(step))
    off = float(minimum + (count + Decimal("0.5")) * Decimal(step))
    assert isinstance(judge_value(row, on), Accepted)
    assert refused(row, off).code == "step"


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)
)
def test_no_value_breaks_the_judge(value: Json) -> None:
    """Any value of any row is either sent or refused with a reason."""
    for model in ("grok-imagine-video", "elevenlabs-dialogue-v3", "google-imagen4"):
        for row in table_of(model).params:
            judged = judge_value(row, value)
            assert isinstance(judged, Accepted) or judged.message


@pytest.mark.parametrize(
    "model", [table.id for table in CATALOG.all() if table.complete and table.id != "elevenlabs-dialogue-v3"]
)
def test_complete_models_need_no_more_than_a_prompt(model: str) -> None:
    """Each of the 38 complete models fills its params from its own table, and takes all of its defaults."""
    table = table_of(model)
    judged = judge_params(table, {})
    assert judged.findings == ()
    assert judged.params == table.defaults()
    again = judge_params(table, {key: Written(value) for key, value in judged.params.items()})
    assert again == judged


def test_there_are_38_of_them() -> None:
    """Thirty-eight complete models and the dialogue one are what the pages gave."""
    assert sum(table.complete for table in CATALOG.all()) == 39


def outside(row: ParameterRow) -> list[Json]:
    """Values one step outside a row."""
    values: list[Json] = []
    step = row.step or 1
    if row.type is ParameterType.NUMBER:
        values += ["6s", True, None, [], {}]
        if row.minimum is not None:
            values.append(float(Decimal(str(row.minimum)) - Decimal(str(step))))
        if row.maximum is not None:
            values.append(float(Decimal(str(row.maximum)) + Decimal(str(step))))
        if row.step is not None:
            values.append(float(Decimal(str(row.minimum or 0)) + Decimal(str(step)) / 2))
    elif row.type is ParameterType.SELECT:
        options = row.options or ()
        values += [None, [], {}, *(f"{option}0" for option in options if f"{option}0" not in options)]
        values += [option.swapcase() for option in options if option.swapcase() not in options]
    elif row.type is ParameterType.TEXT:
        values += [None, True, [], {}]
    else:
        values += [None, "a", 1, {}]
    return values


@pytest.mark.parametrize("model", CATALOG.ids())
def test_one_step_outside_a_row_is_a_problem(model: str) -> None:
    """No value just outside any row of any model would be sent."""
    table = table_of(model)
    for row in table.params:
        for value in outside(row):
            judged = judge_params(table, {row.key: Written(value)})
            assert [finding.key for finding in judged.findings if finding.code != "required"] == [row.key], (
                value
            )


def test_unknown_keys() -> None:
    """An unknown key is a problem with a suggestion; in an incomplete table it is advice and is sent."""
    complete = judge_params(table_of("grok-imagine-video"), {"resolutoin": Written("720p")})
    assert [(f.code, f.message, f.at_key) for f in complete.findings] == [
        ("unknown-key", "unknown key 'resolutoin', did you mean 'resolution'?", True)
    ]
    assert "resolutoin" not in complete.params
    incomplete = judge_params(table_of("wan-2-2-a14b-turbo"), {"num_frames": Written(81)})
    assert [(f.code, f.severity) for f in incomplete.findings] == [("unknown-key", Severity.ADVICE)]
    assert incomplete.params["num_frames"] == 81


@pytest.mark.parametrize("model", ["grok-imagine-video", "wan-2-2-a14b-turbo"])
def test_references_are_never_params(model: str) -> None:
    """The wire's own key for references is refused in every table, people's x- keys are left out."""
    judged = judge_params(table_of(model), {"referenceMediaItems": Written([]), "x-why": Written("ours")})
    assert [(f.code, f.severity) for f in judged.findings] == [("reserved", Severity.ERROR)]
    assert judged.params == table_of(model).defaults()


def test_a_required_parameter_without_a_default_is_missed() -> None:
    """Dialogue without lines is a problem; a voice with a default is not."""
    judged = judge_params(table_of("elevenlabs-dialogue-v3"), {})
    assert [(f.key, f.code) for f in judged.findings] == [("dialogue", "required")]


def test_params_are_sent_in_the_order_of_the_table() -> None:
    """What was written and what was filled in come in the table's order."""
    judged = judge_params(
        table_of("grok-imagine-video"), {"aspect_ratio": Written("1:1"), "mode": Written("fun")}
    )
    assert list(judged.params) == ["mode", "duration", "resolution", "aspect_ratio"]


def test_advice_holds_only_for_its_combination() -> None:
    """Spicy is advised against only together with a reference, a written parameter only where it was written."""
    table = table_of("grok-imagine-video")
    params = table.defaults() | {"mode": "spicy"}

    def codes(written: list[str], params: dict[str, Json], references: bool) -> list[str]:
        return [row.code for row in advice_for(table, written, params, references=references)]

    assert codes(["mode"], params, True) == ["spicy-reference"]
    assert codes(["mode"], params, False) == []
    assert codes([], table.defaults(), True) == []
    written = replace(table, advice=(AdviceRow("shape", "written", written=("aspect_ratio",)),))
    assert [row.code for row in advice_for(written, [], params, references=True)] == []
    assert [row.code for row in advice_for(written, ["aspect_ratio"], params, references=True)] == ["shape"]
    without = replace(table, advice=(AdviceRow("lonely", "needs a reference", references=False),))
    assert [row.code for row in advice_for(without, [], params, references=False)] == ["lonely"]


@pytest.mark.parametrize(
    ("written", "how"),
    [("7", "without quotes"), ("07", "as 7, without leading zeros"), ("1_000", "as 1000")],
)
def test_text_that_looks_like_a_number_says_how_the_number_is_written(written: str, how: str) -> None:
    """Unquoted 07 is text by the rules, and quotes are not what is wrong with it."""
    rows = (row for table in CATALOG.all() for row in table.params)
    number = next(row for row in rows if row.type is ParameterType.NUMBER)
    judged = judge_value(number, written)
    assert isinstance(judged, Rejected)
    assert judged.message == f"'{written}' is text: write the number {how}"
