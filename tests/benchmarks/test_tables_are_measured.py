"""The tables of README and docs are what `benchmarks/results` says."""

import json

import pytest

pytestmark = pytest.mark.any_backend


@pytest.fixture(scope="module")
def tables(program):
    return program("make_tables")


def _number(value, seeds=None):
    seeds = [value] if seeds is None else seeds
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "sd": None, "seeds": seeds}


def test_every_table_is_up_to_date(tables):
    marked = 0
    for path in tables.documents():
        text = path.read_text(encoding="utf-8")
        marked += text.count("<!-- table:")
        assert text.count("<!-- table:") == text.count("<!-- end of table -->"), path
        assert tables.filled(text) == text, f"{path}: run python benchmarks/make_tables.py"
    assert marked >= 1


def test_another_number_makes_another_table(tables, tmp_path):
    content = json.loads((tables.RESULTS / "motion_digits_demo.json").read_text())
    content["rows"][0]["scores"]["top_1"] = {"value": 0.123, "low": 0.1, "high": 0.2}
    (tmp_path / "motion_digits_demo.json").write_text(json.dumps(content))
    text = "before\n<!-- table: motion_digits_demo -->\nold\n<!-- end of table -->\nafter\n"
    new = tables.filled(text, tmp_path)
    assert "| raw clips | 12.3 [10.0, 20.0] |" in new and "old" not in new
    assert new.startswith("before\n") and new.endswith("after\n")
    assert tables.filled(new, tmp_path) == new
    with pytest.raises(KeyError, match="no table is named"):
        tables.filled(text.replace("motion_digits_demo", "other"), tmp_path)


@pytest.mark.parametrize("word_weight", [0.0, 1.0])
def test_a_benchmark_becomes_a_table(tables, tmp_path, word_weight):
    number = _number(0.5)
    scores = {"top_1": number, "cmap": number, "leakage": number}
    lower = {"value": -0.25, "low": -0.3, "high": -0.2, "p": 0.001}
    rows = [
        {"id": "raw", "label": "Raw", "scores": scores, "seconds": {"test": 90.0}, "tests": {}},
        {"id": "chance", "label": "chance", "scores": {"cmap": {**number, "value": None}}},
    ]
    rows[0]["tests"] = {"raw": {"top_1": lower, "leakage": {**lower, "p": 0.5}}}
    rows[0]["attackers"] = {"reconstruction": {"cmap": {**number, "value": 0.45}}}
    rows[1] |= {"seconds": {}, "tests": {}, "attackers": {}}
    environment = {"backend": "jax", "cpus": 3}
    settings = {"seeds": 2, "workers": 1, "environment": environment, "seconds": 180.0}
    settings["run_seconds"] = 120.0
    settings["systems"] = {"raw": {"seed": 0, "word_weight": word_weight}, "vita": {"seed": 0}}
    settings["data"] = {"name": "motion-digits"} | ({} if word_weight else {"test_seed": 7})
    report = {"rows": rows, "reference": "raw", "settings": settings}
    (tmp_path / "benchmark_known.json").write_text(json.dumps(report))
    lines = tables.systems(tmp_path).splitlines()
    assert "Seeds: 2. jax, 3 CPU cores; 3 minutes" in lines[0]
    words = " With a reader of words (`word_weight`), off by default since: Raw."
    words += " Benchmarks have other test clips since, and VITA clips of its own to watch."
    run = "cells at a time: 1, in a run of 2 minutes."
    assert lines[0].endswith(run + words if word_weight else run)
    assert (words.strip() in tables.systems_short(tmp_path)) == bool(word_weight)
    heads = "| | action top-1 % | privacy cMAP % | leakage | cMAP % of rebuilt clips | "
    heads += "top-1 - Raw | leakage - Raw |"
    assert lines[2] == heads
    assert lines[4] == (
        "| Raw | 50.0 [40.0, 60.0] | 50.0 [40.0, 60.0] | 0.50 [0.40, 0.60] | "
        "45.0 [40.0, 60.0] | -25.0 (p < 0.01) | "
        "-0.25 (p 0.50) |"
    )
    assert lines[5] == "| chance | - | - | - | - | - | - |"


def test_floors_of_labels_are_of_a_split_or_of_draws(tables, tmp_path):
    def floors(cmap):
        return {"chance": {"cmap": cmap}, "all_positive": {"f1": 0.7}, "action_only": {"cmap": 0.8}}

    content = {"command": "a command", "floors": {"A": {"split 1": floors(0.5)}}}
    content["floors"]["B"] = {"draw 1": floors(0.4), "draw 2": floors(0.6)}
    (tmp_path / "label_floors.json").write_text(json.dumps(content))
    lines = tables.label_floors(tmp_path).splitlines()
    assert lines[0] == "`a command`:"
    assert lines[4] == "| A | split 1 | 50.0 | 0.700 | 80.0 |"
    assert lines[5] == (
        "| B | mean of 2 draws (least-most) | 50.0 (40.0-60.0) | 0.700 (0.700-0.700) | "
        "80.0 (80.0-80.0) |"
    )


def test_every_variant_of_phase_2_has_its_direction(program):
    """Other names would stand there as not measured."""
    directions = program("result_tables.directions")
    pairs = [pair for _, _, several in directions.pairs_of_variants() for pair in several]
    compared = {name for pair in pairs for name in pair}
    assert compared == set(program("opponents").VARIANTS)


def test_what_no_file_holds_is_not_measured(tables, program, tmp_path):
    measured = json.loads((tables.RESULTS / "opponents_0.json").read_text())
    rows = measured["rows"]
    for name in ("benchmark_known", "benchmark_deployment", "gates", "step_time"):
        (tmp_path / f"{name}.json").write_bytes((tables.RESULTS / f"{name}.json").read_bytes())
    changed = json.loads(json.dumps(rows["negated"]))
    for row in changed["report"]["rows"]:
        for key in ("top_1", "cmap"):
            if row["name"].startswith("anonymized") and key in row["scores"]:
                row["scores"][key]["value"] += 0.015
    direction = "| recognizers updated more often | `recognizer_updates=2` | "
    for content, effect in (
        ({"negated": rows["negated"]}, "not measured |"),
        (
            {"negated": rows["negated"], "negated, two updates": changed},
            "`negated` → `negated, two updates`: top-1 +1.5, clips +1.5, masks +1.5; "
            "`information` → `information, two updates`: not measured |",
        ),
    ):
        (tmp_path / "opponents_0.json").write_text(json.dumps({**measured, "rows": content}))
        assert direction + effect in tables.directions(tmp_path).splitlines()
