"""The equations of the method, written again in NumPy with 64-bit floats."""

import keras
import numpy as np
import pytest
from harness import gradients, numpy, run
from keras import ops
from scipy.special import erf

from keras_stprivacy.layers import (
    AnonymizerHead,
    GumbelGate,
    MaskedSelfAttention,
    RetainingPredictor,
    SparsificationBlock,
    TransformerLayer,
    TubeletEmbedding,
)
from keras_stprivacy.layers.ranking import keep_highest, kept_positions
from keras_stprivacy.layers.tubelets import (
    clip_to_tubelets,
    grid_shape,
    mask_to_pixels,
    tubelets_to_clip,
)
from keras_stprivacy.losses import sparsification_loss

RNG = np.random.default_rng(1)
ROWS, N, D = 2, 4, 12
TOKENS = RNG.normal(size=(3, ROWS * N, D)).astype("float32")
MASK = (RNG.random((3, ROWS * N)) < 0.6).astype("float32")
MASK[1, :N] = 0  # a row without kept tokens
MASK[2] = 0  # a clip without any
LOG_PROBABILITY = np.log(RNG.dirichlet((1, 1), size=(3, ROWS * N))).astype("float32")
NOISE = RNG.gumbel(size=(3, ROWS * N, 2)).astype("float32")


def _randomize(layer, scale=0.5):
    """Weights that are not symmetric, biases that are not 0."""
    rng = np.random.default_rng(2)
    layer.set_weights([rng.normal(scale=scale, size=v.shape) for v in layer.weights])
    return layer


def _float64(variable):
    return numpy(variable).astype("float64")


def _dense(x, layer):
    return x @ _float64(layer.kernel) + _float64(layer.bias)


def _norm(x, layer):
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + layer.epsilon)
    return x * _float64(layer.gamma) + _float64(layer.beta)


def _gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _close(got, expected, atol=1e-5):
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=atol)


# Eq. 2: tubelet embedding -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "tubelet"),
    [((4, 16, 16), (2, 8, 8)), ((6, 8, 24), (3, 4, 8)), ((2, 8, 12), (1, 8, 4))],
)
def test_tubelet_embedding_is_a_convolution_with_positions(size, tubelet):
    clip = RNG.normal(size=(2, *size, 3)).astype("float32")
    layer = TubeletEmbedding(12, tubelet)
    layer.build((None, *size, 3))
    _randomize(layer)
    convolution = keras.layers.Conv3D(12, tubelet, strides=tubelet)
    convolution.build((None, *size, 3))
    convolution.set_weights([numpy(layer.kernel), numpy(layer.bias)])
    got, convolved = run(lambda x: (layer(x), convolution(x)), clip)
    tokens = convolved.reshape(2, -1, 12)
    _close(got, tokens + numpy(layer.position_embedding), atol=1e-4)

    t, h, w = tubelet
    by_hand = np.einsum(
        "thwc,thwcd->d", clip[1, -t:, -h:, -w:].astype("float64"), _float64(layer.kernel)
    )
    by_hand += _float64(layer.bias) + _float64(layer.position_embedding)[-1]
    _close(got[1, -1], by_hand, atol=1e-4)


def test_tubelets_go_back_into_the_clip():
    clip = RNG.normal(size=(2, 4, 8, 12, 3)).astype("float32")
    size = (2, 4, 4)
    grid = grid_shape(clip.shape[1:4], size)
    assert grid == (2, 2, 3)

    def there_and_back(x):
        tubelets = clip_to_tubelets(x, size)
        return tubelets, tubelets_to_clip(tubelets, grid, size)

    tubelets, back = run(there_and_back, clip)
    np.testing.assert_array_equal(back, clip)
    # Row, then down, then across; within a tubelet time, height, width, channel.
    np.testing.assert_array_equal(tubelets[1, 6 + 3 + 1], clip[1, 2:, 4:, 4:8].reshape(-1))
    mask = np.zeros((1, 12), "float32")
    mask[0, 6 + 3 + 1] = 1
    spread = run(lambda m: mask_to_pixels(m, grid, size), mask)
    assert spread.shape == (1, 4, 8, 12, 1)
    assert spread[0, 2:, 4:, 4:8].all() and spread.sum() == 2 * 4 * 4


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((15, 112, 112), r"num_frames must be a positive multiple .* 2\. .*num_frames=15"),
        ((16, 100, 112), r"image height must be a positive multiple .* 16\..*=100.*nearest is 96"),
        ((16, 112, 0), "image width must be a positive multiple"),
    ],
)
def test_sizes_that_the_tubelet_does_not_divide(size, message):
    with pytest.raises(ValueError, match=message):
        grid_shape(size, (2, 16, 16))


