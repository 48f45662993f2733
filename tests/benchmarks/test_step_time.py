"""What the benchmark of steps compares."""

import harness
import keras
import numpy as np
import pytest
import tiny_models

from keras_stprivacy.training import STPrivacy


def test_the_plain_loop_is_the_alternating_rule(program, backend):
    """It computes more, and takes the same step."""
    if backend != "torch":
        pytest.skip("graphs of the other backends leave out what a turn does not use")
    after = []
    for phase in (STPrivacy, program("step_time").plain_loop(STPrivacy)):
        models = tiny_models.players()
        tiny_models.use_noise(models[0], 3)
        model = phase(*models, schedule=None, update_rule="alternating")
        sgd = [keras.optimizers.SGD(0.1) for _ in range(2)]
        model.compile(anonymizer_optimizer=sgd[0], recognizer_optimizer=sgd[1])
        before = [harness.numpy(v).copy() for v in model.trainable_variables]
        model.train_on_batch(tiny_models.clips(3), tiny_models.labels(3))
        after.append([harness.numpy(v) for v in model.trainable_variables])
        assert any(not np.array_equal(a, b) for a, b in zip(before, after[-1], strict=True))
    for ours, plain in zip(*after, strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-6)


def test_its_table_compares_with_the_simultaneous_rule(program):
    rows = [
        {"backend": b, "rule": r, "median_s": s, "peak_gib": 1.0}
        for b, r, s in (("jax", "simultaneous", 2.0), ("jax", "alternating", 3.0))
    ]
    settings = {"command": "a command", "preset": "p", "batch": 4, "machine": "m", "steps": 3}
    lines = program("step_time").table(settings, rows).splitlines()
    assert lines[-2:] == [
        "| jax | simultaneous | 2.00 | 2.00 | 1.0 |  |",
        "| jax | alternating | 3.00 | 1.33 | 1.0 | 1.50 x |",
    ]
