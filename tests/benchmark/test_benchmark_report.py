"""From cells to tables: seeds, floors, leakage, paired tests, and the forms of the report."""

import csv
import dataclasses
import io
import json
import re

import numpy as np
import pytest
from html_page import Page
from made_cells import ATTRIBUTES, made_cell, made_cells, made_plan
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from keras_stprivacy.benchmark.estimates import SeedEstimate, difference
from keras_stprivacy.benchmark.plot import trade_off_svg
from keras_stprivacy.benchmark.quoted import QUOTED
from keras_stprivacy.benchmark.report_html import render_html
from keras_stprivacy.benchmark.summary import summarize
from keras_stprivacy.benchmark.variant import Variant

pytestmark = pytest.mark.any_backend


@pytest.fixture(scope="module")
def plan():
    return made_plan()


@pytest.fixture(scope="module")
def cells(plan):
    return made_cells(plan, (1.5, 0.7, 0.0), (0.9, 0.6, 0.85))


@pytest.fixture(scope="module")
def report(plan, cells):
    return summarize(plan, cells, {"vita": "ValueError: no weights"})


def test_values_are_means_over_seeds_of_scikit_learns(report, cells):
    for name in ("raw", "downsample_2x", "stprivacy"):
        own = [cells[name, seed] for seed in range(2)]
        ap = [
            average_precision_score(c["privacy"], c["probability"]["anonymized/privacy"])
            for c in own
        ]
        auroc = [roc_auc_score(c["privacy"], c["probability"]["anonymized/privacy"]) for c in own]
        f1 = [
            f1_score(c["privacy"], c["probability"]["anonymized/privacy"] >= 0.5, average="macro")
            for c in own
        ]
        scores = report[name].scores
        assert scores["cmap"].value == pytest.approx(np.mean(ap), abs=1e-6)
        assert scores["cmap"].sd == pytest.approx(np.std(ap, ddof=1), abs=1e-6)
        assert scores["cmap"].seeds == pytest.approx(ap, abs=1e-6)
        assert scores["auroc"].value == pytest.approx(np.mean(auroc), abs=1e-6)
        assert scores["f1"].value == pytest.approx(np.mean(f1), abs=1e-6)
        assert scores["cmap"].low < scores["cmap"].value < scores["cmap"].high
    assert set(report["raw"].scores) >= {"top_1", "top_5"}


def test_leakage_lies_between_floor_and_raw_clips(report):
    assert report["raw"].scores["leakage"].value == pytest.approx(1.0)
    assert 0.4 < report["downsample_2x"].scores["leakage"].value < 1.0
    blind = report["stprivacy"].scores["leakage"]
    assert blind.low < 0.0 < blind.high
    chance = report["chance"].attributes["face"]["ap"].value
    assert chance == pytest.approx(report.prevalence["face"])


def test_leakage_beyond_the_action_counts_from_who_knows_it(report, cells):
    row, floor = report["downsample_2x"], report["action_only"]
    each = []
    for name in ATTRIBUTES:
        own, raw, least = (one.attributes[name]["ap"].value for one in (row, report["raw"], floor))
        each.append((own - least) / (raw - least))
        beyond = row.attributes[name]["leakage_action"]
        assert beyond.value == pytest.approx(each[-1])
        assert beyond.low < beyond.value < beyond.high and len(beyond.seeds) == 2
        assert beyond.value != pytest.approx(row.attributes[name]["leakage"].value, abs=1e-4)
    beyond = row.scores["leakage_action"]
    assert beyond.value == pytest.approx(np.mean(each)) and beyond.sd > 0.0
    assert np.mean(beyond.seeds) == pytest.approx(beyond.value)
    assert report["raw"].scores["leakage_action"].value == pytest.approx(1.0)
    assert "leakage_action" not in floor.scores


