"""How much an evaluation holds in memory at once."""

import types

import keras
import numpy as np
import pytest
from colored_clips import ATTACKER, CLIP_SHAPE, colored_clips

import keras_stprivacy as stp
from keras_stprivacy.evaluation import testing
from keras_stprivacy.evaluation.attackers import Attacker, FrameAttacker
from keras_stprivacy.evaluation.attackers.reconstruction import ReconstructionAttacker
from keras_stprivacy.metrics import psnr, ssim

pytestmark = pytest.mark.any_backend


@pytest.mark.parametrize("shape", [(8, 32, 32, 3), (2, 24, 20, 3)])
def test_the_nearness_of_clips_is_measured_clip_by_clip(shape, monkeypatch):
    rng = np.random.default_rng(0)
    raw, rebuilt, given = rng.integers(0, 256, (3, 5, *shape)).astype("uint8")
    given[3] = raw[3]
    mean = rng.uniform(0, 255, shape).astype("float32")
    whole = np.broadcast_to(np.rint(mean).astype("uint8"), raw.shape)
    sizes = []
    for metric in (psnr, ssim):

        def counted(one, other, metric=metric):
            sizes.append((len(one), len(other)))
            return metric(one, other)

        counted.__name__ = metric.__name__
        monkeypatch.setattr(testing, metric.__name__, counted)
    measured = testing._quality(raw, rebuilt, given, mean)
    assert set(sizes) == {(1, 1)}
    for name, clips in (("", rebuilt), ("_given", given), ("_floor", whole)):
        np.testing.assert_array_equal(measured[f"psnr{name}"], psnr(raw, clips))
        np.testing.assert_array_equal(measured[f"ssim{name}"], ssim(raw, clips))


def test_held_out_clips_and_labels_of_frames_are_made_a_few_at_a_time(make_anonymizer, monkeypatch):
    asked = {"predict": [], "rebuild": [], "targets": []}

    def spy(cls, name):
        does = getattr(cls, name)

        def counted(self, values, *others):
            asked[name].append(len(values))
            return does(self, values, *others)

        monkeypatch.setattr(cls, name, counted)

    spy(Attacker, "predict")
    spy(ReconstructionAttacker, "rebuild")
    spy(FrameAttacker, "targets")
    report = stp.evaluation.evaluate(
        make_anonymizer(),
        colored_clips(120, seed=0),
        colored_clips(24, seed=1),
        attackers=("linear_probe", "frame", "reconstruction"),
        attacker=ATTACKER,
        epochs=1,
        batch_size=5,
        bootstrap=0,
        jit_compile=keras.backend.backend() == "jax",
    )
    assert any("12 training clips that none learned from" in note for note in report.notes)
    assert {name: max(sizes) for name, sizes in asked.items()} == dict.fromkeys(asked, 5)


def test_every_frame_learns_the_labels_of_its_clip():
    target = types.SimpleNamespace(clip_shape=CLIP_SHAPE)
    attacker = FrameAttacker("privacy", 2, target)
    labels = np.array([[0, 1], [1, 1]])
    frames = attacker.targets(labels)
    assert frames.shape == (2, 4, 2) and (frames == labels[:, None]).all()
