"""The layers of an anonymizer."""

# The attributes used here are those of Anonymizer, which this class is mixed into.
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_stprivacy.layers import (
    AnonymizationBlock,
    AnonymizerHead,
    BitBottleneck,
    SparsificationBlock,
    TubeletEmbedding,
)


class AnonymizerParts:
    """Makes and builds the layers; see `Anonymizer`."""

    def _make_parts(self) -> None:
        dtype = self.dtype_policy
        self.embedding = TubeletEmbedding(
            self.hidden_dim, self.tubelet_size, name="embedding", dtype=dtype
        )
        self.sparsification_blocks = [
            SparsificationBlock(
                self.layers_per_block,
                self.num_heads,
                self.num_rows,
                self.mlp_ratio,
                self.gate,
                self.temperature,
                self.noise_scale,
                self.keep_bias,
                self.attention_epsilon,
                seed=_seed_of_part(self.seed, m),
                name=f"sparsification_block_{m}",
                dtype=dtype,
            )
            for m in range(self.num_sparsification_blocks)
        ]
        self.anonymization_block = AnonymizationBlock(
            self.layers_per_block,
            self.num_heads,
            self.mlp_ratio,
            self.attention_epsilon,
            name="anonymization_block",
            dtype=dtype,
        )
        self.bottleneck = (
            None
            if self.bottleneck_bits is None
            else BitBottleneck(
                self.bottleneck_bits,
                seed=_seed_of_part(self.seed, self.num_sparsification_blocks),
                name="bottleneck",
                dtype=dtype,
            )
        )
        self.head = AnonymizerHead(
            self.tubelet_size, 3, self.output_activation, name="head", dtype=dtype
        )

    def build(self, input_shape: tuple) -> None:
        if self.built:  # type: ignore[has-type]
            return
        self.embedding.build(input_shape)
        tokens_shape = (None, self.num_rows * self.tubelets_per_row, self.hidden_dim)
        blocks: tuple[Any, ...] = (*self.sparsification_blocks, self.anonymization_block, self.head)
        for block in blocks:
            block.build(tokens_shape)
        if self.bottleneck is not None:
            self.bottleneck.build(tokens_shape)
        self.training_keep_ratio = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self._keep_ratio),
            trainable=False,
            autocast=False,
            dtype="float32",
            name="training_keep_ratio",
        )
        self.built = True


def _seed_of_part(seed: int | None, part: int) -> int | None:
    """A seed for each part. Neighbouring seeds will not do: on PyTorch, Keras adds the seed and
    the number of the draw, so that one part would repeat what another drew a step before."""
    if seed is None:
        return None
    return int(np.random.SeedSequence((seed, part)).generate_state(1)[0] >> 1)