def test_who_gives_the_action_away_leaks_nothing_beyond_it():
    plan = made_plan(seeds=1)
    cells = made_cells(plan, (3.0, 1.0, 0.0), (0.9, 0.5, 0.5))
    share = np.array([0.9, 0.8, 0.6, 0.4, 0.2, 0.1])  # of the clips of an action that have "face"
    for cell in cells.values():
        rng = np.random.default_rng(3)
        for split in ("", "train_"):
            has = rng.random(len(cell[f"{split}action"])) < share[cell[f"{split}action"]]
            cell[f"{split}privacy"][:, 0] = has
        cell["probability"]["anonymized/privacy"][:, 0] = share[cell["action"]]
    raw = cells["raw", 0]
    raw["probability"]["anonymized/privacy"][:, 0] = raw["privacy"][:, 0]
    own = summarize(plan, cells, {})["stprivacy"].attributes["face"]
    assert own["leakage"].value > 0.3
    assert own["leakage_action"].value == pytest.approx(0.0, abs=0.12)
    # Nothing is read beyond the action from raw clips either: no share of that can be said.
    raw["probability"]["anonymized/privacy"][:, 0] = share[raw["action"]]
    report = summarize(plan, cells, {})
    assert report["stprivacy"].attributes["face"]["leakage_action"].value is None
    assert report["stprivacy"].attributes["face"]["leakage"].value == pytest.approx(1.0)
    assert any("leakage beyond the action is undefined for face" in n for n in report.notes)


def test_actions_read_better_than_from_raw_clips_are_put_in_their_place():
    plan = made_plan(seeds=1)
    words = "the action is read measurably better than from raw clips after"
    better = summarize(plan, made_cells(plan, (3.0, 1.0, 0.0), (0.6, 0.62, 0.9)), {})
    hardly = better["downsample_2x"].tests["raw"]["top_1"]
    assert hardly.value > 0.0 and hardly.p > 0.05
    (note,) = [note for note in better.notes if words in note]
    assert f"{words} STPrivacy. Attackers start from scratch and make 3 passes over" in note
    for text in (str(better), better.to_json(), better.to_markdown(), render_html(better)):
        assert words in text
    alike = summarize(plan, made_cells(plan, (3.0, 1.0, 0.0), (0.8, 0.6, 0.8)), {})
    assert words not in str(alike)


def test_a_system_that_lacks_seeds_is_marked_and_tested_against_no_other(tmp_path):
    plan = made_plan(("raw", "downsample_2x", "vita", "stprivacy"), seeds=3)
    cells = made_cells(plan, (1.5, 0.7, 0.4, 0.0), (0.9, 0.6, 0.7, 0.85))
    del cells["vita", 2], cells["vita", 1], cells["stprivacy", 2]
    given = {"vita": "MemoryError: too large"}
    report = summarize(plan, cells, given)
    assert given == {"vita": "MemoryError: too large"}
    assert report.failures == {**given, "stprivacy": "the other cells are missing"}
    assert (report["vita"].label, report["raw"].label) == ("VITA (1 of 3 seeds)", "Raw")
    said = [note for note in report.notes if "seeds only" in note]
    assert [note.split(";")[0] for note in said] == [
        "VITA: 1 of 3 seeds only (MemoryError: too large)",
        "STPrivacy: 2 of 3 seeds only (the other cells are missing)",
    ]
    assert not any("could not be measured" in note for note in report.notes)
    assert report["vita"].tests == {} == report["stprivacy"].tests
    assert set(report["raw"].tests) == {"downsample_2x"}
    assert len(report["stprivacy"].scores["leakage"].seeds) == 2
    report.save(tmp_path)
    for name in ("report.md", "report.html"):
        assert "STPrivacy (2 of 3 seeds)" in (tmp_path / name).read_text()
    assert "VITA (1 of 3 seeds)" in str(report) and "VITA: 1 of 3 seeds only" in str(report)
    # A mean over fewer seeds than asked for stands nowhere unmarked.
    whole = summarize(plan, made_cells(plan, (1.5, 0.7, 0.4, 0.0), (0.9, 0.6, 0.7, 0.85)), {})
    assert not whole.failures and not any("seeds only" in note for note in whole.notes)