def test_a_tubelet_without_pixels_is_refused():
    with pytest.raises(ValueError, match=r"tubelet length must be at least 1.*\(0, 16, 16\)"):
        grid_shape((16, 112, 112), (0, 16, 16))


# Eq. 3-5: retaining predictor -------------------------------------------------------------------


def _retaining_log_probability(layer, tokens, mask):
    z = _gelu(_dense(_norm(tokens.astype("float64"), layer.norm), layer.embed))
    local, row, clip = np.split(z.copy(), 3, axis=-1)
    for b in range(len(tokens)):
        kept = mask[b] > 0
        for r in range(ROWS):
            own = slice(r * N, (r + 1) * N)
            inside = row[b, own][kept[own]]
            row[b, own] = inside.mean(axis=0) if len(inside) else 0.0
        clip[b] = clip[b][kept].mean(axis=0) if kept.any() else 0.0
    z = np.concatenate([local, row, clip], axis=-1)
    logits = _dense(_gelu(_dense(_gelu(_dense(z, layer.hidden_1)), layer.hidden_2)), layer.decide)
    return np.log(_softmax(logits))


def test_retaining_predictor_sees_token_row_and_clip():
    layer = RetainingPredictor(ROWS)
    layer.build(TOKENS.shape)
    _randomize(layer)
    masked, unmasked = run(lambda t, m: (layer(t, m), layer(t)), TOKENS, MASK)
    _close(masked, _retaining_log_probability(layer, TOKENS, MASK))
    _close(unmasked, _retaining_log_probability(layer, TOKENS, np.ones_like(MASK)))
    assert np.isfinite(masked).all()  # though rows and a clip keep nothing
    _close(np.exp(masked).sum(-1), 1.0)


def test_the_keep_bias_opens_the_gate():
    layer = RetainingPredictor(ROWS, keep_bias=3.0)
    layer.build(TOKENS.shape)
    for dense in (layer.embed, layer.hidden_1, layer.hidden_2, layer.decide):
        dense.kernel.assign(np.zeros(dense.kernel.shape))
    probability = np.exp(run(layer, TOKENS)[..., 0])
    _close(probability, 1 / (1 + np.exp(-3.0)))


@pytest.mark.parametrize("width", [8, 9, 13])
def test_retaining_predictor_needs_three_thirds(width):
    with pytest.raises(ValueError, match=f"multiple of 3.*at least 12. Received: width={width}"):
        RetainingPredictor(ROWS).build((None, 8, width))


# Eq. 6: the gate --------------------------------------------------------------------------------


def _gate(kind, log_probability=LOG_PROBABILITY, mask=MASK, noise=NOISE, num_kept=None, **options):
    gate = GumbelGate(kind, ROWS, **options)
    return run(lambda p, m, g: gate(p, m, num_kept=num_kept, noise=g), log_probability, mask, noise)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_gumbel_softmax_decides_by_argmax(temperature):
    decision = _gate("gumbel_softmax", temperature=temperature)
    expected = (LOG_PROBABILITY + NOISE).argmax(-1) == 0
    np.testing.assert_array_equal(decision, expected * MASK)


def test_gumbel_softmax_keeps_with_the_retaining_probability():
    probability = np.array([0.1, 0.5, 0.9])
    log_probability = np.log(np.stack([probability, 1 - probability], -1)).astype("float32")
    many = np.broadcast_to(log_probability.repeat(2000, 0), (1, 6000, 2))
    gate = GumbelGate("gumbel_softmax", num_rows=1, seed=0)
    decision = run(lambda p: gate(p, ops.ones_like(p[..., 0])), np.ascontiguousarray(many))
    np.testing.assert_allclose(decision.reshape(3, 2000).mean(1), probability, atol=0.04)


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_the_gradient_of_the_gate_is_that_of_the_softmax(temperature):
    gate = GumbelGate("gumbel_softmax", ROWS, temperature)
    weight = RNG.normal(size=MASK.shape).astype("float32")

    def loss(log_probability, mask):
        return ops.sum(gate(log_probability, mask, noise=ops.array(NOISE)) * ops.array(weight))

    of_probability, of_mask = gradients(loss, arguments=(LOG_PROBABILITY, MASK))
    soft = _softmax((LOG_PROBABILITY + NOISE).astype("float64") / temperature)
    slope = weight * MASK * soft[..., 0] * soft[..., 1] / temperature
    _close(of_probability, np.stack([slope, -slope], -1))
    hard = (LOG_PROBABILITY + NOISE).argmax(-1) == 0
    _close(of_mask, weight * hard)


