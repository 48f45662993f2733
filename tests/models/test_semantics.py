"""What a dropped tubelet means: it is gone, it shows the fill value, and nobody reads it."""

import functools

import keras
import numpy as np
import pytest
import tiny_models
from harness import gradients, run
from keras import ops
from tiny_models import PER_ROW, ROWS, tubelets

from keras_stprivacy.models import Anonymizer, Recognizer
from keras_stprivacy.models.token_paths import floor_count

CLIPS = tiny_models.clips()


@functools.cache
def _anonymizer(**options):
    return tiny_models.anonymizer(**options)


def _removed(model, ratio, clip=CLIPS):
    return run(lambda x: model(x, keep_ratio=ratio), clip)


def _masked(model, ratios, clip=CLIPS):
    ratios = np.broadcast_to(np.float32(ratios), len(clip))
    return run(lambda x, r: model(x, keep_ratio=r), clip, np.ascontiguousarray(ratios))


def _assert_same(x, y, atol=1e-5):
    for a, b in zip(keras.tree.flatten(x), keras.tree.flatten(y), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


# Both paths -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["row", "clip"])
def test_masked_and_removed_paths_agree(rule):
    model = _anonymizer(keep_rule=rule)
    removed = _removed(model, 0.7)
    _assert_same(removed, _masked(model, 0.7))
    assert 0 < removed["decision_mask"].mean() < 1


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_a_number_and_a_tensor_keep_as_many_of_any_total(exponent):
    steps = np.arange(1, 21)
    ratios = (steps / 20).astype("float32")
    totals = (*range(1, 50), 98, 392, 2759, 3200, 5000, 5518, 6071, 9999)
    counts = run(lambda r: [floor_count(total, r, exponent) for total in totals], ratios)
    for total, found in zip(totals, counts, strict=True):
        assert found.tolist() == [floor_count(total, step / 20, exponent) for step in steps]
        exact = np.maximum(total * steps**exponent // 20**exponent, 1)
        np.testing.assert_array_equal(found, exact)


@pytest.mark.parametrize("rule", ["row", "clip"])
def test_each_clip_may_have_a_ratio_of_its_own(rule):
    model = _anonymizer(keep_rule=rule)
    ratios = (0.4, 1.0, 0.8)
    together = _masked(model, ratios)
    counts = [model.num_kept(ratio) for ratio in ratios]
    np.testing.assert_array_equal(together["decision_mask"].sum(-1), counts)
    assert len(set(counts)) == 3
    for i, ratio in enumerate(ratios):
        alone = _removed(model, ratio, CLIPS[i : i + 1])
        _assert_same(alone, keras.tree.map_structure(lambda x, i=i: x[i : i + 1], together))


def test_removing_in_training_is_masking_without_the_others():
    model = _anonymizer(gate="gumbel_top_k", keep_ratio=0.6)
    tiny_models.use_noise(model, len(CLIPS))
    # The removed path draws noise for the tokens still there alone: those of the first PSB are
    # the same, so without noise afterwards the decisions are too.
    for block in model.sparsification_blocks[1:]:
        block.gumbel_gate.sample_noise = ops.zeros
    masked = run(lambda x: model(x, training=True), CLIPS)
    removed = run(lambda x: model(x, training=True, remove_dropped=True), CLIPS)
    _assert_same(masked, removed)


@pytest.mark.parametrize("remove", [False, True])
def test_training_without_draws_gives_what_inference_gives(remove):
    model = _anonymizer(gate="gumbel_top_k", bottleneck_bits=4)
    options = {"training": True, "draw": False, "remove_dropped": remove}
    trained = run(lambda x: model(x, **options), CLIPS)
    deployed = run(model, CLIPS)
    _assert_same(trained, deployed)
    drawn = run(lambda x: model(x, **{**options, "draw": True}), CLIPS)
    assert np.abs(drawn["clip"] - deployed["clip"]).max() > 0.01


def test_structure_is_the_same_in_training_and_inference():
    model = _anonymizer()
    training = run(lambda x: model(x, training=True), CLIPS)
    inference = _removed(model, 0.7)
    shapes = [
        keras.tree.map_structure(lambda x: (x.shape, x.dtype), x) for x in (training, inference)
    ]
    assert shapes[0] == shapes[1]
    assert list(training) == ["clip", "decision_mask", "sparsification"]


# Counts -----------------------------------------------------------------------------------------


def test_counts_of_the_paper():
    model = Anonymizer(hidden_dim=12, num_heads=2, layers_per_block=1)
    assert model.grid_shape == (8, 7, 7)
    assert model.kept_per_row() == [34, 24, 16]
    assert model.num_kept() == 8 * 16
    assert model.num_kept(1.0) == 392
    assert model.num_kept(0.01) == 8  # at least one in each row
    model = Anonymizer(hidden_dim=12, num_heads=2, layers_per_block=1, keep_rule="clip")
    assert model.num_kept() == int(392 * 0.343)


@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.7, 1.0])
def test_each_row_keeps_its_count_and_none_returns(ratio):
    model = _anonymizer()
    output = _removed(model, ratio)
    before = np.ones((len(CLIPS), ROWS * PER_ROW))
    for stage, count in zip(output["sparsification"], model.kept_per_row(ratio), strict=True):
        mask = stage["decision_mask"]
        np.testing.assert_array_equal(mask.reshape(-1, ROWS, PER_ROW).sum(-1), count)
        assert (mask <= before).all()
        assert (stage["retaining_probability"][before == 0] == 0).all()
        assert (stage["retaining_probability"][before == 1] > 0).all()
        before = mask
    np.testing.assert_array_equal(output["decision_mask"], before)