def test_what_systems_say_of_themselves_is_said_once(plan, cells):
    cells = {key: dict(cell) for key, cell in cells.items()}
    for seed in range(2):
        cells["stprivacy", seed]["notes"] = ["was short of weights"]
    cells["downsample_2x", 1]["notes"] = ["one seed alone"]
    notes = summarize(plan, cells, {}).notes
    assert [note for note in notes if "weights" in note or "alone" in note] == [
        "downsample_2x, seed 1: one seed alone",
        "stprivacy, seeds 0, 1: was short of weights",
    ]


def test_cells_of_several_machines_are_told_apart(plan, cells):
    def notes(changed):
        return [n for n in summarize(plan, changed, {}).notes if "environments" in n]

    assert notes(cells) == []
    cells = {key: dict(cell) for key, cell in cells.items()}
    for key in (("raw", 1), ("stprivacy", 0), ("stprivacy", 1)):
        elsewhere = {"processor": "other", "keras": "k2"}
        cells[key]["environment"] = {**cells[key]["environment"], **elsewhere}
    (note,) = notes(cells)
    assert note == (
        "cells were measured in 2 environments, of which settings show the first: processor made, "
        "keras k (raw, seed 0; downsample_2x, seeds 0, 1), processor other, keras k2 (raw, seed 1; "
        "stprivacy, seeds 0, 1)"
    )


def test_who_watched_its_own_training_clips_is_said():
    words = "made has no validation clips: VITA watched its own training clips"
    for systems, said in ((("raw", "vita"), True), (("raw", "spact"), False)):
        plan = made_plan(systems, seeds=1)
        cells = made_cells(plan, (3.0, 1.0), (0.9, 0.5))
        assert any(words in note for note in summarize(plan, cells, {}).notes) == said
        learned = dataclasses.replace(plan.learned_from, validation=[], about_validation={"n": 1})
        watched = summarize(dataclasses.replace(plan, learned_from=learned), cells, {})
        assert not any(words in note for note in watched.notes)
        assert watched.settings["learned_from"]["validation"] == {"n": 1}


def test_paired_tests_find_what_differs(report):
    tests = report["downsample_2x"].tests["stprivacy"]
    assert tests["leakage"].p < 0.02 and tests["leakage"].low > 0.0
    assert tests["top_1"].p < 0.05 and tests["top_1"].value == pytest.approx(
        report["downsample_2x"].scores["top_1"].value - report["stprivacy"].scores["top_1"].value
    )
    back = report["stprivacy"].tests["downsample_2x"]["leakage"]
    assert back.value == pytest.approx(-tests["leakage"].value) and back.p == tests["leakage"].p


def test_paired_tests_of_equals_find_nothing():
    plan = made_plan(("raw", "vita", "spact", "collective", "blacken", "weak_blur"), seeds=1)
    equal = {
        (variant.id, 0): made_cell(plan, 0.8, 0.8, seed=number)
        for number, variant in enumerate(plan.variants)
    }
    rows = summarize(plan, equal, {}).rows
    p = [tests["cmap"].p for row in rows for tests in row.tests.values()]
    assert len(p) == 30 and sum(value < 0.05 for value in p) <= 6 and max(p) > 0.3


@pytest.mark.parametrize(("undefined", "known"), [(0, True), (400, True), (600, False)])
def test_a_test_needs_half_of_its_samples(undefined, known):
    rng = np.random.default_rng(0)
    one, two = rng.normal(0.6, 0.01, 1000), rng.normal(0.5, 0.01, 1000)
    one[:undefined] = np.nan
    test = difference(0.6, 0.5, one, two)
    assert test.value == pytest.approx(0.1)
    assert [end is not None for end in (test.low, test.high, test.p)] == [known] * 3
    assert not known or test.p == pytest.approx(2 / (1001 - undefined))


def test_systems_tested_on_other_videos_are_not_compared(plan, cells):
    other = {**cells}
    for seed in range(2):
        cell = made_cell(plan, 1.0, 0.5, seed)
        cell["privacy"] = cell["privacy"][::-1].copy()
        other["downsample_2x", seed] = cell
    report = summarize(plan, other, {})
    assert report["downsample_2x"].tests == {} and "leakage" not in report["downsample_2x"].scores
    assert any("tested on other videos" in note for note in report.notes)


