"""The tables of README and docs are what `benchmarks/results` says."""

import importlib.util
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tables():
    path = ROOT / "benchmarks" / "make_tables.py"
    spec = importlib.util.spec_from_file_location("make_tables", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_a_benchmark_becomes_a_table(tables, tmp_path):
    number = {"value": 0.5, "low": 0.4, "high": 0.6, "sd": None, "seeds": [0.5]}
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
    report = {"rows": rows, "reference": "raw", "settings": settings}
    (tmp_path / "benchmark_known.json").write_text(json.dumps(report))
    lines = tables.systems(tmp_path).splitlines()
    assert "Seeds: 2. jax, 3 CPU cores; 3 minutes" in lines[0]
    assert lines[0].endswith("cells at a time: 1, in a run of 2 minutes.")
    heads = "| | action top-1 % | privacy cMAP % | leakage | cMAP % of rebuilt clips | "
    heads += "top-1 - Raw | leakage - Raw |"
    assert lines[2] == heads
    assert lines[4] == (
        "| Raw | 50.0 [40.0, 60.0] | 50.0 [40.0, 60.0] | 0.50 [0.40, 0.60] | "
        "45.0 [40.0, 60.0] | -25.0 (p < 0.01) | "
        "-0.25 (p 0.50) |"
    )
    assert lines[5] == "| chance | - | - | - | - | - | - |"
