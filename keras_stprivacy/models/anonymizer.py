"""The anonymizer: tubelets in, fewer and rewritten tubelets out."""

from __future__ import annotations

import numbers
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stprivacy.keep_ratio import check_keep_ratio
from keras_stprivacy.layers.tubelets import (
    check_tubelet_size,
    grid_shape,
    mask_to_pixels,
    tubelets_to_clip,
)
from keras_stprivacy.models.anonymizer_parts import AnonymizerParts
from keras_stprivacy.models.checked_inputs import CheckedInputs
from keras_stprivacy.models.clips import (
    PixelRange,
    as_written,
    check_clip_spec,
    check_clip_tensor,
    check_clip_values,
    normalize_image_size,
)
from keras_stprivacy.models.keep_counts import KeepCounts, check_ratio_of_each_clip
from keras_stprivacy.models.presets import preset_arguments
from keras_stprivacy.models.token_paths import masked, only_kept, removed, restore

KEEP_RULES = ("row", "clip")


@keras.saving.register_keras_serializable("keras_stprivacy")
class Anonymizer(CheckedInputs, KeepCounts, AnonymizerParts, keras.Model):
    """Video transformer that drops and rewrites what an action does not need.

    Tubelet embedding, privacy-sparsification blocks (PSB), a privacy-anonymization block (PAB)
    and a head that writes pixels: "STPrivacy: Spatio-Temporal Privacy-Preserving Action
    Recognition" (ICCV 2023). In training the gates draw which tubelets stay and later layers
    attend under the mask; in inference the most probable stay, the others really leave the
    sequence, and `fill_value` stands where they were. No pixel of the input reaches the output by
    any path but the tokens.

    Args:
        num_frames: frames `T` of a clip.
        image_size: pixels, an int or `(H, W)`.
        tubelet_size: `(δT, δH, δW)`; divides the clip.
        hidden_dim: width `D` of the tokens, a multiple of 3 and of `num_heads`.
        num_heads: attention heads.
        mlp_ratio: inner width of the MLPs over `hidden_dim`.
        layers_per_block: transformer layers in each PSB and in the PAB.
        num_sparsification_blocks: PSBs, `M`; 0 rewrites every tubelet.
        keep_ratio: `α` in (0, 1]: after PSB m, `α^m` of the tubelets remain. May be set later,
            between calls of `fit`.
        keep_rule: in inference, `"row"` keeps `floor(N·α^m)` of each tubelet row after PSB m (at
            least one); `"clip"` keeps `floor(L·N·α^M)` of the whole clip in one sort after the
            last PSB, by the probability to be retained by all of them.
        gate: `"gumbel_softmax"` (the paper's) or `"gumbel_top_k"`, see `GumbelGate`.
        temperature: of the gate.
        noise_scale: of the gate's noise.
        keep_bias: initial bias of the keep logits; positive values begin with open gates.
        attention_epsilon: the ε of masked attention.
        fill_value: what a dropped tubelet shows, in pixel space. Where a retaining probability is
            not finite, all dropped tubelets of the clip show NaN: broken weights look like nothing
            else.
        mean: pixels are normalised inside by `(pixel − mean) / std`; a float or one a channel.
        std: see `mean`.
        output_activation: None (the method) or `"sigmoid"`, pixels in [0, 1].
        bottleneck_bits: None (the method), or how many bits of a kept token reach the head, see
            `BitBottleneck`.
        seed: int or None, for the noise of gates and bottleneck.
        weights_source: layout of the weights that were read by `load_weights_from`, which sets it.

    Call arguments:
        clip: float tensor `(B, T, H, W, 3)`, pixels in [0, 1].
        training: True draws from the gates.
        keep_ratio: in inference a float in (0, 1], or a tensor `(B,)` with a ratio for each clip
            (tokens are then masked in place of removed, with the same result); None takes
            `self.keep_ratio`. In training a tensor `(B,)`; None takes `training_keep_ratio`, which
            schedules move.
        fill_dropped: training alone: False leaves what the head wrote into dropped tubelets, for
            opponents that attend under the mask.
        remove_dropped: training alone, with `gate="gumbel_top_k"`: True lets dropped tokens leave
            the sequence, as in inference, at `self.keep_ratio`. Steps are several times cheaper;
            the gates learn from the tubelets that they kept alone.
        draw: training alone: False lets gates and bottleneck decide without noise, with the same
            gradients: with `gate="gumbel_top_k"` the output is then that of inference.

    Returns:
        A dict of the same structure in training and inference: `"clip"` `(B, T, H, W, 3)` in
        pixel space, unclipped; `"decision_mask"` `(B, L·N)`, 1 = kept; `"sparsification"`, a list
        with a dict for each PSB: `"retaining_probability"` `(B, L·N)` (0 for tubelets that had
        left before) and `"decision_mask"` `(B, L·N)`; with `bottleneck_bits` also `"bits"`
        `(B, L·N, bits)`, 0 for dropped tubelets. All float32.

    Raises:
        ValueError: for sizes that do not fit, ratios outside (0, 1], unknown rules, NaN pixels.
            Pixels and ratios are checked in arrays, and in tensors unless `training` is True or a
            graph is traced, which has no values yet: NaN pixels then give a clip of NaN.
        TypeError: for clips that are not floats.

    Example:

    >>> anonymizer = Anonymizer.from_preset("motion_digits_8x32", keep_ratio=0.7)
    >>> output = anonymizer(np.zeros((1, 8, 32, 32, 3), "float32"))
    >>> tuple(output["clip"].shape), anonymizer.num_kept()
    ((1, 8, 32, 32, 3), 20)
    """

    # Whether kept tubelets show what the head writes; files and exports are made of no others.
    rewrites = True

    def __init__(
        self,
        num_frames: int = 16,
        image_size: int | tuple[int, int] = 112,
        tubelet_size: tuple[int, int, int] = (2, 16, 16),
        hidden_dim: int = 384,
        num_heads: int = 6,
        mlp_ratio: float = 4.0,
        layers_per_block: int = 3,
        num_sparsification_blocks: int = 3,
        keep_ratio: float = 0.7,
        keep_rule: str = "row",
        gate: str = "gumbel_softmax",
        temperature: float = 1.0,
        noise_scale: float = 1.0,
        keep_bias: float = 2.0,
        attention_epsilon: float = 1e-6,
        fill_value: float = 0.0,
        mean: Any = 0.5,
        std: Any = 0.5,
        output_activation: str | None = None,
        bottleneck_bits: int | None = None,
        seed: int | None = None,
        weights_source: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("autocast", False)  # ratios are for counting; layers cast for themselves
        super().__init__(**kwargs)
        if keep_rule not in KEEP_RULES:
            raise ValueError(
                f"keep_rule must be one of {KEEP_RULES}. Received: keep_rule={keep_rule!r}"
            )
        self.num_frames = num_frames
        self.image_size = as_written(image_size)
        self.tubelet_size = check_tubelet_size(tubelet_size)
        self.hidden_dim = hidden_dim
        self.num_heads = num_heads
        self.mlp_ratio = mlp_ratio
        self.layers_per_block = layers_per_block
        self.num_sparsification_blocks = num_sparsification_blocks
        self._keep_ratio = check_keep_ratio(keep_ratio)
        self.keep_rule = keep_rule
        self.gate = gate
        self.temperature = temperature
        self.noise_scale = noise_scale
        self.keep_bias = keep_bias
        self.attention_epsilon = attention_epsilon
        self.fill_value = fill_value
        self.mean = as_written(mean)
        self.std = as_written(std)
        self.output_activation = output_activation
        self.bottleneck_bits = bottleneck_bits
        self.seed = seed
        self.weights_source = weights_source

        self.clip_shape = (num_frames, *normalize_image_size(image_size), 3)
        self.grid_shape = grid_shape(self.clip_shape[:3], self.tubelet_size)
        self.num_rows = self.grid_shape[0]
        self.tubelets_per_row = self.grid_shape[1] * self.grid_shape[2]
        self.pixel_range = PixelRange(mean, std)

        self._make_parts()
        self.build((None, *self.clip_shape))

    @classmethod
    def from_preset(cls, name: str, /, **overrides: Any) -> Anonymizer:
        """Builds the configuration `name`, with some arguments overridden.

        Args:
            name: `"vit_tiny_16x112"`, `"vit_small_16x112"`, `"vit_base_16x112"` or
                `"motion_digits_8x32"`.
            **overrides: constructor arguments.

        Raises:
            ValueError: if there is no such preset.
        """
        return cls(**{**preset_arguments(name, "anonymizer"), **overrides})

    def encode(
        self,
        clip: Any,
        training: bool | None = None,
        keep_ratio: Any = None,
        remove_dropped: bool = False,
        draw: bool = True,
    ) -> tuple[Any, Any, list[dict[str, Any]]]:
        """Everything but bottleneck and head.

        Args:
            clip: see the call arguments.
            training: see the call arguments.
            keep_ratio: see the call arguments.
            remove_dropped: see the call arguments.
            draw: see the call arguments.

        Returns:
            A tuple: tokens `(B, L·N, D)`, or `(B, n, D)` where dropped ones have left; the
            decision mask `(B, L·N)`; and the list `"sparsification"` of the output.

        Raises:
            ValueError: for clips of another size, a `keep_ratio` outside (0, 1], and in training
                for one number, or `remove_dropped` where the gate does not keep a known number.
            TypeError: for clips that are not floats.
        """
        check_clip_spec(clip, self.clip_shape, "Anonymizer")
        tokens = self.embedding(self.pixel_range.to_model(clip))  # (B, L·N, D)
        if training:
            if isinstance(keep_ratio, numbers.Real) or (keep_ratio is not None and remove_dropped):
                raise ValueError(
                    "in training keep_ratio must be a tensor (B,), without remove_dropped. For one "
                    "ratio set anonymizer.keep_ratio, or use a KeepRatioSchedule. Received: "
                    f"keep_ratio={keep_ratio}, remove_dropped={remove_dropped}"
                )
            if remove_dropped and self.gate != "gumbel_top_k":
                raise ValueError(
                    'remove_dropped=True needs gate="gumbel_top_k", which keeps a known number of '
                    f"tubelets. Received: gate={self.gate!r}"
                )
            if remove_dropped:
                return removed(self, tokens, self._keep_ratio, training=True, draw=draw)
            ratio = self.training_keep_ratio if keep_ratio is None else keep_ratio
            ratio = ops.cast(ops.convert_to_tensor(ratio), "float32")
            return masked(self, tokens, ratio, training=True, draw=draw)
        if keep_ratio is None or isinstance(keep_ratio, numbers.Real):
            ratio = self._keep_ratio if keep_ratio is None else check_keep_ratio(float(keep_ratio))
            return removed(self, tokens, ratio, training=False)
        ratio = ops.cast(ops.convert_to_tensor(keep_ratio), "float32")  # (B,)
        return masked(self, tokens, ratio, training=False)

    def write(self, clip: Any, tokens: Any, mask: Any) -> Any:
        """What the tubelets show, before dropped ones are filled.

        Args:
            clip: `(B, T, H, W, 3)`; not used here, where all comes from the tokens.
            tokens: from `encode`, after the bottleneck.
            mask: from `encode`.

        Returns:
            `(B, T, H, W, 3)` in pixel space.
        """
        pixels = self.head(tokens)  # (B, n, δT·δH·δW·3)
        if pixels.shape[1] != mask.shape[1]:
            pixels = restore(pixels, mask)
        written = tubelets_to_clip(pixels, self.grid_shape, self.tubelet_size)
        if self.output_activation is None:
            written = self.pixel_range.to_pixels(written)
        return written

    def call(
        self,
        clip: Any,
        training: bool | None = None,
        keep_ratio: Any = None,
        fill_dropped: bool = True,
        remove_dropped: bool = False,
        draw: bool = True,
    ) -> dict[str, Any]:
        if not training and not fill_dropped:
            raise ValueError("fill_dropped=False is for training; dropped tubelets never leave.")
        tokens, mask, stages = self.encode(clip, training, keep_ratio, remove_dropped, draw)
        output = {"decision_mask": mask, "sparsification": stages}
        if self.bottleneck is not None:
            bits = self.bottleneck.bits(tokens, training=bool(training) and draw)
            tokens = self.bottleneck.spread(bits)
            left = bits.shape[1] != mask.shape[1]  # the dropped tokens did
            output["bits"] = restore(bits, mask) if left else only_kept(bits, mask)
        written = self.write(clip, tokens, mask)
        if fill_dropped:
            kept = mask_to_pixels(mask, self.grid_shape, self.tubelet_size) > 0.5
            fill = ops.cast(self._fill(mask, stages, training), written.dtype)
            written = ops.where(kept, written, fill)
        return {"clip": written, **output}

    def _fill(self, mask: Any, stages: list[dict[str, Any]], training: bool | None) -> Any:
        """What dropped tubelets show, `(B, 1, 1, 1, 1)`."""
        # Gates keep no NaN: without this, broken weights would give a clip of `fill_value`.
        sound = ops.ones_like(mask[:, 0], dtype="bool") if training else ops.any(mask > 0.5, axis=1)
        for stage in stages:
            finite = ops.all(ops.isfinite(stage["retaining_probability"]), axis=1)
            sound = ops.logical_and(sound, finite)
        return ops.where(ops.reshape(sound, (-1, 1, 1, 1, 1)), self.fill_value, float("nan"))

    def __call__(self, clip: Any, *args: Any, **kwargs: Any) -> Any:
        training = kwargs.get("training")  # of arguments by position Keras takes tensors alone
        self._check_inputs(clip, training)
        check_ratio_of_each_clip(args[1] if len(args) > 1 else kwargs.get("keep_ratio"), training)
        return super().__call__(clip, *args, **kwargs)

    def _check_inputs(self, inputs: Any, training: bool | None = None) -> None:
        if isinstance(inputs, np.ndarray):
            check_clip_spec(inputs, self.clip_shape, "Anonymizer")
            check_clip_values(inputs, "Anonymizer")
        elif not training:
            check_clip_tensor(inputs, "Anonymizer")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_frames": self.num_frames,
            "image_size": self.image_size,
            "tubelet_size": self.tubelet_size,
            "hidden_dim": self.hidden_dim,
            "num_heads": self.num_heads,
            "mlp_ratio": self.mlp_ratio,
            "layers_per_block": self.layers_per_block,
            "num_sparsification_blocks": self.num_sparsification_blocks,
            "keep_ratio": self.keep_ratio,
            "keep_rule": self.keep_rule,
            "gate": self.gate,
            "temperature": self.temperature,
            "noise_scale": self.noise_scale,
            "keep_bias": self.keep_bias,
            "attention_epsilon": self.attention_epsilon,
            "fill_value": self.fill_value,
            "mean": self.mean,
            "std": self.std,
            "output_activation": self.output_activation,
            "bottleneck_bits": self.bottleneck_bits,
            "seed": self.seed,
            "weights_source": self.weights_source,
        }
