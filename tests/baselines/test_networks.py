"""Networks of the compared systems: their sizes as published, their shapes, their files."""

import importlib.util
import math
import sys

import keras
import numpy as np
import pytest
from harness import not_on_jax, numpy, run

import keras_stprivacy as stp
from keras_stprivacy.baselines.networks.c3d import C3D
from keras_stprivacy.baselines.networks.collective_network import CollectiveNetwork
from keras_stprivacy.baselines.networks.contrastive_branch import ContrastiveBranch
from keras_stprivacy.baselines.networks.frame_classifier import FrameClassifier
from keras_stprivacy.baselines.networks.image_backbone import image_backbone
from keras_stprivacy.baselines.networks.layers import (
    AlignedUpsampling2D,
    TimeDilatedConv3D,
    aligned_weights,
)
from keras_stprivacy.baselines.networks.r3d18 import R3D18
from keras_stprivacy.baselines.networks.small_resnet import SmallResNet
from keras_stprivacy.baselines.networks.transform_network import TransformNetwork
from keras_stprivacy.baselines.networks.unet import UNet

CLIP = (4, 32, 32, 3)


def trainable(model):
    return sum(math.prod(v.shape) for v in model.trainable_variables)


def conv(kernel, before, after, bias=False, norm=True):
    """Weights of a convolution, with scale and offset of a normalization after it."""
    return math.prod(kernel) * before * after + after * bias + 2 * after * norm


