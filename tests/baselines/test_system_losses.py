"""What each compared system minimises, as its authors say it, computed anew in NumPy."""

import types

import keras
import numpy as np
import pytest
from keras import ops

from keras_stprivacy.baselines import build
from keras_stprivacy.baselines.action_network import action_network
from keras_stprivacy.baselines.networks.collective_network import CollectiveNetwork
from keras_stprivacy.baselines.networks.contrastive_branch import ContrastiveBranch
from keras_stprivacy.baselines.networks.transform_network import TransformNetwork
from keras_stprivacy.baselines.networks.unet import UNet
from keras_stprivacy.baselines.vita_pretraining import pretraining_turn

SHAPE = (4, 32, 32, 3)
CLIPS = np.random.default_rng(0).random((3, *SHAPE)).astype("float32")
ACTION = np.array([5, 0, 3], "int32")
PRIVACY = np.random.default_rng(1).integers(0, 2, (3, 5)).astype("float32")
PAIR = np.array([[0, 2], [3, 1], [1, 2]], "int32")


def scalars(turn, **labels):
    """The losses of a turn, and what it logs."""
    given = {name: ops.convert_to_tensor(value) for name, value in labels.items()}
    losses, logs = turn.losses_of(ops.convert_to_tensor(CLIPS), given)
    logs = {name: float(ops.convert_to_numpy(value)) for name, value in logs.items()}
    return [float(ops.convert_to_numpy(loss)) for loss in losses], logs


def numbers(tensor):
    return ops.convert_to_numpy(tensor).astype("float64")


def per_frame(network, clips, training):
    return numbers(network(clips.reshape(-1, *SHAPE[1:]), training=training)).reshape(clips.shape)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def cross_entropy(logits):
    logits = logits - logits.max(axis=1, keepdims=True)
    return (np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(3), ACTION]).mean()


def binary_cross_entropy(logits):
    p = sigmoid(logits)
    return -(PRIVACY * np.log(p) + (1 - PRIVACY) * np.log(1 - p)).mean()


def small_action_network():
    return action_network("r3d18", 8, SHAPE, 0.0625)


def adam(*names):
    return {name: keras.optimizers.Adam(1e-3) for name in names}


def test_collective():
    """0.35 content + 0.55 style + 0.1 task, style against Gram matrices of uniform noise."""
    system = build("collective", preset="embedded", clip_shape=SHAPE, seed=3)
    transform, action = CollectiveNetwork(SHAPE[1:3], 0.25), small_action_network()
    (loss,), logs = scalars(system._turn(transform, action), action=ACTION)
    stages = keras.Model(action.input, [action.get_layer(f"stage_{i}").output for i in (1, 2)])

    def gram(blocks):
        flat = [numbers(b).reshape(-1, *b.shape[2:]) for b in blocks]
        return [np.einsum("nhwc,nhwd->ncd", x, x) / np.prod(x.shape[1:]) for x in flat]

    made = per_frame(transform, CLIPS, training=True).astype("float32")
    of_made, of_raw = stages(made, training=False), stages(CLIPS, training=False)
    noise = np.random.default_rng(3).random((1, *SHAPE)).astype("float32")
    wanted = [np.tile(one, (3, 1, 1)) for one in gram(stages(noise, training=False))]
    style = sum(((a - b) ** 2).mean() for a, b in zip(gram(of_made), wanted, strict=True))
    content = ((numbers(of_made[1]) - numbers(of_raw[1])) ** 2).mean()
    task = cross_entropy(numbers(action(made, training=False)))
    assert logs["content_loss"] == pytest.approx(content, rel=1e-4)
    assert logs["style_loss"] == pytest.approx(style, rel=1e-4)
    assert logs["task_loss"] == pytest.approx(task, rel=1e-4)
    assert loss == pytest.approx(0.35 * content + 0.55 * style + 0.1 * task, rel=1e-4)


@pytest.fixture(scope="module")
def vita_networks():
    system = build(
        "vita",
        preset="embedded",
        clip_shape=SHAPE,
        privacy_networks=[["small_resnet", 0.125], ["small_resnet_v2", 0.125]],
    )
    ensemble = system._new_ensemble(types.SimpleNamespace(num_attributes=5))
    transform = TransformNetwork(SHAPE[1:3], 0.0625, num_blocks=1)
    return {"transform": transform, "action": small_action_network(), **ensemble}


@pytest.mark.parametrize("name", ["vita", "vita_reversal"])
def test_vita_transform_network(name, vita_networks):
    """Action loss + 0.5 x the worst negative entropy of each clip; or minus the mean loss."""
    system = build(name, preset="embedded", clip_shape=SHAPE)
    turn = system._turn(vita_networks, ("transform",), adam("transform"))
    (loss,), _ = scalars(turn, action=ACTION, privacy=PRIVACY)
    networks = dict(vita_networks)
    made = per_frame(networks.pop("transform"), CLIPS, training=True).astype("float32")
    of_action = cross_entropy(numbers(networks.pop("action")(made, training=False)))
    read = [numbers(network(made, training=False)) for network in networks.values()]
    assert len(read) == 2
    if name == "vita":
        p = sigmoid(np.stack(read))
        entropy = (p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=-1)  # (M, B)
        expected = of_action + 0.5 * entropy.max(axis=0).mean()
    else:
        expected = of_action - np.mean([binary_cross_entropy(one) for one in read])
    assert loss == pytest.approx(expected, rel=1e-4)


