"""The forms of a report: table, JSON, CSV, page and picture."""

import csv
import io
import json

import numpy as np
import pytest
from html_page import Page
from PIL import Image, ImageFont

from keras_stprivacy.evaluation.figure import ClipPicture, clip_grid, sparsified
from keras_stprivacy.evaluation.intervals import Estimate
from keras_stprivacy.evaluation.report import Report
from keras_stprivacy.evaluation.scoring import Row

pytestmark = pytest.mark.any_backend

ATTRIBUTES = ("face", "<skin & tone>")


def _row(name, kind, value, **more):
    each = {"ap": Estimate(value), "f1": Estimate(value), "auroc": Estimate(value)}
    scores = {
        "cmap": Estimate(value, value - 0.05, value + 0.05),
        "f1": Estimate(value),
        "auroc": Estimate(None),
        "leakage": Estimate(0.25, 0.1, 0.4),
    }
    leaks = {
        "face": Estimate(0.75, 0.5, 0.9),
        "<skin & tone>": Estimate(None),
    }
    attributes = {a: {**each, "leakage": leaks[a]} for a in ATTRIBUTES}
    return Row(name, kind, more.pop("label", name), {**scores, **more}, attributes)


@pytest.fixture
def report():
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 255, (8, 32, 32, 3)).astype("uint8")
    rows = {"raw": clip, "sparsified": clip, "anonymized": clip}
    return Report(
        rows=[
            _row("raw", "system", 0.9, label="raw clips", top_1=Estimate(0.95, 0.9, 0.99)),
            _row("anonymized", "system", 0.6, top_1=Estimate(0.912, 0.88, 0.94)),
            _row("chance", "floor", 0.5, top_1=Estimate(0.12)),
            _row("action_only", "floor", 0.55, label="action only"),
        ],
        attribute_names=ATTRIBUTES,
        class_names=("walk", "run"),
        notes=["a note with <angle> brackets"],
        settings={
            "train_clips": 4000,
            "test_videos": 1000,
            "kept_tubelets": 16,
            "tubelets": 64,
            "attacker": "Recognizer",
            "epochs": 80,
            "seed": 0,
            "backend": "jax",
            "array": np.float32(0.5),
            "not_a_number": float("nan"),
        },
        history={"raw/action": {"loss": [2.0, 1.0], "accuracy": [0.2, 0.6]}},
        seconds={"train raw/action": 12.5},
        prevalence={"face": 0.5, "<skin & tone>": 0.4},
        pictures=[ClipPicture(rows, f"clip {i}") for i in range(3)],
    )


def test_table(report):
    text = str(report)
    lines = {line.split("  ")[0].strip(): line for line in text.splitlines()}
    assert "91.2 [88.0, 94.0]" in lines["anonymized"]
    assert "60.0 [55.0, 65.0]" in lines["anonymized"] and "0.25 [0.10, 0.40]" in lines["anonymized"]
    assert "95.0 [90.0, 99.0]" in lines["raw clips"]
    assert lines["action only"].count(" - ") >= 1
    assert "0.75 [0.50, 0.90]" in lines["face"]
    assert "Leaks most: face" in text and "Note: a note" in text
    assert "16 of 64 tubelets kept" in text and "seed 0" in text
    assert max(map(len, text.splitlines())) <= 160
    assert "\x1b" not in text


def test_json(report, tmp_path):
    text = report.to_json(tmp_path / "deep" / "report.json")
    assert (tmp_path / "deep" / "report.json").read_text() == text
    content = json.loads(text)
    assert content["rows"][1]["scores"]["top_1"] == {"value": 0.912, "low": 0.88, "high": 0.94}
    assert content["rows"][0]["attributes"]["<skin & tone>"]["leakage"]["value"] is None
    assert content["settings"]["array"] == 0.5 and content["settings"]["not_a_number"] is None
    assert content["format_version"] == 1 and content["history"]["raw/action"]["loss"] == [2.0, 1.0]


