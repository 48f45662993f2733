"""One probe: fresh attackers learn from some clips, and read others."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_stprivacy.evaluation.attackers import ATTACKERS, make_attacker
from keras_stprivacy.evaluation.attackers.attacker import as_floats, probability_of
from keras_stprivacy.evaluation.attackers.training import Training
from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.evaluation.eight_bit import pad
from keras_stprivacy.evaluation.probe_clips import ProbeClips
from keras_stprivacy.scores import average_precision, top_1
from keras_stprivacy.training.release_graphs import release_graphs

Transform = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]


@dataclasses.dataclass(frozen=True)
class Given:
    """Clips that an attacker is given: those of `ProbeClips`, raw or transformed.

    Attributes:
        pixels: uint8 array (N·V, T, H, W, 3).
        decision_mask: uint8 array (N·V, L·N), or None.
        num_views: V.
    """

    pixels: np.ndarray
    decision_mask: np.ndarray | None
    num_views: int

    def average(self, said: np.ndarray) -> np.ndarray:
        """Mean over the views of what was said of them, (N, ...)."""
        return said.reshape(-1, self.num_views, *said.shape[1:]).mean(axis=1)


def give(clips: ProbeClips, transform: Transform | None, batch_size: int) -> Given:
    """Transforms clips as a deployment does; raw ones where `transform` is None."""
    views = clips.pixels.shape[1]
    pixels = clips.pixels.reshape(-1, *clips.pixels.shape[2:])
    if transform is None:
        return Given(pixels, None, views)
    # Batch by batch, since floats take four times the memory.
    parts = [
        transform(as_floats(pixels[start : start + batch_size]))
        for start in range(0, len(pixels), batch_size)
    ]
    masks = [mask for _, mask in parts if mask is not None]
    return Given(
        np.concatenate([given for given, _ in parts]),
        np.concatenate(masks) if masks else None,
        views,
    )


@dataclasses.dataclass(frozen=True)
class ProbeAttack:
    """Fresh attackers, always of the same kind and with the same seed.

    Attributes:
        target: what they take their shape from, see `Attacker`.
        attackers: names of `ATTACKERS`.
        attacker: network of video transformers, see `VideoTransformerAttacker`.
        training: of each.
        batch_size: clips in a step.
        seed: of weights and order.
        jit_compile: see `keras.Model.compile`.
    """

    target: Any
    attackers: tuple[str, ...]
    attacker: Any
    training: Training
    batch_size: int
    seed: int
    jit_compile: bool | str

    def average_precision(
        self, train: Given, train_privacy: np.ndarray, test: Given, test_privacy: np.ndarray
    ) -> list[float | None]:
        """What the strongest attacker reaches on each attribute.

        Args:
            train: what attackers learn from.
            train_privacy: int array (N, P) of 0 and 1.
            test: what they read.
            test_privacy: int array (M, P) of 0 and 1.

        Returns:
            P average precisions; None where no clip of the test has the attribute.

        Raises:
            FloatingPointError: if an attacker's loss is not finite.
        """
        store = ClipStore(train.pixels.shape[1:], sys.maxsize, ".", "probe")
        store.append(train.pixels, train.decision_mask)
        store.close()
        num_kept = None
        if train.decision_mask is not None:
            counts = np.concatenate([train.decision_mask, test.decision_mask]).sum(axis=1)
            num_kept = int(counts[0]) if (counts == counts[0]).all() else None
        labels = np.repeat(train_privacy, train.num_views, axis=0)
        reached = []
        try:
            for number, name in enumerate(self.attackers):
                if ATTACKERS[name].needs_mask and train.decision_mask is None:
                    continue
                attacker = make_attacker(
                    name,
                    "privacy",
                    labels.shape[1],
                    self.target,
                    self.attacker,
                    num_kept=num_kept,
                    seed=self.seed + number,
                    batch_size=self.batch_size,
                    jit_compile=self.jit_compile,
                )
                attacker.fit(store, labels, self.training)
                said = test.average(attacker.predict(test.pixels, test.decision_mask))
                reached.append(average_precision(test_privacy, said).values)
        finally:
            # What the training around the probe has traced stays usable: nobody differentiates it.
            release_graphs()
        # An attribute is defined for all attackers or for none.
        return [None if values[0] is None else max(values) for values in zip(*reached, strict=True)]


class ActionReading:
    """How well an action recognizer reads transformed clips, on its inference path.

    Args:
        recognizer: takes `{"clip", "decision_mask"}`, or clips where there is no mask.
        batch_size: clips at a time.
        jit_compile: see `keras.Model.compile`.
    """

    def __init__(self, recognizer: keras.Model, batch_size: int, jit_compile: bool | str) -> None:
        self.batch_size = batch_size
        # A model of its own: its compiled function never replaces one of the recognizer's.
        self._model = _Reader(recognizer)
        self._model.compile(jit_compile=jit_compile)

    def __call__(self, given: Given, action: np.ndarray) -> float:
        """Top-1 accuracy, or mean average precision where a clip may show several actions.

        Args:
            given: the clips.
            action: int array (N,), or (N, A) of 0 and 1.
        """
        parts = []
        for start in range(0, len(given.pixels), self.batch_size):
            rows = slice(start, start + self.batch_size)
            inputs: Any = as_floats(pad(given.pixels[rows], self.batch_size))
            if given.decision_mask is not None:
                mask = pad(given.decision_mask[rows], self.batch_size).astype("float32")
                inputs = {"clip": inputs, "decision_mask": mask}
            logits = np.asarray(self._model.predict_on_batch(inputs), "float64")
            parts.append(logits[: len(given.pixels[rows])])
        logits = np.concatenate(parts)
        said = given.average(probability_of(logits, one_class=action.ndim == 1))
        if action.ndim == 2:
            return float(average_precision(action, said).mean or 0.0)
        return top_1(action, said)


class _Reader(keras.Model):
    def __init__(self, recognizer: keras.Model) -> None:
        super().__init__(name="reader")
        self.recognizer = recognizer

    def call(self, inputs: Any) -> Any:
        return self.recognizer(inputs, training=False)
