"""The curves of a training: what is drawn, and that the file is whole and stands alone."""

import xml.etree.ElementTree as ET

import harness
import keras
import pytest
import tiny_models

from keras_stprivacy.evaluation import PrivacyProbe
from keras_stprivacy.training import TrainingCurves
from keras_stprivacy.training.curves_svg import curves_svg, panels_of

SVG = "{http://www.w3.org/2000/svg}"
LOGS = [
    {
        "epoch": epoch,
        "loss": 2.0 / epoch,
        "val_loss": 3.0 / epoch,
        "action_loss": 1.0,
        "mask_information": 30.0 / epoch,
        "val_mask_information": 31.0 / epoch,
        "bits_information": 20.0 / epoch,
        "retained_ratio_1": 0.7,
        "action_accuracy": 0.1 * epoch,
        "privacy_average_precision": 0.5,
        "privacy_ap_<face>": 0.6,
        "probe_ap_<face>": 0.9,
        "probe_leakage": 0.8,
        "probe_worst_leakage": 0.9,
        "probe_action_accuracy": 0.3,
        "probe_epoch": epoch - (epoch + 1) % 2,  # after 1, 3, ...
    }
    for epoch in range(1, 5)
]


def _series(title):
    panel = next(panel for panel in panels_of(LOGS) if panel.title.startswith(title))
    return {(one.name, one.kind): one.points for one in panel.series}


@pytest.mark.any_backend
def test_what_was_logged_is_in_its_panel():
    assert _series("losses")["loss", "line"] == ((1, 2.0), (2, 1.0), (3, 2.0 / 3), (4, 0.5))
    assert _series("losses")["loss", "dashed"][0] == (1, 3.0)
    nats = _series("nats beyond the action")
    assert nats["decision mask", "line"][:2] == ((1, 30.0), (2, 15.0))
    assert nats["decision mask", "dashed"][:2] == ((1, 31.0), (2, 15.5))
    assert nats["bits of kept tubelets", "line"][:2] == ((1, 20.0), (2, 10.0))
    assert set(_series("retained")) == {("block 1", "line")}
    opponent = "average precision of attributes: opponent"
    assert set(_series(opponent)) == {("mean", "line"), ("<face>", "line")}


@pytest.mark.any_backend
def test_a_probe_has_points_only_where_it_measured():
    fresh = "average precision of attributes: fresh"
    assert _series(fresh)["<face>", "dots"] == ((1, 0.9), (3, 0.9))
    assert [x for x, _ in _series("leakage")["worst attribute", "dots"]] == [1, 3]
    assert ("on what a deployment gives out (probe)", "dots") in _series("how well actions")


@pytest.mark.any_backend
def test_places_in_the_picture():
    svg = ET.fromstring(curves_svg([{"epoch": e, "loss": v} for e, v in ((1, 4), (2, 2), (3, 0))]))
    line = svg.find(f".//{SVG}polyline").get("points")
    (x1, y1), (x2, y2), (x3, y3) = (map(float, place.split(",")) for place in line.split())
    assert x1 < x2 < x3
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y1 < y2 < y3  # upwards is less in SVG
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.2)
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert {"losses", "loss", "1", "2", "3", "epoch"} <= set(texts)


@pytest.mark.any_backend
@pytest.mark.parametrize("value", [0.0, 1e-9, 5.0, 1e12, -3.0])
def test_constant_curves_of_any_size(value):
    svg = curves_svg([{"epoch": 1, "loss": value}, {"epoch": 2, "loss": value}])
    assert "nan" not in svg
    ET.fromstring(svg)


@pytest.mark.any_backend
def test_values_that_are_not_finite_are_left_out():
    logs = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": float("nan")}]
    assert panels_of(logs)[0].series[0].points == ((1, 1.0),)
    assert curves_svg([{"epoch": 1, "other": 1.0}]).endswith("</svg>")  # nothing to draw


@pytest.mark.any_backend
@pytest.mark.parametrize("name", ["curves.svg", "new/curves.html"])
def test_the_file_is_whole_after_every_epoch(tmp_path, name):
    curves = TrainingCurves(tmp_path / name, title="a < b")
    curves.on_train_begin()
    for epoch, logs in enumerate(LOGS):
        curves.on_epoch_end(epoch, {k: v for k, v in logs.items() if k != "epoch"})
        text = (tmp_path / name).read_text()
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "&lt;face&gt;" in text
        assert ("a &lt; b" in text) == name.endswith("html")
        ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [name.split("/")[-1]]
    assert curves.epochs == LOGS


@pytest.mark.any_backend
def test_a_training_that_goes_on_keeps_its_past(tmp_path):
    curves = TrainingCurves(tmp_path / "curves.svg")
    for begins in (0, 2):  # three epochs, then again from the third on
        curves.on_train_begin()
        for epoch in range(begins, 3):
            curves.on_epoch_end(epoch, {"loss": 1.0 + begins})
    assert [(one["epoch"], one["loss"]) for one in curves.epochs] == [(1, 1.0), (2, 1.0), (3, 3.0)]


@pytest.mark.any_backend
def test_another_ending():
    with pytest.raises(ValueError, match=r"as .svg or .html. Received: path='curves.png'"):
        TrainingCurves("curves.png")


@harness.not_on_jax
def test_whatever_is_logged_has_a_panel(tmp_path):
    """With all that adds to the logs; every value is another one, to be found again."""
    model = tiny_models.adversarial(
        anonymizer_options={"gate": "gumbel_top_k", "bottleneck_bits": 2},
        mask_information_weight=0.1,
        bits_information_weight=0.1,
        word_weight=1.0,
        attribute_names=["face", "hair"],
    )
    optimizers = ("anonymizer_optimizer", "recognizer_optimizer")
    model.compile(**{name: keras.optimizers.SGD(0.01) for name in optimizers}, **harness.EAGER)
    data = (tiny_models.clips(3), tiny_models.labels(3))
    probe = PrivacyProbe(data, data, attackers="linear_probe", epochs=5, batch_size=3)
    curves = TrainingCurves(tmp_path / "curves.svg")
    model.fit(*data, validation_data=data, callbacks=[probe, curves], verbose=0)
    names = [name for name in curves.epochs[0] if name not in ("epoch", "probe_epoch")]
    assert {"word_loss", "val_bits_information", "probe_worst_leakage"} <= set(names)
    logs = {name: float(number) for number, name in enumerate(names)}
    drawn = panels_of([{"epoch": 1, "probe_epoch": 1, **logs}])
    points = [point for panel in drawn for one in panel.series for point in one.points]
    assert sorted(points) == [(1, value) for value in logs.values()]


def test_in_fit(tmp_path):
    model = tiny_models.adversarial(attribute_names=["face", "hair"])
    optimizers = ("anonymizer_optimizer", "recognizer_optimizer")
    model.compile(**{name: keras.optimizers.SGD(0.01) for name in optimizers}, **harness.EAGER)
    curves = TrainingCurves(tmp_path / "curves.svg")
    data = (tiny_models.clips(3), tiny_models.labels(3))
    history = model.fit(*data, epochs=2, callbacks=[curves], verbose=0).history
    assert [logs["privacy_ap_face"] for logs in curves.epochs] == history["privacy_ap_face"]
    titles = [panel.title for panel in panels_of(curves.epochs)]
    assert titles[:3] == ["losses", "retained ratio", "how well actions are read"]
    assert titles[3].endswith("opponent in training")
