"""Phase 3 end to end, at a tiny size: the scale, what attackers see, bad input."""

import contextlib
import functools
import gc
import types

import keras
import numpy as np
import pytest
from colored_clips import ATTACKER, CLIP_SHAPE, colored_clips

import keras_stprivacy as stp
from keras_stprivacy.evaluation.attackers import VideoTransformerAttacker
from keras_stprivacy.evaluation.attackers.training import Training
from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.evaluation.eight_bit import EightBitTransform, to_eight_bit

# Without compilation JAX dispatches one operation at a time, which takes longer than compiling.
JIT = keras.backend.backend() == "jax"
evaluate = functools.partial(
    stp.evaluation.evaluate, attacker=ATTACKER, jit_compile=JIT, batch_size=16
)


@pytest.fixture(scope="module")
def black_report(make_anonymizer):
    """An anonymizer that shows nothing, on clips that show everything."""
    return evaluate(
        make_anonymizer("black"),
        colored_clips(128, seed=0),
        colored_clips(120, seed=1),
        epochs=10,
        batch_size=32,
        learning_rate=1e-2,
        bootstrap=200,
        class_names=["dark", "red"],
        attribute_names=["green", "blue"],
    )


def test_the_scale_works_at_both_ends(black_report):
    raw, anonymized = black_report["raw"].scores, black_report["anonymized"].scores
    assert raw["top_1"].low > 0.85 and raw["cmap"].low > 0.85 and raw["auroc"].low > 0.85
    assert anonymized["auroc"].value == 0.5
    assert anonymized["cmap"].value == pytest.approx(black_report["chance"].scores["cmap"].value)
    assert anonymized["leakage"].value == pytest.approx(0.0, abs=1e-9)
    assert raw["leakage"].value == pytest.approx(1.0)
    assert anonymized["top_1"].high < 0.7
    assert set(black_report["raw"].attributes) == {"green", "blue"}


def test_settings_history_and_times_are_in_the_report(black_report):
    settings = black_report.settings
    assert settings["train_clips"] == 128 and settings["test_videos"] == 120
    assert settings["kept_tubelets"] == 4 and settings["tubelets"] == 8
    assert settings["epochs"] == 10 and settings["seed"] == 0
    assert settings["attacker_config"]["hidden_dim"] == 24
    keys = {f"{s}/{t}" for s in ("raw", "anonymized") for t in ("action", "privacy")}
    assert set(black_report.history) == keys
    assert len(black_report.history["raw/action"]["accuracy"]) == 10
    assert black_report.history["raw/action"]["accuracy"][-1] > 0.9
    assert black_report.history["raw/privacy"]["cmap"][-1] > 0.9
    assert {"transform train", "test", "bootstrap", "train raw/action"} <= set(black_report.seconds)
    picture = black_report.pictures[0]
    assert list(picture.rows) == ["raw", "sparsified", "anonymized"]
    assert picture.rows["anonymized"].max() == 0 and picture.rows["raw"].max() > 0
    assert picture.caption.split(":")[0] in ("dark", "red")


def test_attackers_leave_memory_when_the_report_stands(make_anonymizer):
    def recognizers():
        keras.backend.clear_session()
        gc.collect()
        return sum(type(thing) is stp.models.Recognizer for thing in gc.get_objects())

    clips, before = colored_clips(16, seed=0), recognizers()
    report = evaluate(make_anonymizer("black"), clips, clips, epochs=1, bootstrap=0)
    assert report["anonymized"].scores
    assert recognizers() == before