def _standardized(logit, mask):
    """Each row's mean 0 and deviation 1 over the tokens still there, `(B, ROWS, N)`."""
    rows, mask = logit.reshape(3, ROWS, N).astype("float64"), mask.reshape(3, ROWS, N)
    count = np.maximum(mask.sum(-1, keepdims=True), 1)
    rows = rows - (rows * mask).sum(-1, keepdims=True) / count
    return rows / np.sqrt((rows**2 * mask).sum(-1, keepdims=True) / count + 1e-4)


@pytest.mark.parametrize("noise_scale", [0.0, 1.0])
def test_gumbel_top_k_keeps_the_count_and_revives_none(noise_scale):
    gate = GumbelGate("gumbel_top_k", ROWS, noise_scale=noise_scale)

    def two_gates(p):
        first = gate(p, ops.ones_like(p[..., 0]), num_kept=3, noise=ops.array(NOISE))
        return first, gate(-p, first, num_kept=2, noise=ops.array(NOISE[::-1].copy()))

    first, second = run(two_gates, LOG_PROBABILITY)
    np.testing.assert_array_equal(first.reshape(3, ROWS, N).sum(-1), 3)
    np.testing.assert_array_equal(second.reshape(3, ROWS, N).sum(-1), 2)
    assert (second <= first).all()
    logit = LOG_PROBABILITY[..., 0] - LOG_PROBABILITY[..., 1]
    noise = noise_scale * (NOISE[..., 0] - NOISE[..., 1])
    noisy = _standardized(logit, np.ones_like(MASK)) + noise.reshape(3, ROWS, N)
    order = np.sort(noisy, axis=-1)
    np.testing.assert_array_equal(first.reshape(3, ROWS, N), noisy >= order[..., 1:2])


def test_gumbel_top_k_keeps_all_of_a_row_that_has_fewer():
    decision = _gate("gumbel_top_k", num_kept=3)
    expected = np.minimum(MASK.reshape(3, ROWS, N).sum(-1), 3)
    np.testing.assert_array_equal(decision.reshape(3, ROWS, N).sum(-1), expected)
    assert (decision <= MASK).all()


def test_the_gradient_of_gumbel_top_k_is_that_of_the_sigmoid():
    gate = GumbelGate("gumbel_top_k", ROWS, temperature=0.5)
    weight = RNG.normal(size=MASK.shape).astype("float32")

    def loss(log_probability, mask):
        decision = gate(log_probability, mask, num_kept=2, noise=ops.array(NOISE))
        return ops.sum(decision * ops.array(weight))

    of_probability, _ = gradients(loss, arguments=(LOG_PROBABILITY, MASK))
    noise = (NOISE[..., 0] - NOISE[..., 1]).reshape(3, ROWS, N)

    def soft(logit):
        noisy = _standardized(logit, MASK) + noise
        return np.sum((weight * MASK).reshape(3, ROWS, N) / (1 + np.exp(-noisy / 0.5)))

    logit = (LOG_PROBABILITY[..., 0] - LOG_PROBABILITY[..., 1]).astype("float64")
    slope = np.zeros_like(logit)
    for place in np.ndindex(*logit.shape):
        step = np.zeros_like(logit)
        step[place] = 1e-5
        slope[place] = (soft(logit + step) - soft(logit - step)) / 2e-5
    _close(of_probability, np.stack([slope, -slope], -1))


@pytest.mark.parametrize("scale", [1.0, 40.0])
def test_drifted_logits_keep_the_gradient_of_gumbel_top_k(scale):
    gate = GumbelGate("gumbel_top_k", ROWS, noise_scale=0.0)
    weight = RNG.normal(size=MASK.shape).astype("float32")

    def loss(logit):
        both = ops.stack([logit * scale + 100.0, ops.zeros_like(logit)], -1)
        return ops.sum(gate(both, ops.ones_like(logit), num_kept=2) * ops.array(weight))

    (slope,) = gradients(loss, arguments=(LOG_PROBABILITY[..., 0],))
    assert np.abs(slope).max() > 0.05


