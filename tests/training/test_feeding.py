"""Batches that are made one by one, as `fit` reads them."""

import gc
import weakref

import keras
import numpy as np

from keras_stprivacy.training.feeding import fed

BATCHES = [
    (
        np.full((count, 2), number, "float32"),
        {"action": np.arange(count, dtype="int32"), "privacy": np.ones((count, 3), "float32")},
    )
    for number, count in enumerate((4, 4, 3))
]


class Recorder(keras.Model):
    """Keeps what each step of training is given."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.built = True

    def train_on(self, data):
        self.seen.append(keras.tree.map_structure(np.array, data))
        return {"loss": keras.ops.zeros(())}

    def train_step(self, *arguments):  # (state, data) on JAX, (data,) elsewhere
        logs = self.train_on(arguments[-1])
        return (logs, arguments[0]) if len(arguments) == 2 else logs


def test_fit_reads_every_batch_as_it_was_in_its_order():
    model = Recorder()
    model.compile(run_eagerly=True)
    with fed(batch for batch in BATCHES + BATCHES) as batches:
        model.fit(batches, epochs=2, steps_per_epoch=3, shuffle=False, verbose=0)
    assert len(model.seen) == 6
    for (clips, labels), (expected, named) in zip(model.seen, BATCHES + BATCHES, strict=True):
        np.testing.assert_array_equal(clips, expected)
        assert clips.dtype == expected.dtype and set(labels) == set(named)
        for name, values in named.items():
            np.testing.assert_array_equal(labels[name], values)
            assert labels[name].dtype == values.dtype


def test_on_tensorflow_no_thread_tunes_what_fit_reads(backend):
    batches = (batch for batch in BATCHES)
    with fed(batches) as given:
        if backend == "tensorflow":
            assert given.options().autotune.enabled is False
        else:
            assert given is batches


def test_what_the_batches_are_made_of_is_let_go_of():
    model = Recorder()
    model.compile(run_eagerly=True)

    def endless(maker):
        while maker is not None:
            yield from BATCHES

    with fed(endless(model)) as batches:
        model.fit(batches, epochs=2, steps_per_epoch=2, shuffle=False, verbose=0)
    gone = weakref.ref(model)
    del model, batches
    gc.collect()
    assert gone() is None