def test_csv(report, tmp_path):
    text = report.to_csv(tmp_path / "report.csv")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "report.csv").read_text())))
    assert text.count("\n") == len(lines) + 1
    found = {(x["row"], x["attribute"], x["score"]): x for x in lines}
    assert float(found["anonymized", "", "top_1"]["low"]) == 0.88
    assert found["raw", "<skin & tone>", "leakage"]["value"] == ""
    assert found["chance", "", "cmap"]["kind"] == "floor"


def test_page_stands_alone(report, tmp_path):
    report.to_html(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.open
    assert len(page.links) == 3
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert "script" not in page.seen and "http" not in text and "url(" not in text
    assert 'name="viewport"' in text and "prefers-color-scheme: dark" in text
    assert "<skin & tone>" in page.text and "<skin & tone>" not in text
    assert "91.2" in page.text and "highest leakage: face" in page.text
    assert "nan" not in page.text.lower()


def test_page_without_pictures_and_raw_clips(report, tmp_path):
    report.pictures = []
    report.rows = report.rows[1:]
    for row in report.rows:
        row.scores.pop("leakage")
        for scores in row.attributes.values():
            scores.pop("leakage")
    report.to_html(tmp_path / "report.html")
    assert "<img" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "raw clips" not in str(report)
    with pytest.raises(ValueError, match="holds no clips"):
        report.save_figure(tmp_path / "figure.png")


def test_rows_by_name(report):
    assert report["chance"].kind == "floor"
    assert report.worst_attribute() == ("face", Estimate(0.75, 0.5, 0.9))
    with pytest.raises(KeyError, match="There are"):
        report["downsample"]


def test_picture_shows_pixels_as_they_are(report, tmp_path):
    report.save_figure(tmp_path / "figure.png")
    image = np.asarray(Image.open(tmp_path / "figure.png"))
    frame = report.pictures[0].rows["raw"][0]
    enlarged = np.kron(frame, np.ones((4, 4, 1), "uint8"))
    height, width = enlarged.shape[:2]
    corner = np.argwhere((image == enlarged[0, 0]).all(axis=-1))
    found = (image[y : y + height, x : x + width] for y, x in corner)
    assert any(part.shape == enlarged.shape and (part == enlarged).all() for part in found)


@pytest.mark.parametrize("shape", [(16, 112, 112, 3), (2, 240, 320, 3), (1, 8, 24, 3)])
def test_picture_of_other_sizes(shape):
    clip = np.full(shape, 90, "uint8")
    image = clip_grid([ClipPicture({"raw": clip, "anonymized": clip}, "word " * 90)] * 5)
    assert 150 < image.width < 3000 and 100 < image.height < 3000


def test_names_of_rows_have_their_room():
    clip = np.zeros((2, 32, 32, 3), "uint8")
    clip[..., 0] = 255
    name = "a system of a long name, dropped"
    image = np.asarray(clip_grid([ClipPicture({name: clip}, "")], num_frames=1)).astype(int)
    tile = np.flatnonzero((image == (255, 0, 0)).all(axis=-1).any(axis=0))[0]
    ink = np.flatnonzero((image[:, :tile].sum(axis=-1) < 300).any(axis=0))
    length = ImageFont.load_default(14).getlength(name)
    assert ink[-1] - ink[0] == pytest.approx(length, abs=3) and ink[-1] < tile - 5


def test_sparsified_keeps_raw_pixels_where_tubelets_are_kept():
    clip = np.random.default_rng(0).integers(1, 255, (4, 4, 6, 3)).astype("uint8")
    mask = np.arange(2 * 2 * 3).reshape(2, 2, 3) % 2
    shown = sparsified(clip, mask.reshape(-1), (2, 2, 3))
    for frame in range(4):
        for y in range(4):
            for x in range(6):
                kept = mask[frame // 2, y // 2, x // 2]
                expected = clip[frame, y, x] if kept else 0
                assert (shown[frame, y, x] == expected).all()
