"""The main attacker: a video transformer, from scratch or from given weights."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_stprivacy.evaluation.attackers.attacker import Attacker, as_floats
from keras_stprivacy.evaluation.attackers.transformer_arguments import transformer_arguments
from keras_stprivacy.models import Recognizer, load_weights_from


class VideoTransformerAttacker(Attacker):
    """A video transformer classifier, as the paper's attackers are.

    Args:
        task: see `Attacker`.
        num_classes: see `Attacker`.
        target: see `Attacker`; the attacker has an anonymizer's shape unless `attacker` says more.
        attacker: None: a `Recognizer` of the anonymizer's shape and depth, or, for a system that
            has no such shape, of the preset for its clips, or else one for their size, see
            `transformer_arguments.arguments_by_size`; a preset's name; a dict of `Recognizer`
            arguments that replace the anonymizer's (with "preset": that preset's); or a callable
            `f(num_classes=, num_kept=, seed=)` that returns a Keras model from clips, or
            `{"clip", "decision_mask"}`, to logits (B, num_classes). A functional model with one
            input is given the clips alone, also where there is a mask.
        weights: None, or the start weights: a tuple `(state, layout)` for
            `keras_stprivacy.models.load_weights_from`, or a callable that is given the model.
        **kwargs: see `Attacker`.

    Raises:
        ValueError: if the recognizer does not fit the clips, or there is none for their size.
        TypeError: if `attacker` is none of these.
    """

    name = "video_transformer"
    label = "video transformer"

    def __init__(
        self,
        task: str,
        num_classes: int,
        target: Any,
        attacker: Any = None,
        weights: Any = None,
        **kwargs: Any,
    ) -> None:
        self.attacker = attacker
        self.weights = weights
        super().__init__(task, num_classes, target, **kwargs)
        check_fit(self.model, target, self.num_kept)

    def build_model(self) -> keras.Model:
        model = build_recognizer(
            self.attacker, self.target, self.num_classes, self.num_kept, self.seed
        )
        if callable(self.weights):
            self.weights(model)
        elif self.weights is not None:
            load_weights_from(model, *self.weights)
        return model

    def inputs(self, clips: np.ndarray, decision_mask: np.ndarray | None) -> Any:
        # A functional model with one input takes no mask.
        if decision_mask is None or len(getattr(self.model, "inputs", None) or ()) == 1:
            return as_floats(clips)
        return {"clip": as_floats(clips), "decision_mask": decision_mask.astype("float32")}


class VideoTransformerFromScratch(VideoTransformerAttacker):
    """A `VideoTransformerAttacker` that never takes the given weights."""

    name = "video_transformer_from_scratch"
    label = "video transformer from scratch"

    def __init__(self, *args: Any, weights: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


def build_recognizer(
    attacker: Any, target: Any, num_classes: int, num_kept: int | None, seed: int
) -> keras.Model:
    """Builds what `attacker` says, see `VideoTransformerAttacker`.

    Raises:
        TypeError: if it is of no known form.
        ValueError: if there is no shape to take.
    """
    if isinstance(attacker, str):
        attacker = {"preset": attacker}
    if attacker is None or isinstance(attacker, dict):
        common: dict[str, Any] = {"num_classes": num_classes, "num_kept": num_kept, "seed": seed}
        return Recognizer(**{**common, **transformer_arguments(attacker, target)})
    if not callable(attacker):
        raise TypeError(
            "attacker must be None, the name of a preset, a dict of Recognizer arguments, or a "
            f"callable that builds a recognizer. Received: {type(attacker).__name__}"
        )
    model = attacker(num_classes=num_classes, num_kept=num_kept, seed=seed)
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"attacker(...) must return a Keras model. Received: {type(model).__name__}"
        )
    return model


def check_fit(model: Any, target: Any, num_kept: int | None) -> None:
    """Checks that a recognizer takes the target's clips and masks.

    Raises:
        ValueError: if it does not.
    """
    for name, needed in (("clip_shape", True), ("grid_shape", num_kept is not None)):
        ours, theirs = getattr(model, name, None), getattr(target, name, None)
        if needed and ours is not None and theirs is not None and tuple(ours) != tuple(theirs):
            what = "(frames, height, width, channels)" if name == "clip_shape" else "tubelets"
            raise ValueError(
                f"the attacker takes {what} {tuple(ours)}, but the anonymizer gives "
                f"{tuple(theirs)}. Pass attacker= arguments with the anonymizer's num_frames, "
                "image_size and tubelet_size."
            )