def test_gates_draw_anew_and_as_seeded():
    p = np.log(np.full((1, 64, 2), 0.5, "float32"))
    mask = np.ones((1, 64), "float32")

    def draws(seed):
        gate = GumbelGate(num_rows=1, seed=seed)
        return [numpy(gate(p, mask)) for _ in range(2)]

    first, second = draws(0)
    assert (first != second).any()
    np.testing.assert_array_equal(draws(0), [first, second])
    assert (draws(1)[0] != first).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gate": "soft"}, "gate must be one of .*Received: gate='soft'"),
        ({"temperature": 0.0}, "temperature must be positive. Received: temperature=0.0"),
        ({"temperature": float("nan")}, "temperature must be positive"),
        ({"noise_scale": -1.0}, "noise_scale must be at least 0. Received: noise_scale=-1.0"),
    ],
)
def test_gates_that_there_are_not(arguments, message):
    with pytest.raises(ValueError, match=message):
        GumbelGate(**arguments)


def test_gumbel_top_k_without_a_count_is_refused():
    with pytest.raises(ValueError, match="gumbel_top_k.* needs num_kept"):
        GumbelGate("gumbel_top_k")(LOG_PROBABILITY, MASK)


# Ranking ----------------------------------------------------------------------------------------


def test_the_lower_index_wins_a_tie():
    scores = np.array([[1, 1, 1, 1, 0, 2, 2, 2], [3, 1, 2, 3, 0, 0, 0, 9]], "float32")
    kept = run(lambda s: keep_highest(s, 2, 2), scores)
    expected = [[1, 1, 0, 0, 0, 1, 1, 0], [1, 0, 0, 1, 1, 0, 0, 1]]
    np.testing.assert_array_equal(kept, expected)


def test_a_count_for_each_clip_and_positions():
    scores = RNG.normal(size=(3, 8)).astype("float32")
    counts = np.array([1, 4, 2], "int32")
    kept = run(lambda s, c: keep_highest(s, c, 2), scores, counts)
    np.testing.assert_array_equal(kept.reshape(3, 2, 4).sum(-1), counts[:, None].repeat(2, 1))
    even = run(lambda s: keep_highest(s, 2, 2), scores)
    positions = run(lambda k: kept_positions(k, 2, 2), even)
    np.testing.assert_array_equal(positions, [np.flatnonzero(row) for row in even])


# Eq. 7: sparsification loss ---------------------------------------------------------------------


def test_sparsification_loss():
    masks = [(RNG.random((3, ROWS * N)) < p).astype("float32") for p in (0.8, 0.5, 0.2)]
    expected = 0.0
    for m, mask in enumerate(masks, start=1):
        for clip in mask:
            for row in range(ROWS):
                kept = clip[row * N : (row + 1) * N].mean()
                expected += (kept - 0.7**m) ** 2 / (3 * 3 * ROWS)
    got = run(lambda *x: sparsification_loss(x, 0.7, ROWS), *masks)
    assert got == pytest.approx(expected, abs=1e-6)
    as_tensor = run(lambda r, *x: sparsification_loss(x, r, ROWS), np.float32(0.7), *masks)
    assert as_tensor == pytest.approx(expected, abs=1e-6)
    assert run(lambda: sparsification_loss([], 0.7, ROWS)) == 0


# Eq. 8-10: masked self-attention ----------------------------------------------------------------


def _masked_attention(layer, tokens, mask, epsilon):
    n, heads = tokens.shape[1], layer.num_heads
    out = np.zeros(tokens.shape)
    qkv = _dense(tokens.astype("float64"), layer.query_key_value)
    q, k, v = np.split(qkv, 3, axis=-1)
    d = D // heads
    for b in range(len(tokens)):
        M = np.where(np.eye(n) > 0, 1.0, mask[b][None, :])
        for h in range(heads):
            own = slice(h * d, (h + 1) * d)
            S = q[b, :, own] @ k[b, :, own].T / np.sqrt(d)
            e = np.exp(S - S.max(-1, keepdims=True)) * M
            A = (e + epsilon / n) / (e.sum(-1, keepdims=True) + epsilon)
            out[b, :, own] = A @ v[b, :, own]
    return _dense(out, layer.projection)


@pytest.mark.parametrize("epsilon", [1e-6, 0.1])
def test_masked_self_attention(epsilon):
    layer = MaskedSelfAttention(num_heads=3, epsilon=epsilon)
    layer.build(TOKENS.shape)
    _randomize(layer)
    masked, unmasked = run(lambda t, m: (layer(t, m), layer(t)), TOKENS, MASK)
    _close(masked, _masked_attention(layer, TOKENS, MASK, epsilon))
    _close(unmasked, _masked_attention(layer, TOKENS, np.ones_like(MASK), 0.0))