def test_vita_others(vita_networks):
    """The ensemble's own losses are of the attributes, the action network's of the action."""
    system = build("vita", preset="embedded", clip_shape=SHAPE)
    names = [name for name in vita_networks if name.startswith("privacy")]
    losses, _ = scalars(system._turn(vita_networks, names, adam(*names)), privacy=PRIVACY)
    made = per_frame(vita_networks["transform"], CLIPS, training=False).astype("float32")
    for name, loss in zip(names, losses, strict=True):
        read = numbers(vita_networks[name](made, training=True))
        assert loss == pytest.approx(binary_cross_entropy(read), rel=1e-4)
    both = ("transform", "action")
    (loss,), _ = scalars(system._turn(vita_networks, both, adam(*both)), action=ACTION)
    made = per_frame(vita_networks["transform"], CLIPS, training=True).astype("float32")
    logits = vita_networks["action"](made, training=True)
    assert loss == pytest.approx(cross_entropy(numbers(logits)), rel=1e-4)


def test_vita_perceptual_pretraining():
    """7.5 x content at relu4_2 of VGG19 + 200 x total variation, in units of 8-bit pixels."""
    transform = TransformNetwork(SHAPE[1:3], 0.0625, num_blocks=1)
    turn = pretraining_turn(transform, "vgg19", None, keras.optimizers.Adam(1e-3))
    (loss,), logs = scalars(turn, action=ACTION)
    vgg = turn.networks[1]
    made = 255 * per_frame(transform, CLIPS, training=True).reshape(-1, *SHAPE[1:])
    raw = 255 * CLIPS.reshape(-1, *SHAPE[1:])

    def relu_4_2(pixels):
        caffe = pixels[..., ::-1] - np.array([103.939, 116.779, 123.68])
        return numbers(vgg(caffe.astype("float32")))

    assert vgg.layers[-1].name == "block4_conv2" and relu_4_2(raw).min() == 0.0
    content = ((relu_4_2(made) - relu_4_2(raw)) ** 2).mean()
    variation = sum((np.diff(made, axis=axis) ** 2).mean() for axis in (1, 2))
    assert logs["content_loss"] == pytest.approx(content, rel=1e-3)
    assert loss == pytest.approx(7.5 * content + 200 * variation, rel=1e-3)


@pytest.fixture(scope="module")
def spact_networks():
    return {
        "anonymizer": UNet(SHAPE[1:3], 0.03125),
        "action": small_action_network(),
        "privacy": ContrastiveBranch(SHAPE[1:3], "small_resnet", 0.125, None, 64, 4),
    }


def nt_xent(vectors, temperature=0.1):
    """Of 2B unit vectors, B pairs (i, B + i)."""
    count = len(vectors)
    likeness = vectors @ vectors.T / temperature
    np.fill_diagonal(likeness, -np.inf)
    partner = (np.arange(count) + count // 2) % count
    return (np.log(np.exp(likeness).sum(axis=1)) - likeness[np.arange(count), partner]).mean()


def paired(made):
    frames = [made[np.arange(3), PAIR[:, i]] for i in (0, 1)]
    return np.concatenate(frames).astype("float32")


def test_spact_unet(spact_networks):
    """Cross-entropy minus NT-Xent of two frames of every clip, τ 0.1, weight 1."""
    system = build("spact", preset="embedded", clip_shape=SHAPE)
    (loss,), _ = scalars(system._against(spact_networks), action=ACTION, pair=PAIR)
    made = per_frame(spact_networks["anonymizer"], CLIPS, training=True)
    logits = spact_networks["action"](made.astype("float32"), training=False)
    vectors = numbers(spact_networks["privacy"](paired(made), training=False))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
    expected = cross_entropy(numbers(logits)) - nt_xent(vectors)
    assert loss == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_spact_others(spact_networks):
    """The privacy branch minimises NT-Xent; the warm-up is L1."""
    system = build("spact", preset="embedded", clip_shape=SHAPE)
    made = per_frame(spact_networks["anonymizer"], CLIPS, training=False)
    (_, of_privacy), logs = scalars(system._others(spact_networks), action=ACTION, pair=PAIR)
    vectors = numbers(spact_networks["privacy"](paired(made), training=True))
    assert of_privacy == pytest.approx(nt_xent(vectors), rel=1e-3)
    assert logs["nt_xent"] == pytest.approx(of_privacy)
    (warmup,), _ = scalars(system._reconstruction(spact_networks["anonymizer"]), action=ACTION)
    made = per_frame(spact_networks["anonymizer"], CLIPS, training=True)
    assert warmup == pytest.approx(np.abs(made - CLIPS).mean(), rel=1e-4)