def test_clip_rule_is_one_sort_by_the_probability_to_survive():
    model = _anonymizer(keep_rule="clip")
    output = _removed(model, 0.7)
    survival = np.prod([s["retaining_probability"] for s in output["sparsification"]], axis=0)
    count = model.num_kept(0.7)
    assert count == int(ROWS * PER_ROW * 0.7**2)
    for scores, mask in zip(survival, output["decision_mask"], strict=True):
        assert mask.sum() == count
        assert scores[mask == 1].min() >= scores[mask == 0].max()


def test_row_rule_keeps_the_most_probable_of_those_still_there():
    output = _removed(_anonymizer(), 0.7)
    before = np.ones((len(CLIPS), ROWS * PER_ROW))
    for stage in output["sparsification"]:
        for b, r in np.ndindex(len(CLIPS), ROWS):
            own = slice(r * PER_ROW, (r + 1) * PER_ROW)
            probability = stage["retaining_probability"][b, own]
            kept = stage["decision_mask"][b, own] == 1
            left = (before[b, own] == 1) & ~kept
            assert probability[kept].min() >= probability[left].max()
        before = stage["decision_mask"]


def test_gates_of_training_never_revive():
    output = run(lambda x: _anonymizer(keep_bias=0.0)(x, training=True), CLIPS)
    first, second = (stage["decision_mask"] for stage in output["sparsification"])
    assert (second <= first).all()
    np.testing.assert_array_equal(output["decision_mask"], second)


# What dropped tubelets show ---------------------------------------------------------------------


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("options", [{}, {"fill_value": 0.25}, {"output_activation": "sigmoid"}])
def test_dropped_tubelets_show_the_fill_value_exactly(training, options):
    model = _anonymizer(**options)
    output = run(lambda x: model(x, training=training), CLIPS)
    dropped = output["decision_mask"] == 0
    assert dropped.any() and not dropped.all()
    pixels = tubelets(output["clip"])
    assert (pixels[dropped] == options.get("fill_value", 0.0)).all()
    assert (pixels[~dropped].std(-1) > 0).all()


def test_opponents_in_training_may_ask_for_what_the_head_wrote():
    model = _anonymizer()
    tiny_models.use_noise(model, len(CLIPS))
    filled, unfilled = run(
        lambda x: [model(x, training=True, fill_dropped=f)["clip"] for f in (True, False)], CLIPS
    )
    mask = run(lambda x: model(x, training=True)["decision_mask"], CLIPS)
    kept = np.repeat(mask[..., None] == 1, tubelets(filled).shape[-1], -1)
    assert not kept.all()
    np.testing.assert_array_equal(tubelets(filled)[kept], tubelets(unfilled)[kept])
    assert (tubelets(unfilled)[~kept] != 0).mean() > 0.99


def _without_mixing_before_the_first_drop(model):
    """The layers of the first PSB then see one token at a time."""
    for layer in model.sparsification_blocks[0].transformer_layers:
        for variable in layer.attention.projection.weights:
            variable.assign(np.zeros(variable.shape, "float32"))
    return model


@pytest.mark.parametrize("path", [_removed, _masked])
def test_pixels_dropped_at_first_change_nothing_afterwards(path):
    model = _without_mixing_before_the_first_drop(tiny_models.anonymizer())
    before = path(model, 0.7)
    dropped = before["sparsification"][0]["decision_mask"] == 0
    other = tubelets(CLIPS.copy())
    noise = np.random.default_rng(5).random(other.shape, dtype="float32")
    other[dropped] = 0.99 * other[dropped] + 0.01 * noise[dropped]
    t, h, w = tiny_models.SIZE["tubelet_size"]
    other = other.reshape(3, 2, 2, 3, t, h, w, 3).transpose(0, 1, 4, 2, 5, 3, 6, 7)
    after = path(model, 0.7, np.ascontiguousarray(other.reshape(CLIPS.shape)))
    assert np.abs(other.reshape(CLIPS.shape) - CLIPS).max() > 1e-3
    # The decisions are the same, and with them all that leaves, to the last bit.
    for name in ("clip", "decision_mask"):
        np.testing.assert_array_equal(before[name], after[name])


