"""The attacker that rebuilds the raw clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.evaluation.attackers.attacker import as_floats
from keras_stprivacy.evaluation.attackers.training import (
    Training,
    check_finite,
    fit_on_store,
    make_optimizer,
    steps_of,
)
from keras_stprivacy.evaluation.attackers.transformer_arguments import (
    SHARED_ARGUMENTS,
    transformer_arguments,
)
from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.evaluation.eight_bit import pad, to_eight_bit
from keras_stprivacy.models import Anonymizer
from keras_stprivacy.training.seeding import seeded


class ReconstructionAttacker:
    """A decoder that learns from pairs to give the raw clip back.

    Whoever can run the anonymizer can make pairs of raw and anonymized clips. The decoder is a
    video transformer that sees all of the anonymized clip and writes every tubelet anew, added to
    the clip itself times a learned factor; it minimises the mean squared error. Decision masks
    reach it as the fill value of dropped tubelets. It begins as the least-squares line from given
    to raw pixels.

    Args:
        target: see `Attacker`.
        attacker: None, a preset's name or a dict of arguments for the shape of the transformer, as
            for `VideoTransformerAttacker`; a callable is taken as None.
        seed: see `Attacker`.
        batch_size: see `Attacker`.
        jit_compile: see `Attacker`.

    Attributes:
        model: the decoder, from clips to clips, both in [0, 1], unclipped.
    """

    name = "reconstruction"
    label = "reconstruction"

    def __init__(
        self,
        target: Any,
        attacker: Any = None,
        seed: int = 0,
        batch_size: int = 32,
        jit_compile: bool | str = "auto",
    ) -> None:
        self.seed = seed
        self.batch_size = batch_size
        self.jit_compile = jit_compile
        if isinstance(attacker, str):
            attacker = {"preset": attacker}
        shape = transformer_arguments(None if callable(attacker) else attacker, target)
        layers = shape.pop("num_layers", 4)
        shape = {key: value for key, value in shape.items() if key in SHARED_ARGUMENTS}
        with seeded(seed):
            decoder = Anonymizer(
                **shape, layers_per_block=layers, num_sparsification_blocks=0, seed=seed
            )
            self.model = _Rebuild(decoder)

    def fit(
        self,
        given: ClipStore,
        raw: ClipStore,
        training: Training,
        rows: np.ndarray | None = None,
        on_epoch_end: Callable[[], None] | None = None,
    ) -> dict[str, list[float]]:
        """Trains on pairs.

        Args:
            given: what the anonymizer gave out.
            raw: the raw clips, in the same order.
            training: epochs, learning rate and the like.
            rows: which clips to learn from; None: all.
            on_epoch_end: called after every epoch.

        Returns:
            The loss (mean squared error) of every epoch.

        Raises:
            FloatingPointError: if the loss is no longer finite.
        """
        count = len(given) if rows is None else len(rows)
        some = (np.arange(count) if rows is None else rows)[:_FOR_SHARE]
        self.model.begin_as_line(given.clips[some], raw.clips[some])
        steps = steps_of(count, self.batch_size, training.epochs)
        optimizer = make_optimizer(self.model, steps, training)
        self.model.compile(optimizer, "mean_squared_error", jit_compile=self.jit_compile)

        def make_batch(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return as_floats(given.clips[places]), as_floats(raw.clips[places])

        history = fit_on_store(
            self.model,
            given,
            make_batch,
            rows,
            self.batch_size,
            training.epochs,
            self.seed,
            on_epoch_end,
        )
        check_finite(history, self.name, training)
        return history

    def rebuild(self, clips: np.ndarray) -> np.ndarray:
        """Gives the raw clips as the decoder believes them to be.

        Args:
            clips: uint8 array (B, T, H, W, 3) that an anonymizer gave out.

        Returns:
            A uint8 array of that shape.

        Raises:
            FloatingPointError: if the decoder rebuilds NaN or infinity.
        """
        parts = []
        for start in range(0, len(clips), self.batch_size):
            part = clips[start : start + self.batch_size]
            output = self.model.predict_on_batch(as_floats(pad(part, self.batch_size)))
            output = np.asarray(output)[: len(part)]
            if not np.isfinite(output).all():
                raise FloatingPointError(
                    "the reconstruction attacker rebuilds NaN or infinity, after a training that "
                    "stayed finite. Give it a wider number format (float32), or lower "
                    "learning_rate."
                )
            parts.append(to_eight_bit(output))
        return np.concatenate(parts)


_FOR_SHARE = 128  # clips that the line is computed from


class _Rebuild(keras.Model):
    def __init__(self, decoder: Anonymizer) -> None:
        super().__init__(name="rebuild")
        self.decoder = decoder
        self.share = self.add_weight(shape=(1,), initializer="zeros", name="share")
        self.offset = self.add_weight(shape=(1,), initializer="zeros", name="offset")
        self.built = True

    def begin_as_line(self, given: np.ndarray, raw: np.ndarray) -> None:
        """Sets the least-squares line from given to raw pixels, and the decoder's part to 0."""
        x, y = as_floats(given).ravel(), as_floats(raw).ravel()
        variance = float(np.var(x))
        slope = float(np.mean((x - x.mean()) * (y - y.mean()))) / variance if variance else 0.0
        self.share.assign([slope])
        self.offset.assign([float(y.mean()) - slope * float(x.mean())])
        # The head writes (pixel - mean) / std: what is mean in pixels is nothing in its space.
        for variable in self.decoder.head.trainable_variables:
            if "/norm/" not in variable.path:  # or nothing would ever reach the other weights
                variable.assign(np.zeros(variable.shape, "float32"))

    def call(self, clip: Any, training: bool | None = None) -> Any:
        # Not `training=True`: without sparsification blocks nothing is drawn at random.
        written = ops.cast(self.decoder(clip, training=False)["clip"], "float32")
        middle = ops.cast(self.decoder.pixel_range.mean, "float32")
        return written - middle + self.share * clip + self.offset
