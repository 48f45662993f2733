"""Every layer: configuration, files, unknown batch size, precision, fit, gradients."""

import functools
from dataclasses import dataclass, field
from typing import Any

import harness
import numpy as np
import pytest

from keras_stprivacy import layers
from keras_stprivacy.layers import (
    AnonymizationBlock,
    AnonymizerHead,
    BitBottleneck,
    GumbelGate,
    MaskedSelfAttention,
    RetainingPredictor,
    SparsificationBlock,
    TransformerLayer,
    TubeletEmbedding,
)

RNG = np.random.default_rng(0)
CLIPS = RNG.normal(size=(3, 4, 16, 8, 3)).astype("float32")
TOKENS = RNG.normal(size=(3, 8, 12)).astype("float32")
MASK = (RNG.random((3, 8)) < 0.7).astype("float32")
MASK[2, :4] = 0  # a row without kept tokens
LOG_PROBABILITY = np.log(RNG.dirichlet((1, 1), size=(3, 8))).astype("float32")
NOISE = RNG.gumbel(size=(3, 8, 2)).astype("float32")


@dataclass(frozen=True)
class Case:
    """A layer, all its arguments with values that are not the defaults, and what it takes."""

    cls: type
    arguments: dict[str, Any]
    inputs: tuple[np.ndarray, ...]
    options: dict[str, Any] = field(default_factory=dict)


CASES = {
    "TubeletEmbedding": Case(
        TubeletEmbedding, {"hidden_dim": 12, "tubelet_size": (2, 8, 4)}, (CLIPS,)
    ),
    "MaskedSelfAttention": Case(
        MaskedSelfAttention, {"num_heads": 3, "epsilon": 1e-4}, (TOKENS, MASK)
    ),
    "TransformerLayer": Case(
        TransformerLayer,
        {"num_heads": 3, "mlp_ratio": 2.5, "attention_epsilon": 1e-5, "norm_epsilon": 1e-4},
        (TOKENS, MASK),
    ),
    "RetainingPredictor": Case(
        RetainingPredictor, {"num_rows": 2, "keep_bias": 1.5, "norm_epsilon": 1e-4}, (TOKENS, MASK)
    ),
    "GumbelGate": Case(
        GumbelGate,
        {
            "gate": "gumbel_top_k",
            "num_rows": 2,
            "temperature": 0.5,
            "noise_scale": 0.25,
            "seed": 0,
        },
        (LOG_PROBABILITY, MASK),
        {"num_kept": 2, "noise": NOISE},
    ),
    "SparsificationBlock": Case(
        SparsificationBlock,
        {
            "num_layers": 1,
            "num_heads": 3,
            "num_rows": 2,
            "mlp_ratio": 2.0,
            "gate": "gumbel_top_k",
            "temperature": 0.5,
            "noise_scale": 0.25,
            "keep_bias": 1.5,
            "attention_epsilon": 1e-5,
            "seed": 0,
        },
        (TOKENS, MASK),
        {"num_kept": 2},
    ),
    "AnonymizationBlock": Case(
        AnonymizationBlock,
        {"num_layers": 2, "num_heads": 3, "mlp_ratio": 2.0, "attention_epsilon": 1e-5},
        (TOKENS, MASK),
    ),
    "BitBottleneck": Case(
        BitBottleneck, {"num_bits": 3, "noise_scale": 0.25, "seed": 0}, (TOKENS,)
    ),
    "AnonymizerHead": Case(
        AnonymizerHead,
        {
            "tubelet_size": (1, 2, 4),
            "channels": 1,
            "output_activation": "sigmoid",
            "norm_epsilon": 1e-4,
        },
        (TOKENS,),
    ),
}
WITH_WEIGHTS = [name for name in CASES if name != "GumbelGate"]


def _build(case, **options):
    return functools.partial(case.cls, **case.arguments)(**options)


def test_every_public_layer_is_here():
    assert sorted(layers.__all__) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_every_argument_returns(name):
    harness.check_every_argument_returns(CASES[name].cls, CASES[name].arguments)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_outputs_are_as_announced_for_an_unknown_batch_size(name, policy):
    case = CASES[name]
    options = {k: v for k, v in case.options.items() if k != "noise"}
    harness.check_outputs_are_as_announced(_build(case, dtype=policy), case.inputs, **options)


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_save_and_load(name, tmp_path):
    case = CASES[name]
    harness.check_save_and_load(_build(case), case.inputs, tmp_path / "layer.keras", **case.options)


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_fit(name):
    case = CASES[name]
    harness.check_fit(_build(case), case.inputs, **case.options)


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_gradients(name):
    case = CASES[name]
    harness.check_gradients(_build(case), case.inputs, **case.options)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("policy", "atol"), [("mixed_bfloat16", 0.2), ("mixed_float16", 0.02)])
def test_precision(name, policy, atol):
    case = CASES[name]
    options = dict(case.options)
    if name == "SparsificationBlock":
        options["num_kept"] = None  # a rounding error may decide between two tokens
    if name == "BitBottleneck":
        atol = np.inf  # and about a bit
    build = functools.partial(_build, case)
    harness.check_precision(build, policy, case.inputs, atol, **options)