def test_pixels_of_a_kept_tubelet_do_change_what_leaves():
    model = tiny_models.anonymizer()
    before = _removed(model, 0.7)
    kept = np.argwhere(before["decision_mask"][0] == 1)[0, 0]
    row, down, across = np.unravel_index(kept, tiny_models.GRID)
    other = CLIPS.copy()
    other[0, 2 * row, 8 * down, 8 * across] += 0.05
    after = _removed(model, 0.7, other)
    assert (before["clip"][0] != after["clip"][0]).any()
    np.testing.assert_array_equal(before["clip"][1:], after["clip"][1:])  # no other clip


# Recognizers ------------------------------------------------------------------------------------


@functools.cache
def _recognizer(**options):
    return tiny_models.recognizer(**options)


def _mask(count=5, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(12) < count for _ in CLIPS]).astype("float32")


def _logits(model, mask, clip=CLIPS, **options):
    call = {"clip": clip, "decision_mask": mask}
    return run(lambda c, m: model({"clip": c, "decision_mask": m}, **options), *call.values())


@pytest.mark.parametrize("training", [False, True])
def test_recognizers_on_kept_tokens_alone_give_the_masked_result(training):
    masked = _recognizer()
    gathered = _recognizer(num_kept=5)
    mask = _mask()
    expected = _logits(masked, mask, training=training)
    np.testing.assert_allclose(_logits(gathered, mask, training=training), expected, atol=1e-4)
    np.testing.assert_allclose(
        _logits(masked, mask, num_kept=5, training=training), expected, atol=1e-4
    )
    assert np.abs(expected - run(masked, CLIPS)).max() > 1e-3  # the mask matters


def test_recognizers_never_see_dropped_tubelets():
    mask = _mask()
    other = tubelets(CLIPS.copy())
    other[mask == 0] = 0.5
    t, h, w = tiny_models.SIZE["tubelet_size"]
    other = other.reshape(3, 2, 2, 3, t, h, w, 3).transpose(0, 1, 4, 2, 5, 3, 6, 7)
    other = np.ascontiguousarray(other.reshape(CLIPS.shape))
    gathered = _recognizer(num_kept=5)
    np.testing.assert_array_equal(_logits(gathered, mask), _logits(gathered, mask, other))
    masked = _recognizer()
    np.testing.assert_array_equal(_logits(masked, mask), _logits(masked, mask, other))
    trained = [_logits(masked, mask, x, training=True) for x in (CLIPS, other)]
    np.testing.assert_allclose(*trained, atol=1e-4)  # but for the ε of attention


def test_the_mask_has_the_same_gradient_on_kept_tokens_alone():
    model, mask = _recognizer(), _mask()

    def loss(num_kept):
        def function(mask):
            inputs = {"clip": ops.array(CLIPS), "decision_mask": mask}
            return ops.sum(model(inputs, training=True, num_kept=num_kept)[:, 0])

        return function

    (of_all,), (of_kept,) = (gradients(loss(k), arguments=(mask,)) for k in (None, 5))
    np.testing.assert_allclose(of_kept[mask == 1], of_all[mask == 1], atol=1e-4)
    assert (of_kept[mask == 0] == 0).all() and (of_all[mask == 0] != 0).all()


# Nothing is kept --------------------------------------------------------------------------------


def test_all_dropped_stays_finite_forwards_and_backwards():
    anonymizer = tiny_models.anonymizer()
    for block in anonymizer.sparsification_blocks:
        decide = block.retaining_predictor.decide
        decide.bias.assign([-1e4, 0.0])
    recognizer = tiny_models.recognizer()

    def forward(clip):
        output = anonymizer(clip, training=True, fill_dropped=False)
        inputs = {"clip": output["clip"], "decision_mask": output["decision_mask"]}
        return output, recognizer(inputs, training=True)

    output, logits = run(forward, CLIPS)
    assert (output["decision_mask"] == 0).all()
    for value in (*keras.tree.flatten(output), logits):
        assert np.isfinite(value).all()

    def loss(clip):
        output, logits = forward(clip)
        return ops.sum(logits) + ops.sum(output["clip"]) + ops.sum(output["decision_mask"])

    variables = [*anonymizer.trainable_variables, *recognizer.trainable_variables]
    for variable, gradient in zip(variables, gradients(loss, variables, (CLIPS,)), strict=False):
        assert np.isfinite(gradient).all(), variable.path
    filled = run(lambda x: anonymizer(x, training=True)["clip"], CLIPS)
    assert (filled == 0).all()