def test_the_anonymizer_is_frozen_and_two_runs_give_the_same_table(make_anonymizer):
    anonymizer = make_anonymizer()
    run = functools.partial(
        evaluate,
        anonymizer,
        colored_clips(48, seed=0),
        colored_clips(40, seed=1),
        epochs=1,
        raw=False,
        bootstrap=20,
        seed=0,
    )
    before = [np.array(w) for w in anonymizer.get_weights()]
    first, second = run(), run()
    assert first.to_dict()["rows"] == second.to_dict()["rows"]
    assert first.history == second.history
    for old, new in zip(before, anonymizer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert anonymizer.keep_ratio == 0.5 and anonymizer.trainable
    assert [row.name for row in first.rows] == ["anonymized", "chance", "action_only"]
    assert "leakage" not in first["anonymized"].scores
    assert "anonymized" in str(first)


def test_views_of_batches_are_averaged_and_equal_ones_computed_once(make_anonymizer):
    clip, labels = colored_clips(40, seed=1)
    train = colored_clips(32, seed=0)
    run = functools.partial(evaluate, make_anonymizer(), train, epochs=1, raw=False, bootstrap=0)
    single = run((clip, labels))
    # The same thrice, in batches of an iterable, of uneven size.
    thrice = np.repeat(clip[:, None], 3, axis=1)
    rows = [slice(0, 16), slice(16, 23), slice(23, 40)]
    repeated = run((thrice[r], {k: v[r] for k, v in labels.items()}) for r in rows)
    assert repeated.settings["test_views"] == 3
    assert repeated.settings["different_test_views"] == 40
    assert "40 test videos of 3 views" in str(repeated)
    assert "40 test videos of one view" in str(single)
    for name, number in single["anonymized"].scores.items():
        assert repeated["anonymized"].scores[name].value == pytest.approx(number.value, abs=1e-6)


@pytest.mark.parametrize("held", [None, 2])
def test_views_that_clips_do_not_hold_are_an_error(make_anonymizer, held):
    clip, labels = colored_clips(8, seed=1)
    views = clip if held is None else np.repeat(clip[:, None], held, axis=1)
    words = rf"asks for 15 views of each video, but test holds clips with {held or 1}\."
    with pytest.raises(ValueError, match=words):
        evaluate(make_anonymizer(), (clip, labels), (views, labels), views=(5, 3), epochs=1)


def test_a_test_in_batches_may_hold_several_of_one_source_video(make_anonymizer):
    train, (clip, labels) = colored_clips(32, seed=0), colored_clips(24, seed=1)
    run = functools.partial(evaluate, make_anonymizer(), train, epochs=1, raw=False)
    for test, bootstrap, said in (
        ((clip, labels), 50, False),
        ([(clip, labels)], 50, True),
        ([(clip, labels)], 0, False),
        ([(clip[:16], {key: value[:16] for key, value in labels.items()})], 50, False),
    ):
        notes = run(test, bootstrap=bootstrap).notes
        assert any("intervals are too narrow" in note for note in notes) == said
    partly = {**labels, "source_video": [""] * 3 + [f"film {i}" for i in range(21)]}
    (note,) = (note for note in run((clip, partly), bootstrap=50).notes if "too narrow" in note)
    assert note.startswith("of 3 of them it is not known")


def test_videos_of_one_source_video_widen_the_interval(make_anonymizer):
    train, (clip, labels) = colored_clips(32, seed=0), colored_clips(24, seed=1)
    clip, labels = np.repeat(clip, 2, axis=0), {k: np.repeat(v, 2, 0) for k, v in labels.items()}
    cut_from = np.repeat([f"film {i}" for i in range(24)], 2)
    run = functools.partial(evaluate, make_anonymizer(), train, epochs=1, raw=False, bootstrap=400)
    apart = run((clip, labels))
    together = run((clip, {**labels, "source_video": cut_from}))
    assert not any("source video" in note for note in apart.notes)
    words = "the 48 test videos were cut from 24 source videos"
    assert any(words in note for note in together.notes)
    widths = []
    for report in (apart, together):
        one = report["anonymized"].scores["auroc"]
        widths.append(one.high - one.low)
    assert widths[1] > 1.2 * widths[0]

    rows = (slice(0, 20), slice(20, 48))
    batches = [
        (clip[row], {**{k: v[row] for k, v in labels.items()}, "source_video": cut_from[row]})
        for row in rows
    ]
    assert run(batches).to_dict()["rows"] == together.to_dict()["rows"]
    del batches[1][1]["source_video"]
    with pytest.raises(ValueError, match="in all batches or in none. Received: 1 of 2 batches"):
        run(batches)
    few = {**labels, "source_video": np.arange(48) // 4}
    notes = run((clip, few)).notes
    assert any("12 source videos (of 48 test videos) are too few" in note for note in notes)
    gaps = [*cut_from[:-1].tolist(), float("nan")]
    for wrong in (cut_from[:-1], np.linspace(0, 1, 48), gaps, [*gaps[:-1], True], None):
        with pytest.raises(ValueError, match='"source_video" of test must be a whole number'):
            run((clip, {**labels, "source_video": wrong}))


def test_a_system_tells_how_it_was_trained(make_anonymizer):
    anonymizer = make_anonymizer()
    anonymizer.notes = ["it was trained on a Sunday"]
    data = colored_clips(16, seed=1)
    report = evaluate(anonymizer, data, data, epochs=1, raw=False, bootstrap=0)
    assert "it was trained on a Sunday" in report.notes


def test_whole_videos_are_cut_into_views(make_anonymizer):
    clip, labels = colored_clips(24, seed=1)
    videos = [np.repeat(np.repeat(c, 2, axis=2), 2, axis=0) for c in to_eight_bit(clip)]
    report = evaluate(
        make_anonymizer(), (videos, labels), (videos, labels), epochs=1, raw=False, bootstrap=0
    )
    assert report.settings["test_views"] == 15
    assert report.settings["different_test_views"] == 24 * 15
    assert "24 test videos of 15 views" in str(report)
    assert report.settings["train_clips"] == 24
    assert report.settings["test_videos"] == 24


def test_attackers_see_what_a_deployment_gives_out(make_anonymizer):
    clip, _ = colored_clips(21, seed=0)
    anonymizer = make_anonymizer()
    anonymizer.gain.assign(1.7)
    given, mask = EightBitTransform(anonymizer, batch_size=8, jit_compile=JIT)(clip)
    assert given.dtype == np.uint8 and mask.shape == (21, 8)
    np.testing.assert_array_equal(mask.sum(axis=1), 4)
    expected = np.clip(clip * np.float32(1.7), 0, 1) * np.float32(255)
    assert np.abs(given - expected).max() <= 0.5001 and given.max() == 255
    _, mask = EightBitTransform(anonymizer, 0.25, batch_size=8, jit_compile=JIT)(clip)
    np.testing.assert_array_equal(mask.sum(axis=1), 2)


def test_dropped_tubelets_are_not_seen_by_the_attacker(make_anonymizer):
    attacker = VideoTransformerAttacker(
        "privacy", 2, make_anonymizer(), ATTACKER, num_kept=4, jit_compile=JIT
    )
    clips = np.random.default_rng(0).integers(0, 255, (3, *CLIP_SHAPE)).astype("uint8")
    mask = np.repeat([[1, 1, 1, 1, 0, 0, 0, 0]], 3, axis=0)
    other = clips.copy()
    other[:, 2:] = 7  # the second tubelet row
    one, two = attacker.predict(clips, mask), attacker.predict(other, mask)
    np.testing.assert_allclose(one, two, atol=1e-6)
    assert one.shape == (3, 2) and (one > 0).all() and (one < 1).all()


def test_attacker_forms(make_anonymizer):
    anonymizer = make_anonymizer()
    built = []

    def build(num_classes, num_kept, seed):
        built.append((num_classes, num_kept, seed))
        return stp.models.Recognizer(num_classes=num_classes, num_kept=num_kept, **ATTACKER)

    started = []
    attacker = VideoTransformerAttacker(
        "action", 2, anonymizer, build, started.append, num_kept=4, seed=9
    )
    assert built == [(2, 4, 9)] and started == [attacker.model]
    with pytest.raises(ValueError, match="has no num_frames"):
        VideoTransformerAttacker("action", 2, types.SimpleNamespace())
    with pytest.raises(ValueError, match=r"takes .*but the anonymizer gives"):
        VideoTransformerAttacker("action", 2, anonymizer, {**ATTACKER, "num_frames": 8})
    with pytest.raises(ValueError, match="tubelets"):
        VideoTransformerAttacker(
            "action", 2, anonymizer, {**ATTACKER, "tubelet_size": (4, 4, 4)}, num_kept=4
        )
    with pytest.raises(ValueError, match=r"takes .*but the anonymizer gives"):
        VideoTransformerAttacker("action", 2, anonymizer, "motion_digits_8x32")
    with pytest.raises(TypeError, match="attacker must be"):
        VideoTransformerAttacker("action", 2, anonymizer, 3)
    with pytest.raises(TypeError, match="must return a Keras model"):
        VideoTransformerAttacker("action", 2, anonymizer, lambda **_: None)


def test_attackers_begin_afresh_from_their_seed(make_anonymizer):
    make = functools.partial(VideoTransformerAttacker, "action", 2, make_anonymizer(), ATTACKER)
    one, two, three = make(seed=1), make(seed=1), make(seed=2)
    same = zip(one.model.get_weights(), two.model.get_weights(), strict=True)
    assert all((a == b).all() for a, b in same)
    assert (one.model.get_weights()[0] != three.model.get_weights()[0]).any()


def test_weight_decay_spares_biases_norms_and_position_embedding(make_anonymizer):
    attacker = VideoTransformerAttacker("action", 2, make_anonymizer(), ATTACKER, jit_compile=JIT)
    attacker.compile(10, Training(1, 1e-3, 0.05, 0.1))
    optimizer = attacker.model.optimizer
    decayed = {
        v.path.split("/", 1)[1]
        for v in attacker.model.trainable_variables
        if optimizer._use_weight_decay(v)
    }
    assert decayed and all("kernel" in path for path in decayed)
    rates = [float(optimizer._learning_rate(step)) for step in (0, 1, 5, 10)]
    assert rates[0] == 0.0 and rates[1] == pytest.approx(1e-3, rel=1e-3)
    assert rates[3] == pytest.approx(0.0, abs=1e-9) and rates[1] > rates[2] > rates[3]


def test_store_in_memory_and_in_a_file_hold_the_same(tmp_path):
    clips = np.random.default_rng(0).integers(0, 255, (10, *CLIP_SHAPE)).astype("uint8")
    bytes_of_clip = int(np.prod(CLIP_SHAPE))
    stores = [ClipStore(CLIP_SHAPE, n * bytes_of_clip, tmp_path, f"s{n}") for n in (0, 4, 10)]
    for store in stores:
        for start in range(0, 10, 3):
            part = clips[start : start + 3]
            store.append(part, np.ones((len(part), 8)))
        store.close()
        np.testing.assert_array_equal(store.clips, clips)
        assert len(store) == 10 and store.decision_mask.shape == (10, 8)
    assert [store.spilled for store in stores] == [True, True, False]
    with pytest.raises(ValueError, match="uint8"):
        stores[0].append(clips.astype("float32"))


def test_full_disk_is_said(tmp_path):
    store = ClipStore(CLIP_SHAPE, 0, tmp_path, "full")
    store.path = type(store.path)("/dev/full")
    with pytest.raises(OSError, match="memory_limit=0 bytes"):
        for _ in range(100):
            store.append(np.zeros((64, *CLIP_SHAPE), "uint8"))
    with contextlib.suppress(OSError):  # what is left in its buffer does not fit either
        store._file.close()


def test_what_a_reader_must_know_is_said(make_anonymizer):
    train_clip, train_labels = colored_clips(32, seed=0)
    clip, labels = colored_clips(12, seed=1)
    labels["privacy"][:, 0] = 1
    labels["privacy"][:, 1] = 0
    train_labels["action"][:] = 1
    clip[:5] = train_clip[:5]
    report = evaluate(
        make_anonymizer(),
        (train_clip, train_labels),
        (clip, labels),
        epochs=1,
        attribute_names=["green", "blue"],
        class_names=["dark", "red"],
        raw=False,
        memory_limit=1000,
    )
    notes = "\n".join(report.notes)
    assert 'every test video has "green"' in notes
    assert 'no test video has "blue"' in notes
    assert "too few for intervals" in notes
    assert "5 of 12 test videos hold a clip that is also a training clip" in notes
    assert "actions that no training clip shows: dark" in notes
    assert "exceeded memory_limit=1000 bytes" in notes
    assert report["anonymized"].attributes["blue"]["ap"].value is None
    assert report["anonymized"].scores["cmap"].value == 1.0
    assert report["anonymized"].scores["auroc"].value is None
    assert "nan" not in str(report).lower() and "NaN" not in report.to_json()


def _labels(count, **changes):
    labels = {"action": np.zeros(count, int), "privacy": np.zeros((count, 2), int)}
    labels.update(changes)
    return {key: value for key, value in labels.items() if value is not None}


@pytest.mark.parametrize(
    ("split", "data", "words"),
    [
        ("train", (np.zeros((0, *CLIP_SHAPE)), _labels(0)), "train is empty"),
        ("test", [], "test is empty"),
        ("test", (np.zeros((2, *CLIP_SHAPE)), _labels(2, privacy=None)), 'no "privacy"'),
        ("train", (np.zeros((2, *CLIP_SHAPE)), _labels(2, action=None)), 'no "action"'),
        ("test", (np.zeros((2, *CLIP_SHAPE)), _labels(2, action=np.array([0, 7]))), "7"),
        ("test", (np.zeros((2, *CLIP_SHAPE)), _labels(2, action=np.array([0, -1]))), "-1"),
        ("train", (np.zeros((2, *CLIP_SHAPE)), _labels(2, action=np.array([0, 9]))), "class_names"),
        ("test", (np.zeros((2, *CLIP_SHAPE)), _labels(2, privacy=np.zeros((2, 3)))), "3"),
        ("train", (np.zeros((2, *CLIP_SHAPE)), _labels(2, privacy=np.full((2, 2), -1))), "-1"),
        ("train", (np.zeros((2, *CLIP_SHAPE)), _labels(2, privacy=np.full((2, 2), np.nan))), "nan"),
        ("train", (np.zeros((2, *CLIP_SHAPE)), _labels(3)), "batch of 2"),
        ("train", (np.zeros((2, 4, 8, 9, 3)), _labels(2)), "as the anonymizer was built"),
        ("train", (np.full((2, *CLIP_SHAPE), np.nan), _labels(2)), "finite"),
        ("train", (np.full((2, *CLIP_SHAPE), 200.0), _labels(2)), "Divide"),
        ("train", (np.zeros((2, *CLIP_SHAPE), "int64"), _labels(2)), "uint8, or float"),
        ("train", "ucf101", "iterable"),
        ("train", [np.zeros((2, *CLIP_SHAPE))], "tuple"),
    ],
)
def test_bad_data(make_anonymizer, split, data, words):
    good = colored_clips(8, seed=0)
    splits = {"train": good, "test": good, split: data}
    with pytest.raises(ValueError, match=words):
        evaluate(
            make_anonymizer(),
            splits["train"],
            splits["test"],
            epochs=1,
            raw=False,
            bootstrap=0,
            class_names=["dark", "red"],
        )


def test_endless_data_is_refused(make_anonymizer):
    class Endless:
        def cardinality(self):
            return np.int64(-1)

        def __iter__(self):
            raise AssertionError("never read")

    with pytest.raises(ValueError, match="train is endless"):
        evaluate(make_anonymizer(), Endless(), colored_clips(8, seed=0), epochs=1)


def test_bad_anonymizers(make_anonymizer):
    train = colored_clips(8, seed=0)
    with pytest.raises(FloatingPointError, match="NaN"):
        evaluate(make_anonymizer("nan"), train, train, epochs=1)
    with pytest.raises(TypeError, match="Keras model"):
        evaluate(lambda clip: clip, train, train, epochs=1)
    with pytest.raises(ValueError, match="num_kept says 3"):
        evaluate(make_anonymizer(kept=3), train, train, epochs=1)
    with pytest.raises(ValueError, match="epochs=0"):
        evaluate(make_anonymizer(), train, train, epochs=0)


def test_an_anonymizer_that_drops_nothing(make_anonymizer):
    report = evaluate(
        make_anonymizer("no mask"),
        colored_clips(16, seed=0),
        colored_clips(8, seed=1),
        epochs=1,
        raw=False,
        bootstrap=0,
    )
    assert report.settings["kept_tubelets"] is None
    assert list(report.pictures[0].rows) == ["raw", "anonymized"]


def test_the_real_anonymizer_on_the_embedded_dataset():
    anonymizer = stp.models.Anonymizer.from_preset(
        "motion_digits_8x32", hidden_dim=24, num_heads=2, num_sparsification_blocks=1, seed=3
    )
    train = stp.data.motion_digits("train", num_clips=32, cache=False)
    test = stp.data.motion_digits("test", num_clips=24, cache=False)
    report = stp.evaluation.evaluate(
        anonymizer,
        train,
        test,
        epochs=1,
        keep_ratio=0.5,
        raw=False,
        bootstrap=10,
        batch_size=8,
        jit_compile=JIT,
    )
    assert report.attribute_names == test.attribute_names
    assert report.settings["kept_tubelets"] == anonymizer.num_kept(0.5)
    assert report.settings["attacker_config"]["num_layers"] == 2
    assert report["chance"].scores["cmap"].value == pytest.approx(
        np.mean(list(test.prevalence.values()))
    )
    picture = report.pictures[0].rows
    kept = picture["sparsified"] != 0
    np.testing.assert_array_equal(picture["raw"][0], test.clips[0, 0])
    assert (picture["sparsified"][kept] == picture["raw"][kept]).all()