def test_masked_self_attention_has_a_gradient_through_the_mask():
    layer = MaskedSelfAttention(num_heads=3)
    layer.build(TOKENS.shape)
    _randomize(layer)
    weight = RNG.normal(size=TOKENS.shape)

    def loss(mask):
        attended = layer(ops.array(TOKENS), mask)
        return ops.sum(attended * ops.array(weight.astype("float32")))

    (found,) = gradients(loss, arguments=(MASK,))

    def exact(mask):
        return np.sum(_masked_attention(layer, TOKENS, mask, 1e-6) * weight)

    step = 1e-5
    for place in np.ndindex(*MASK.shape):  # a dropped key has a gradient too
        moved = np.zeros_like(MASK, dtype="float64")
        moved[place] = step
        expected = (exact(MASK + moved) - exact(MASK - moved)) / (2 * step)
        assert found[place] == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_masked_self_attention_stays_finite_with_scores_far_apart():
    layer = MaskedSelfAttention(num_heads=3)
    layer.build(TOKENS.shape)
    _randomize(layer, scale=30.0)
    attended = run(layer, TOKENS, MASK)
    assert np.isfinite(attended).all()
    found = gradients(lambda m: ops.sum(layer(ops.array(TOKENS), m)), layer.weights, (MASK,))
    assert all(np.isfinite(g).all() for g in found)


def test_heads_that_do_not_divide_the_width():
    with pytest.raises(ValueError, match="num_heads=5, width=12"):
        MaskedSelfAttention(5).build(TOKENS.shape)


def test_transformer_layer_is_pre_norm():
    layer = TransformerLayer(3, mlp_ratio=2.0)
    layer.build(TOKENS.shape)
    _randomize(layer)
    x = TOKENS.astype("float64")
    x = x + _masked_attention(layer.attention, _norm(x, layer.attention_norm), MASK, 1e-6)
    x = x + _dense(_gelu(_dense(_norm(x, layer.mlp_norm), layer.mlp_in)), layer.mlp_out)
    _close(run(layer, TOKENS, MASK), x, atol=1e-4)


# Blocks and head --------------------------------------------------------------------------------


def test_sparsification_block_is_layers_predictor_gate():
    block = SparsificationBlock(1, 3, ROWS)
    block.build(TOKENS.shape)
    _randomize(block)

    def all_of_it(tokens, mask, noise):
        whole = block(tokens, mask, training=True, noise=noise)
        tokens = block.transformer_layers[0](tokens, mask)
        log_probability = block.retaining_predictor(tokens, mask)
        return whole, (
            tokens,
            log_probability,
            block.gumbel_gate(log_probability, mask, noise=noise),
        )

    whole, parts = run(all_of_it, TOKENS, MASK, NOISE)
    for x, y in zip(whole, parts, strict=True):
        _close(x, y)
    assert (whole[2] <= MASK).all()


def test_sparsification_block_keeps_the_most_probable_of_those_there():
    block = SparsificationBlock(1, 3, ROWS)
    block.build(TOKENS.shape)
    _randomize(block)
    _, log_probability, kept = run(lambda t, m: block(t, m, num_kept=2), TOKENS, MASK)
    there = np.where(MASK > 0, log_probability[..., 0], -np.inf).reshape(3, ROWS, N)
    for b, r in np.ndindex(3, ROWS):
        best = np.argsort(-there[b, r], kind="stable")[:2]
        best = best[np.isfinite(there[b, r][best])]
        np.testing.assert_array_equal(np.flatnonzero(kept[b, r * N : (r + 1) * N]), np.sort(best))


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_anonymizer_head(activation):
    layer = AnonymizerHead((1, 2, 2), output_activation=activation)
    layer.build(TOKENS.shape)
    _randomize(layer)
    expected = _dense(_norm(TOKENS.astype("float64"), layer.norm), layer.projection)
    if activation:
        expected = 1 / (1 + np.exp(-expected))
    assert expected.shape == (3, 8, 12)
    _close(run(layer, TOKENS), expected)


def test_an_activation_that_there_is_not():
    with pytest.raises(ValueError, match="Received: output_activation='tanh'"):
        AnonymizerHead(output_activation="tanh")