def test_videos_of_one_source_video_are_drawn_together(report):
    plan = made_plan()
    cells = made_cells(plan, (1.5, 0.7, 0.0), (0.9, 0.6, 0.85))
    for cell in cells.values():
        cell["source_video"] = (np.arange(120) // 4).astype("int32")
    grouped = summarize(plan, cells, {})
    assert any("120 test videos were cut from 30 source videos" in note for note in grouped.notes)
    for name in ("raw", "stprivacy"):
        one, other = (of[name].scores["top_1"] for of in (grouped, report))
        assert one.value == other.value
        assert (one.low, one.high) != (other.low, other.high)
    test, other = (of["raw"].tests["stprivacy"]["cmap"] for of in (grouped, report))
    assert test.value == other.value and (test.low, test.high) != (other.low, other.high)


def test_what_is_degenerate_is_said():
    plan = made_plan(seeds=1)
    cells = made_cells(plan, (3.0, 1.0, 0.0), (0.9, 0.5, 0.5))
    for cell in cells.values():
        for key in ("action", "video"):
            cell[key] = cell[key][:12]
        cell["privacy"] = cell["privacy"][:12].copy()
        cell["privacy"][:, 1] = 0
        cell["probability"] = {k: v[:12] for k, v in cell["probability"].items()}
        cell["seen_in_training"], cell["partly_annotated"] = 3, 5
        cell["boxes"] = {"frames_without_box": 6, "frames": 96, "share_without_box": 0.0625}
    report = summarize(plan, cells, {})
    notes = "\n".join(report.notes)
    assert "12 test videos are too few for intervals and tests" in notes
    assert 'no test video has "<hair>"' in notes and "the splits leak" in notes
    assert "6 of 96 frames (6.2 %) had no person box" in notes
    assert "5 frames were left out: not all of their attributes are annotated" in notes
    assert report["raw"].attributes["<hair>"]["ap"].value is None
    text = str(report) + report.to_json() + report.to_csv() + report.to_markdown()
    assert "nan" not in text.lower()


def test_who_reads_rebuilt_clips_counts_as_an_attacker(plan, cells):
    cells = {key: dict(cell) for key, cell in cells.items()}
    for seed in range(2):
        cell = cells["stprivacy", seed]
        rebuilt = cells["raw", seed]["probability"]["anonymized/privacy"]
        cell["probability"] = {**cell["probability"], "rebuilt/privacy": rebuilt}
        cell["strongest"] = {"face": "reconstruction", "<hair>": "video_transformer"}
    report = summarize(plan, cells, {})
    own = report["stprivacy"]
    assert own.attributes["face"]["ap"].value == report["raw"].attributes["face"]["ap"].value
    assert own.attributes["face"]["leakage"].value == pytest.approx(1.0)
    assert own.attributes["<hair>"]["leakage"].value < 0.5
    assert set(own.attackers) == {"video_transformer", "reconstruction"}


def test_files_that_the_test_shares_with_training_are_said(cells):
    plan = made_plan()
    sources = {"train": frozenset("abcd"), "test": frozenset("dxyz")}
    leaking = dataclasses.replace(plan.attacked, sources=sources)
    elsewhere = dataclasses.replace(plan.attacked, sources={"train": frozenset("pq")})
    for learned, who in ((leaking, "systems and attackers"), (elsewhere, "attackers")):
        changed = dataclasses.replace(plan, attacked=leaking, learned_from=learned)
        notes = [note for note in summarize(changed, cells, {}).notes if "video files" in note]
        assert notes == [
            f"1 of 4 video files of the test are among those that {who} could learn from: the "
            "splits leak"
        ]
    assert not any("video files" in note for note in summarize(plan, cells, {}).notes)


def test_files_that_the_test_shares_with_what_was_watched_are_said(cells):
    plan = made_plan()
    attacked = dataclasses.replace(plan.attacked, sources={"test": frozenset("dxyz")})
    sources = {"train": frozenset("ab"), "validation": frozenset("xyp")}
    learned = dataclasses.replace(plan.learned_from, sources=sources, validation=object())
    changed = dataclasses.replace(plan, attacked=attacked, learned_from=learned)
    assert not any("leak" in note for note in summarize(changed, cells, {}).notes)
    watching = Variant("watching", "vita", "VITA")
    changed = dataclasses.replace(changed, variants=(*plan.variants, watching))
    notes = [note for note in summarize(changed, cells, {}).notes if "video files" in note]
    assert notes == [
        "2 of 4 video files of the test are among those of the split validation, which VITA "
        "watched: the splits leak"
    ]


def test_a_hundred_attributes_stay_readable(tmp_path):
    names = tuple(f"tag {i:04d}" for i in range(100))
    plan = made_plan()
    data = dataclasses.replace(plan.attacked, attribute_names=names)
    settings = dataclasses.replace(plan.settings, bootstrap=0, seeds=1)
    plan = dataclasses.replace(plan, attacked=data, learned_from=data, settings=settings)
    cells = made_cells(plan, (3.0, 2.0, 0.5), (0.9, 0.9, 0.8))
    rng = np.random.default_rng(0)
    share = np.linspace(0.5, -0.2, 100)  # some are in no test video
    for cell in cells.values():
        drawn = np.random.default_rng(1).random((180, 100)) < share
        cell["privacy"], cell["train_privacy"] = (
            drawn[:120].astype("int8"),
            drawn[120:].astype("int8"),
        )
        said = 0.3 * cell["privacy"] + 0.7 * rng.random((120, 100))
        cell["probability"]["anonymized/privacy"] = said.astype("float32")
    report = summarize(plan, cells, {})
    assert len(report.notes) < 20 and max(map(len, report.notes)) < 400
    assert any("show the 12 most frequent of 100 attributes" in note for note in report.notes)
    notes = "\n".join(report.notes)
    assert re.search(r"no test video has any of \d+ attributes \(.* more\): all their", notes)
    text = str(report)
    assert "tag 0000" in text and max(map(len, text.splitlines())) <= 260
    paths = report.save(tmp_path)
    assert "tag 0099" in paths[0].read_text() and "tag 0099" in paths[1].read_text()
    assert paths[-1].stat().st_size < 2e6


def test_table_json_csv_and_markdown(report, tmp_path):
    text = str(report)
    lines = {line.split("  ")[0].strip(): line for line in reversed(text.splitlines())}
    assert "1.00" in lines["Raw"] and "<0.01" in text and " sd " in lines["STPrivacy"]
    assert "quoted: VP-HMDB51" in text and "not measured here" in text
    assert "vita could not be measured: ValueError: no weights" in text
    assert max(map(len, text.splitlines())) <= 190 and "\x1b" not in text
    paths = report.save(tmp_path)
    content = json.loads(paths[0].read_text())
    assert content["rows"][0]["scores"]["cmap"]["seeds"] and content["failures"] == report.failures
    assert content["settings"]["systems"]["stprivacy"] == {"seed": 0}
    rows = list(csv.DictReader(io.StringIO(paths[1].read_text())))
    found = {(r["row"], r["attacker"], r["attribute"], r["score"]): r for r in rows}
    assert float(found["raw", "", "", "leakage"]["value"]) == pytest.approx(1.0)
    assert found["chance", "", "face", "ap"]["kind"] == "floor"
    for row in content["rows"][:3]:
        beyond = float(found[row["id"], "", "", "leakage_action"]["value"])
        assert beyond == pytest.approx(row["scores"]["leakage_action"]["value"], abs=1e-6)
    markdown = paths[2].read_text()
    assert "| STPrivacy |" in markdown and "## The paper's own figures" in markdown
    scores = ("AP %", "AUROC", "F1", "leakage", "leakage beyond the action")
    assert all(f"\n| {score} |" in markdown for score in scores)
    assert "| leakage beyond action |" in markdown.split("## Attributes")[0]


@pytest.mark.parametrize("value", [8.3, 900.0, -40.0])
def test_the_plot_has_room_for_any_leakage(plan, cells, value):
    report = summarize(plan, cells, {})
    report["stprivacy"].scores["leakage"] = SeedEstimate(value, value - 1.0, value + 1.0)
    plot = trade_off_svg(report)
    assert plot.count("<circle") == 3 and plot.count('class="gridline"') < 30


@pytest.mark.parametrize("across", ["leakage", "cmap"])
def test_axes_of_shares_end_at_none_and_at_all(plan, cells, across):
    report = summarize(plan, cells, {})
    report["raw"].scores |= {"top_1": SeedEstimate(0.99, 0.97, 1.0)}
    report["raw"].scores |= {"cmap": SeedEstimate(1.0, 1.0, 1.0)}
    report["stprivacy"].scores |= {"top_1": SeedEstimate(0.01, 0.0, 0.02)}
    report["stprivacy"].scores |= {"cmap": SeedEstimate(0.01, 0.0, 0.02)}
    if across == "cmap":
        for row in report.rows:
            row.scores.pop("leakage", None)
    plot = trade_off_svg(report)
    up = [int(tick) for tick in re.findall(r'text-anchor="end">(-?\d+)</text>', plot)]
    assert (min(up), max(up)) == (0, 100)
    along = [float(tick) for tick in re.findall(r'text-anchor="middle">(-?[\d.]+)</text>', plot)]
    assert across == "leakage" or (min(along), max(along)) == (0, 100)


def test_page_stands_alone_with_plot_bars_and_pictures(report, tmp_path):
    report.to_html(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.open
    assert page.links and all(link.startswith("data:image/png;base64,") for link in page.links)
    assert "script" not in page.seen and "http" not in text and "url(" not in text
    assert page.seen.count("circle") == 3 and text.count('class="tradeoff"') == 1
    assert page.seen.count("rect") == 2 * 3 * len(ATTRIBUTES)
    assert "<hair>" in page.text and "<hair>" not in text
    assert "beyond action" in page.text and "leakage beyond the action" in page.text
    assert "quoted: VP-UCF101" in page.text and "max-width: 600px" in text
    assert "nan" not in page.text.lower()


def test_curves_join_the_places_of_one_method(tmp_path):
    plan = made_plan(("raw", "downsample_2x", "downsample_4x", "stprivacy"), seeds=1)
    cells = made_cells(plan, (3.0, 2.0, 1.0, 0.3), (0.9, 0.8, 0.6, 0.85))
    report = summarize(plan, cells, {})
    report.to_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().count("<polyline") == 1


def test_a_row_may_be_a_place_of_several_curves_which_go_along_their_dials(plan, cells):
    report = summarize(plan, cells, {})
    report["raw"].curves = {"a": 2.0}
    report["stprivacy"].curves = {"a": 1.0, "b": 5.0}
    report["downsample_2x"].curves = {"a": 3.0, "b": 4.0}
    plot = trade_off_svg(report)
    lines = [line.split('points="')[1].split('"')[0].split() for line in plot.split("<")
             if line.startswith("polyline")]  # fmt: skip
    (first, second), centres = lines, []
    for circle in (part for part in plot.split("<") if part.startswith("circle")):
        x, y = (circle.split(f'{name}="')[1].split('"')[0] for name in ("cx", "cy"))
        centres.append(f"{x},{y}")
    raw, down, own = centres
    assert first == [own, raw, down] and second == [down, own]


def test_quoted_tables_are_complete():
    first, second = QUOTED["known"]
    assert first.rows["stprivacy"] == (50.73, 0.613, 72.48)
    assert second.rows["raw"] == (84.20, 0.684, 76.62)
    assert [len(t.rows) for tables in QUOTED.values() for t in tables] == [10, 10, 4, 4, 10, 9, 10]
    assert QUOTED["ospar"][0].rows["spact"] == (23.16, 14.02, 28.59)
    assert QUOTED["fapder"][0].rows["strong_blur"] == (56.77, 0.331, 63.61)
