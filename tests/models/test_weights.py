"""Weights of other programs: every name is accounted for, and the numbers mean the same here."""

import os
import pickle
import sys

import harness
import keras
import numpy as np
import pytest
import tiny_models
from keras import ops
from scipy.special import erf

from keras_stprivacy.models import Recognizer, load_weights_from
from keras_stprivacy.models.weight_inflation import inflate_kernel, resize_position_embedding

RNG = np.random.default_rng(0)
D, INNER = 12, 24


def _norm(rng, name):
    return {
        f"{name}.weight": 1 + rng.normal(scale=0.3, size=D),
        f"{name}.bias": rng.normal(scale=0.3, size=D),
    }


def _linear(rng, name, out, into):
    return {
        f"{name}.weight": rng.normal(scale=0.3, size=(out, into)),
        f"{name}.bias": rng.normal(scale=0.3, size=out),
    }


def _blocks(rng, count):
    state = {}
    for i in range(count):
        state |= _norm(rng, f"blocks.{i}.norm1")
        state |= _linear(rng, f"blocks.{i}.attn.qkv", 3 * D, D)
        state |= _linear(rng, f"blocks.{i}.attn.proj", D, D)
        state |= _norm(rng, f"blocks.{i}.norm2")
        state |= _linear(rng, f"blocks.{i}.mlp.fc1", INNER, D)
        state |= _linear(rng, f"blocks.{i}.mlp.fc2", D, INNER)
    return state


def _float32(state):
    return {name: value.astype("float32") for name, value in state.items()}


def timm_state(blocks=1, side=4, class_tokens=1, patch=8):
    """A ViT of `side` x `side` patches, as timm names it."""
    rng = np.random.default_rng(1)
    state = _blocks(rng, blocks)
    state["cls_token"] = rng.normal(size=(1, 1, D))
    state["pos_embed"] = rng.normal(size=(1, side**2 + class_tokens, D))
    state["patch_embed.proj.weight"] = rng.normal(scale=0.1, size=(D, 3, patch, patch))
    state["patch_embed.proj.bias"] = rng.normal(size=D)
    state |= _norm(rng, "norm") | _linear(rng, "head", 10, D)
    if class_tokens == 2:
        state["dist_token"] = rng.normal(size=(1, 1, D))
        state |= _linear(rng, "head_dist", 10, D)
    return _float32(state)