def unet_parameters():
    k = (3, 3)

    def double(before, middle, after):
        return conv(k, before, middle) + conv(k, middle, after)

    down = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512)]
    total = sum(double(before, after, after) for before, after in down)
    ups = [(512 + 512, 256), (256 + 256, 128), (128 + 128, 64), (64 + 64, 64)]
    total += sum(double(before, before // 2, after) for before, after in ups)
    return total + conv((1, 1), 64, 3, bias=True, norm=False)


def r3d_parameters(classes):
    k = (3, 3, 3)
    total = conv((3, 7, 7), 3, 64) + 4 * conv(k, 64, 64)
    for before, after in ((64, 128), (128, 256), (256, 512)):
        total += conv(k, before, after) + 3 * conv(k, after, after) + conv((1, 1, 1), before, after)
    return total + 512 * classes + classes


def c3d_parameters(classes):
    k = (3, 3, 3)
    pairs = [(3, 64), (64, 128), (128, 256), (256, 256), (256, 512)] + [(512, 512)] * 3
    total = sum(conv(k, *pair, bias=True, norm=False) for pair in pairs)
    for before, after in ((512 * 4 * 4, 4096), (4096, 4096), (4096, classes)):
        total += before * after + after
    return total


def transform_parameters():
    total = conv((9, 9), 3, 32) + conv((3, 3), 32, 64) + conv((3, 3), 64, 128)
    total += 10 * conv((3, 3), 128, 128)
    return total + conv((3, 3), 128, 64) + conv((3, 3), 64, 32) + conv((9, 9), 32, 3)


@pytest.mark.any_backend  # numbers of weights are the same on all
def test_published_sizes():
    """Counted by hand from the descriptions, and what the publications' code has."""
    assert trainable(UNet(112)) == unet_parameters() == 17_263_107
    assert trainable(R3D18(101)) == r3d_parameters(101) == 33_218_085  # torchvision's r3d_18
    assert trainable(R3D18(101, dilate_last=True)) == r3d_parameters(101)
    assert trainable(C3D(101)) == c3d_parameters(101) == 78_409_573
    assert trainable(TransformNetwork(112)) == transform_parameters() == 1_677_638
    assert trainable(CollectiveNetwork(112)) == 30_979


@pytest.mark.any_backend
def test_sizes_of_keras_applications():
    image = ContrastiveBranch(112)
    mlp = 2 * (2048 * 2048 + 2048) + 2048 * 128 + 128
    assert image.count_params() == 23_587_712 + mlp  # ResNet-50 without its top
    clip = FrameClassifier(5, (16, 112, 112, 3), "mobilenet", 0.75)
    assert clip.count_params() == 1_832_976 + 768 * 5 + 5


NETWORKS = {
    "unet": lambda: UNet(32, width=0.0625),
    "transform": lambda: TransformNetwork((32, 32), width=0.125, num_blocks=2),
    "collective": lambda: CollectiveNetwork(32, width=0.5),
    "r3d18": lambda: R3D18(5, CLIP, width=0.0625),
    "r3d18_dilated": lambda: R3D18(5, CLIP, width=0.0625, dilate_last=True),
    "c3d": lambda: C3D(5, CLIP, width=0.03125, dropout=0.25, seed=3),
    "small_resnet": lambda: SmallResNet(32, width=0.25, blocks=2),
    "small_resnet_v2": lambda: SmallResNet(32, width=0.25, preactivation=True),
    "frames": lambda: FrameClassifier(5, CLIP, "small_resnet_v2", width=0.25),
    "branch": lambda: ContrastiveBranch(32, "small_resnet", 0.25, hidden_dim=64, output_dim=4),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_survive_a_file(name, tmp_path):
    network = NETWORKS[name]()
    shape = (2, *network.input_shape[1:])
    inputs = np.random.default_rng(0).random(shape).astype("float32")
    before = run(network, inputs)
    assert before.shape == (2, *network.output_shape[1:]) and np.isfinite(before).all()
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    assert type(again) is type(network) and again.get_config() == network.get_config()
    np.testing.assert_allclose(run(again, inputs), before, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["unet", "transform"])
def test_anonymizers_give_pixels(name):
    network = NETWORKS[name]()
    made = run(network, np.random.default_rng(0).random((2, 32, 32, 3)).astype("float32"))
    assert made.shape == (2, 32, 32, 3) and made.min() >= 0.0 and made.max() <= 1.0


def test_branch_gives_unit_vectors():
    vectors = run(NETWORKS["branch"](), np.random.default_rng(0).random((3, 32, 32, 3)))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_a_frame_classifier_sees_every_frame_alike():
    network = NETWORKS["frames"]()
    clip = np.random.default_rng(0).random((1, *CLIP)).astype("float32")
    still = np.concatenate([np.repeat(clip[:, t : t + 1], CLIP[0], axis=1) for t in range(CLIP[0])])
    of_clip, of_frames = run(network, clip), run(network, still)
    np.testing.assert_allclose(of_clip[0], of_frames.mean(axis=0), atol=1e-5)
    assert np.abs(of_frames - of_frames[:1]).max() > 1e-4


@not_on_jax
def test_aligned_upsampling_is_interpolation_between_corners():
    image = np.random.default_rng(0).random((1, 4, 6, 2)).astype("float32")
    got = numpy(AlignedUpsampling2D()(image))
    rows = np.stack([np.interp(np.linspace(0, 3, 8), range(4), c) for c in image[0, :, 0, :].T])
    np.testing.assert_allclose(got[0, :, 0].T, rows, atol=1e-6)
    columns = np.stack([np.interp(np.linspace(0, 5, 12), range(6), c) for c in image[0, 3].T])
    np.testing.assert_allclose(got[0, -1].T, columns, atol=1e-6)
    np.testing.assert_allclose(aligned_weights(1, 2), 1.0)


@not_on_jax
@pytest.mark.parametrize(("frames", "strides"), [(4, 2), (5, 2), (1, 2), (6, 1)])
def test_time_dilated_convolution_is_one(frames, strides):
    """Against the sum over its 27 taps."""
    rng = np.random.default_rng(0)
    layer = TimeDilatedConv3D(2, strides=strides)
    clip = rng.normal(size=(2, frames, 6, 5, 3)).astype("float32")
    got = numpy(layer(clip))
    kernel = numpy(layer.kernel)
    padded = np.pad(clip, ((0, 0), (2, 2), (1, 1), (1, 1), (0, 0)))
    expected = np.zeros_like(got)
    for t, y, x in np.ndindex(3, 3, 3):
        part = padded[:, 2 * t : 2 * t + frames, y : y + 6 : strides, x : x + 5 : strides]
        expected += part @ kernel[t, y, x]
    np.testing.assert_allclose(got, expected, atol=1e-4)


@not_on_jax
def test_wrong_settings_of_networks_are_named():
    for build, message in (
        (lambda: UNet(40), "multiples of 16"),
        (lambda: TransformNetwork(30), "multiples of 4"),
        (lambda: CollectiveNetwork(30), "multiples of 4"),
        (lambda: R3D18(5, CLIP, width=0.0), "width must be positive"),
        (lambda: R3D18(0, CLIP), "num_classes must be at least 1. Received: num_classes=0"),
        (lambda: C3D(0, CLIP), "num_classes must be at least 1. Received: num_classes=0"),
        (lambda: R3D18(5, CLIP[1:]), r"clip_shape must be \(frames, .*Received: .*\(32, 32, 3\)"),
        (lambda: C3D(5, (*CLIP[:3], 1)), r"clip_shape must be \(frames, .*\(4, 32, 32, 1\)"),
        (lambda: image_backbone("alexnet", 32), "kind must be one of"),
        (lambda: image_backbone("resnet50", 32, width=0.5), "resnet50 has one width"),
        (lambda: image_backbone("small_resnet", 32, weights="imagenet"), "no weights for small"),
    ):
        with pytest.raises(ValueError, match=message):
            build()


def test_video_swin_says_what_it_needs(monkeypatch):
    from keras_stprivacy.baselines.networks.video_swin import VideoSwin

    for module in ("keras_cv", "keras_cv.models"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"keras-stprivacy\[cv\]"):
        VideoSwin(5)


@pytest.mark.skipif(importlib.util.find_spec("keras_cv") is None, reason="KerasCV is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_video_swin_gives_logits():
    from keras_stprivacy.baselines.networks.video_swin import VideoSwin

    network = VideoSwin(5, (4, 32, 32, 3), 12, (1, 1, 1, 1), (1, 1, 2, 2), (2, 4, 4), (2, 4, 4))
    assert run(network, np.zeros((2, 4, 32, 32, 3), "float32")).shape == (2, 5)


@pytest.mark.skipif(importlib.util.find_spec("keras_cv") is None, reason="KerasCV is not installed")
@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="nothing here but the backend's time to compile it"
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_video_swin_attacks():
    from keras_stprivacy.baselines.networks.video_swin import VideoSwin

    small = {"embed_dim": 12, "depths": (1, 1, 1, 1), "num_heads": (1, 1, 2, 2)}
    shape, windows = (8, 32, 32, 3), {"patch_size": (2, 4, 4), "window_size": (2, 4, 4)}
    train, test = (
        stp.data.motion_digits(split, num_clips=16, cache=False) for split in ("train", "test")
    )
    report = stp.evaluation.evaluate(
        stp.models.Anonymizer.from_preset("motion_digits_8x32"),  # its masks are not for this one
        train,
        test,
        epochs=1,
        raw=False,
        bootstrap=0,
        attacker=lambda num_classes, num_kept, seed: VideoSwin(
            num_classes, shape, **small, **windows
        ),
    )
    assert report.settings["attacker"] == "VideoSwin"
    assert all(np.isfinite(score.value) for score in report["anonymized"].scores.values())