def test_one_empty_row_stays_finite():
    model = _recognizer()
    mask = np.ones((3, 12), "float32")
    mask[0, :6] = mask[1] = 0
    found = gradients(
        lambda m: ops.sum(model({"clip": ops.array(CLIPS), "decision_mask": m}, training=True)),
        model.trainable_variables,
        (mask,),
    )
    assert all(np.isfinite(g).all() for g in found)
    assert np.isfinite(_logits(model, mask)).all()


# Ratios and sizes -------------------------------------------------------------------------------


def test_the_ratio_can_change_after_it_was_compiled():
    model = tiny_models.anonymizer(keep_ratio=0.7)
    kept = {}
    for ratio in (0.7, 0.4, 1.0):
        model.keep_ratio = ratio
        output = model.predict(CLIPS, verbose=0)
        kept[ratio] = output["decision_mask"].sum(-1)
        np.testing.assert_array_equal(kept[ratio], model.num_kept())
        assert model.get_config()["keep_ratio"] == ratio
    assert kept[0.4][0] < kept[0.7][0] < kept[1.0][0] == ROWS * PER_ROW
    np.testing.assert_array_equal(_removed(model, 0.4)["decision_mask"].sum(-1), kept[0.4])
    assert model.keep_ratio == 1.0


def test_ratio_one_keeps_everything():
    output = _removed(_anonymizer(), 1.0)
    assert (output["decision_mask"] == 1).all()
    assert (output["clip"] != 0).mean() > 0.99
    assert _removed(_anonymizer(), 1)["clip"].shape == CLIPS.shape


@pytest.mark.parametrize("training", [False, True])
def test_without_sparsification_blocks_every_tubelet_is_rewritten(training):
    model = _anonymizer(num_sparsification_blocks=0)
    output = run(lambda x: model(x, training=training), CLIPS)
    assert output["sparsification"] == [] and (output["decision_mask"] == 1).all()
    assert model.num_kept() == ROWS * PER_ROW


@pytest.mark.parametrize(
    ("frames", "size", "tubelet"),
    [(3, (8, 8), (3, 4, 4)), (10, (8, 24), (5, 8, 4)), (2, 8, (1, 4, 8))],
)
@pytest.mark.parametrize("training", [False, True])
def test_any_size_that_the_tubelet_divides(frames, size, tubelet, training):
    sizes = {"num_frames": frames, "image_size": size, "tubelet_size": tubelet}
    anonymizer = Anonymizer(**sizes, **tiny_models.WIDTH, layers_per_block=1, keep_ratio=0.6)
    recognizer = Recognizer(2, **sizes, **tiny_models.WIDTH, num_layers=1)
    clip = np.random.default_rng(0).random((2, *anonymizer.clip_shape)).astype("float32")

    def both(x):
        output = anonymizer(x, training=training)
        inputs = {"clip": output["clip"], "decision_mask": output["decision_mask"]}
        return output["clip"], recognizer(inputs)

    shown, logits = run(both, clip)
    assert shown.shape == clip.shape and logits.shape == (2, 2)
    assert np.isfinite(shown).all() and np.isfinite(logits).all()


def test_pixel_ranges_are_undone():
    """With the head at 0 the clip is the mean; `mean` and `std` of the input cancel."""
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    model = tiny_models.anonymizer(mean=mean, std=std, keep_ratio=1.0)
    for variable in model.head.projection.weights:
        variable.assign(np.zeros(variable.shape, "float32"))
    shown = _removed(model, 1.0)["clip"]
    np.testing.assert_allclose(shown, np.broadcast_to(np.float32(mean), shown.shape), atol=1e-6)
    plain = tiny_models.anonymizer(mean=0.0, std=1.0)
    scaled = tiny_models.anonymizer(mean=mean, std=std)
    moved = CLIPS * np.float32(std) + np.float32(mean)
    np.testing.assert_allclose(
        _removed(scaled, 0.7, moved)["sparsification"][0]["retaining_probability"],
        _removed(plain, 0.7)["sparsification"][0]["retaining_probability"],
        atol=1e-5,
    )


def test_draws_are_seeded_and_differ_between_blocks_and_calls():
    def draws(seed):
        model = Anonymizer(**tiny_models.SIZE, **tiny_models.WIDTH, layers_per_block=0, seed=seed)
        noise = [block.gumbel_gate.sample_noise((4,)) for block in model.sparsification_blocks * 2]
        return [tuple(ops.convert_to_numpy(n).tolist()) for n in noise]

    assert draws(0) == draws(0)
    assert len(set(draws(0))) == 6
    assert set(draws(0)).isdisjoint(draws(7))