def released_state(model):
    """What the published modules would hold for this model."""
    rng = np.random.default_rng(2)
    is_recognizer = isinstance(model, Recognizer)
    state = _blocks(rng, 1 if is_recognizer else 3)
    state["pos_embed"] = rng.normal(size=(1, 12, D))
    state["patch_embed.proj.weight"] = rng.normal(size=(D, 3, 2, 8, 8))
    state["patch_embed.proj.bias"] = rng.normal(size=D)
    if is_recognizer:
        return _float32(state | _norm(rng, "fc_norm") | _linear(rng, "head_new", 3, D))
    for m in range(2):
        name = f"score_predictor.{m}"
        state |= _norm(rng, f"{name}.in_conv.0") | _linear(rng, f"{name}.in_conv.1", D, D)
        state |= _linear(rng, f"{name}.out_conv.0", D // 2, D)
        state |= _linear(rng, f"{name}.out_conv.2", D // 4, D // 2)
        state |= _linear(rng, f"{name}.out_conv.4", 2, D // 4)
    state |= _norm(rng, "norm_recon") | _linear(rng, "head_recon", 2 * 8 * 8 * 3, D)
    return _float32(state)


MODELS = {"anonymizer": tiny_models.anonymizer, "recognizer": tiny_models.recognizer}


def _values(model):
    return {v.path: harness.numpy(v).copy() for v in model.variables}


def _assert_unchanged(model, before):
    for path, value in _values(model).items():
        np.testing.assert_array_equal(value, before[path], err_msg=path)
    assert model.weights_source is None


# The published modules --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MODELS)
def test_released_state_fills_every_weight(kind):
    model = MODELS[kind]()
    state, before = released_state(model), _values(model)
    assert len(state) == len(model.trainable_variables)
    load_weights_from(model, state, layout="released")
    for variable in model.trainable_variables:
        assert (harness.numpy(variable) != before[variable.path]).all(), variable.path
    np.testing.assert_array_equal(
        harness.numpy(model.embedding.kernel),
        state["patch_embed.proj.weight"].transpose(2, 3, 4, 1, 0),
    )
    assert model.weights_source == "released"


def test_all_that_does_not_fit_is_listed_and_nothing_is_loaded():
    model = tiny_models.anonymizer()
    before, state = _values(model), released_state(model)
    del state["norm_recon.bias"], state["blocks.0.norm1.weight"]
    state["head.weight"] = np.zeros((2, D), "float32")
    state["blocks.7.norm1.weight"] = np.zeros(D, "float32")
    state["patch_embed.proj.bias"] = np.zeros(D + 1, "float32")
    state["head_recon.weight"] = np.zeros((384, 1), "float32")
    state["patch_embed.proj.weight"] = np.zeros((D, 3, 8, 8), "float32")
    state["pos_embed"] = np.float32(0)
    with pytest.raises(ValueError, match="nothing was loaded") as error:
        load_weights_from(model, state, layout="released")
    message = str(error.value)
    assert "not found: blocks.0.norm1.weight, norm_recon.bias" in message
    assert "left over: blocks.7.norm1.weight, head.weight" in message
    wrong = message.split("wrong shape: ")[1]
    assert "head_recon.weight: (384, 1) gives (1, 384), needed (12, 384)" in wrong
    for name in ("patch_embed.proj.bias", "patch_embed.proj.weight", "pos_embed"):
        assert name in wrong
    _assert_unchanged(model, before)


# Image transformers -----------------------------------------------------------------------------


@pytest.mark.parametrize("inflation", ["averaging", "central"])
def test_kernels_are_inflated(inflation):
    kernel = RNG.normal(size=(4, 4, 3, 5)).astype("float32")
    inflated = inflate_kernel(kernel, 3, inflation)
    np.testing.assert_allclose(inflated.sum(0), kernel, rtol=1e-5, atol=1e-6)
    if inflation == "averaging":
        np.testing.assert_allclose(inflated[0], inflated[2])
    else:
        assert (inflated[[0, 2]] == 0).all() and (inflated[1] == kernel).all()
    with pytest.raises(ValueError, match="inflation must be one of .*Received: inflation='copy'"):
        inflate_kernel(kernel, 3, "copy")


@pytest.mark.parametrize("size", [(7, 7), (14, 14), (4, 9), (20, 3), (1, 1)])
@pytest.mark.parametrize("class_tokens", [0, 1, 2])
def test_positions_are_resized_as_pytorch_does(size, class_tokens):
    torch = pytest.importorskip("torch")
    embedding = RNG.normal(size=(1, 14 * 14 + class_tokens, 6)).astype("float32")
    grid = torch.tensor(embedding[:, class_tokens:]).reshape(1, 14, 14, 6).permute(0, 3, 1, 2)
    expected = torch.nn.functional.interpolate(grid, size=size, mode="bicubic", align_corners=False)
    expected = expected.permute(0, 2, 3, 1).reshape(-1, 6).numpy()
    got = resize_position_embedding(embedding, size)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("count", [7, 8, 200])
def test_positions_that_are_no_square(count):
    with pytest.raises(ValueError, match=f"{count} positions are no square"):
        resize_position_embedding(np.zeros((count, 4)), (2, 2))


def _vision_transformer(state, image):
    """A timm ViT on the patches of an image, without class token, in NumPy."""

    def dense(x, name):
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
        return x * state[f"{name}.weight"] + state[f"{name}.bias"]

    def softmax(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    height, width, _ = image.shape
    patches = image.reshape(height // 8, 8, width // 8, 8, 3).transpose(0, 2, 4, 1, 3)
    kernel = state["patch_embed.proj.weight"].reshape(D, -1)  # (D, channel, height, width)
    x = patches.reshape(-1, 3 * 8 * 8) @ kernel.T + state["patch_embed.proj.bias"]
    size = (height // 8, width // 8)
    x = x + resize_position_embedding(state["pos_embed"], size)
    for i in range(sum(name.endswith("attn.qkv.weight") for name in state)):
        block = f"blocks.{i}"
        q, k, v = np.split(dense(norm(x, f"{block}.norm1"), f"{block}.attn.qkv"), 3, axis=-1)
        heads = []
        for own in np.split(np.arange(D), 2):
            attention = softmax(q[:, own] @ k[:, own].T / np.sqrt(len(own)))
            heads.append(attention @ v[:, own])
        x = x + dense(np.concatenate(heads, -1), f"{block}.attn.proj")
        z = dense(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1")
        x = x + dense(0.5 * z * (1 + erf(z / np.sqrt(2))), f"{block}.mlp.fc2")
    return x


@pytest.mark.parametrize("inflation", ["averaging", "central"])
@pytest.mark.parametrize("class_tokens", [1, 2])
def test_a_still_clip_is_seen_as_the_image_transformer_sees_the_image(inflation, class_tokens):
    state = timm_state(blocks=2, class_tokens=class_tokens)
    model = tiny_models.recognizer(num_layers=2)
    before = _values(model)
    load_weights_from(model, state, layout="timm", inflation=inflation)
    image = RNG.normal(size=(16, 24, 3)).astype("float32")

    def tokens(clip):
        x = model.embedding(clip)
        for layer in model.transformer_layers:
            x = layer(x)
        return x

    still = np.broadcast_to(image, (1, 4, 16, 24, 3)).copy()
    got = harness.run(tokens, still)
    expected = _vision_transformer(state, image.astype("float64"))  # both rows alike
    np.testing.assert_allclose(got[0], np.concatenate([expected, expected]), atol=1e-4)
    # Norm and classifier are the new task's.
    np.testing.assert_array_equal(
        harness.numpy(model.classifier.kernel), before[model.classifier.kernel.path]
    )
    assert model.weights_source == "timm"


def test_image_transformers_fill_the_layers_of_all_blocks_in_order():
    model, state = tiny_models.anonymizer(), timm_state(blocks=3)
    predictor = model.sparsification_blocks[0].retaining_predictor.embed.kernel
    before = harness.numpy(predictor).copy()
    load_weights_from(model, state, layout="timm")
    blocks = [*model.sparsification_blocks, model.anonymization_block]
    for i, block in enumerate(blocks):
        np.testing.assert_array_equal(
            harness.numpy(block.transformer_layers[0].attention.query_key_value.kernel),
            state[f"blocks.{i}.attn.qkv.weight"].T,
        )
    np.testing.assert_array_equal(harness.numpy(predictor), before)


def _sparsifying():
    from keras_stprivacy.baselines.sparsifying_anonymizer import SparsifyingAnonymizer

    return SparsifyingAnonymizer.from_config(tiny_models.anonymizer().get_config())


@pytest.mark.parametrize("blocks", [2, 3])
def test_without_an_anonymization_block_its_layers_are_left_aside(blocks):
    model, state = _sparsifying(), timm_state(blocks=blocks)
    load_weights_from(model, state, layout="timm")
    for i, block in enumerate(model.sparsification_blocks):
        np.testing.assert_array_equal(
            harness.numpy(block.transformer_layers[0].attention.query_key_value.kernel),
            state[f"blocks.{i}.attn.qkv.weight"].T,
        )
    assert model.weights_source == "timm"
    with pytest.raises(ValueError, match=r"left over: blocks\.3\."):
        load_weights_from(_sparsifying(), timm_state(blocks=4), layout="timm")
    with pytest.raises(ValueError, match=r"not found: blocks\.1\."):
        load_weights_from(_sparsifying(), timm_state(blocks=1), layout="timm")


def test_released_weights_without_anonymization_block_and_head():
    model = _sparsifying()
    before, state = _values(model), released_state(tiny_models.anonymizer())
    load_weights_from(model, state, layout="released")
    for variable in model.trainable_variables:
        assert (harness.numpy(variable) != before[variable.path]).all(), variable.path


def test_image_transformers_of_another_depth_or_width():
    model = tiny_models.recognizer()
    before = _values(model)
    with pytest.raises(ValueError, match="left over: blocks.1.attn.proj.bias"):
        load_weights_from(model, timm_state(blocks=2), layout="timm")
    with pytest.raises(
        ValueError, match=r"wrong shape: patch_embed.proj.weight: .*\(12, 3, 4, 4\)"
    ):
        load_weights_from(model, timm_state(patch=4), layout="timm")
    with pytest.raises(ValueError, match="not found: blocks.0.attn.proj.bias.*left over"):
        load_weights_from(model, {f"model.{k}": v for k, v in timm_state().items()}, layout="timm")
    state = timm_state()
    state["patch_embed.proj.weight"] = np.zeros((D, 192), "float32")
    state["pos_embed"] = np.zeros((1, 7, D), "float32")
    with pytest.raises(
        ValueError, match="no 2-D patch kernel.*7 positions are no square|no square.*no 2-D"
    ):
        load_weights_from(model, state, layout="timm")
    _assert_unchanged(model, before)


# KerasHub ---------------------------------------------------------------------------------------


def keras_hub_state(state, family="deit"):
    """A timm state under the names and in the shapes of KerasHub's variables."""
    patches, block = f"{family}_patching_and_embedding", f"{family}_encoder/transformer_block_1"
    out = {
        f"{patches}/class_token": state["cls_token"],
        f"{patches}/patch_embedding/kernel": state["patch_embed.proj.weight"].transpose(2, 3, 1, 0),
        f"{patches}/patch_embedding/bias": state["patch_embed.proj.bias"],
        f"{family}_encoder/ln/gamma": state["norm.weight"],
        f"{family}_encoder/ln/beta": state["norm.bias"],
    }
    if family == "deit":
        out[f"{patches}/distillation_token"] = state["dist_token"]
        out[f"{patches}/position_embedding"] = state["pos_embed"]
        inner = ("mlp/dense", "output_layer/output")
    else:
        out[f"{patches}/position_embedding/embeddings"] = state["pos_embed"][0]
        inner = ("mlp/dense_1", "mlp/dense_2")
    for i, norm in enumerate(("norm1", "norm2"), start=1):
        out[f"{block}/ln_{i}/gamma"] = state[f"blocks.0.{norm}.weight"]
        out[f"{block}/ln_{i}/beta"] = state[f"blocks.0.{norm}.bias"]
    kernels = np.split(state["blocks.0.attn.qkv.weight"], 3)
    biases = np.split(state["blocks.0.attn.qkv.bias"], 3)
    for name, kernel, bias in zip(("query", "key", "value"), kernels, biases, strict=True):
        out[f"{block}/mha/{name}/kernel"] = kernel.T.reshape(D, 2, 6)
        out[f"{block}/mha/{name}/bias"] = bias.reshape(2, 6)
    out[f"{block}/mha/attention_output/kernel"] = state["blocks.0.attn.proj.weight"].T.reshape(
        2, 6, D
    )
    out[f"{block}/mha/attention_output/bias"] = state["blocks.0.attn.proj.bias"]
    for layer, source in zip(inner, ("fc1", "fc2"), strict=True):
        out[f"{block}/{layer}/kernel"] = state[f"blocks.0.mlp.{source}.weight"].T
        out[f"{block}/{layer}/bias"] = state[f"blocks.0.mlp.{source}.bias"]
    return out


@pytest.mark.parametrize(("family", "class_tokens"), [("deit", 2), ("vit", 1)])
def test_keras_hub_names_mean_the_same_as_timms(family, class_tokens):
    state = timm_state(class_tokens=class_tokens)
    ours, expected = tiny_models.recognizer(), tiny_models.recognizer()
    load_weights_from(ours, keras_hub_state(state, family), layout="keras_hub")
    load_weights_from(expected, state, layout="timm")
    for x, y in zip(ours.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def test_keras_hub_names_that_are_unknown_or_missing():
    state = keras_hub_state(timm_state(class_tokens=2))
    block = "deit_encoder/transformer_block_1"
    del state[f"{block}/mha/key/kernel"]
    state[f"{block}/layer_scale"] = np.zeros(D, "float32")
    state["pooler/kernel"] = np.zeros((D, D), "float32")
    with pytest.raises(ValueError) as error:
        load_weights_from(tiny_models.recognizer(), state, layout="keras_hub")
    assert "not found: blocks.0.attn.qkv.weight" in str(error.value)
    assert f"left over: {block}/layer_scale, pooler/kernel" in str(error.value)


def test_a_keras_hub_backbone(backend):
    if backend != "tensorflow":
        pytest.skip("KerasHub takes long to import; its variables are the same on all backends")
    keras_hub = pytest.importorskip("keras_hub")
    backbone = keras_hub.models.DeiTBackbone(
        image_shape=(32, 32, 3),
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=D,
        intermediate_dim=INNER,
    )
    for variable in backbone.weights:
        variable.assign(RNG.normal(scale=0.3, size=variable.shape))
    model = tiny_models.recognizer()
    load_weights_from(model, backbone, layout="keras_hub")
    tokens = RNG.normal(size=(2, 5, D)).astype("float32")
    theirs = backbone.get_layer("deit_encoder").encoder_layers[0](ops.array(tokens))
    theirs = theirs[0] if isinstance(theirs, tuple) else theirs
    np.testing.assert_allclose(
        harness.run(model.transformer_layers[0], tokens), harness.numpy(theirs), atol=1e-4
    )


# Files ------------------------------------------------------------------------------------------


def _save(path, state):
    if path.suffix == ".npz":
        np.savez(path, **state)
    elif path.suffix == ".safetensors":
        pytest.importorskip("safetensors.numpy").save_file(state, path)
    else:
        torch = pytest.importorskip("torch")
        tensors = {name: torch.tensor(value) for name, value in state.items()}
        torch.save({"model": tensors, "epoch": 3} if path.stem == "wrapped" else tensors, path)


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors", "w.pth", "w.pt", "wrapped.pth"])
def test_files(name, tmp_path):
    state, path = timm_state(), tmp_path / name
    _save(path, {k: np.ascontiguousarray(v) for k, v in state.items()})
    ours, expected = tiny_models.recognizer(), tiny_models.recognizer()
    load_weights_from(ours, path if "pth" in name else str(path), layout="timm")
    load_weights_from(expected, state, layout="timm")
    for x, y in zip(ours.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def test_tensors_of_pytorch_are_arrays():
    torch = pytest.importorskip("torch")
    state = timm_state()
    tensors = {k: torch.nn.Parameter(torch.tensor(v)) for k, v in state.items()}
    tensors["norm.bias"] = torch.zeros(D, dtype=torch.bfloat16)
    model = tiny_models.recognizer()
    load_weights_from(model, tensors, layout="timm")
    np.testing.assert_array_equal(
        harness.numpy(model.embedding.bias), state["patch_embed.proj.bias"]
    )


class _RunsCode:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (os.mkdir, (str(self.trace),))


@pytest.mark.parametrize("by_torch", [True, False])
def test_a_malicious_pickle_is_refused_without_running(by_torch, tmp_path):
    torch = pytest.importorskip("torch")
    path, trace = tmp_path / "weights.pth", tmp_path / "it_ran"
    content = {"pos_embed": _RunsCode(trace)}
    if by_torch:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=2))  # as PyTorch writes them
    model = tiny_models.recognizer()
    before = _values(model)
    with pytest.raises(ValueError, match="more than tensors.*was not loaded.*Save the state dict"):
        load_weights_from(model, path, layout="timm")
    assert not trace.exists()
    _assert_unchanged(model, before)


def test_a_pickle_within_npz_is_refused(tmp_path):
    path, trace = tmp_path / "weights.npz", tmp_path / "it_ran"
    np.savez(path, pos_embed=np.array([_RunsCode(trace)], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        load_weights_from(tiny_models.recognizer(), path, layout="timm")
    assert not trace.exists()


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pth"])
def test_files_that_are_damaged(suffix, tmp_path):
    path = tmp_path / f"weights{suffix}"
    _save(path, {k: np.ascontiguousarray(v) for k, v in timm_state().items()})
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=f"weights{suffix} could not be read"):
        load_weights_from(tiny_models.recognizer(), path, layout="timm")


def test_files_and_layouts_that_there_are_not(tmp_path):
    model = tiny_models.recognizer()
    with pytest.raises(FileNotFoundError, match="no weights file at .*nowhere.npz"):
        load_weights_from(model, tmp_path / "nowhere.npz", layout="timm")
    (tmp_path / "weights.bin").write_bytes(b"")
    with pytest.raises(ValueError, match=r"\.npz, \.safetensors, \.pth, \.pt\..*weights.bin"):
        load_weights_from(model, tmp_path / "weights.bin", layout="timm")
    with pytest.raises(ValueError, match="layout must be one of .*Received: layout='deit'"):
        load_weights_from(model, {}, layout="deit")
    with pytest.raises(ValueError, match="inflation must be one of"):
        load_weights_from(model, {}, layout="timm", inflation="copy")
    with pytest.raises(ValueError, match="read with layout=\"keras_hub\". Received: layout='timm'"):
        load_weights_from(model, keras.Sequential(), layout="timm")


@pytest.mark.parametrize(
    ("package", "name", "extra"),
    [("torch", "w.pth", "torch"), ("safetensors.numpy", "w.safetensors", "weights")],
)
def test_packages_that_are_not_installed(package, name, extra, tmp_path, monkeypatch):
    model = tiny_models.recognizer()
    (tmp_path / name).write_bytes(b"0")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"pip install .keras-stprivacy\[{extra}\]"):
        load_weights_from(model, tmp_path / name, layout="timm")
