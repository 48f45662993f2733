"""Weights from elsewhere: the method's published modules, timm / DeiT, KerasHub."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from keras_stprivacy.models.anonymizer import Anonymizer
from keras_stprivacy.models.keras_hub_names import keras_hub_to_timm
from keras_stprivacy.models.recognizer import Recognizer
from keras_stprivacy.models.weight_files import read_state
from keras_stprivacy.models.weight_inflation import INFLATIONS
from keras_stprivacy.models.weight_layouts import is_of_rewriting, released_entries, timm_entries

LAYOUTS = ("released", "timm", "keras_hub")

State = Mapping[str, Any]


def load_weights_from(
    model: Anonymizer | Recognizer,
    state: State | str | os.PathLike,
    layout: str,
    inflation: str = "averaging",
) -> None:
    """Loads weights that another program trained.

    `"released"`: state dicts of the method's published PyTorch modules, with every variable of
    the model. `"timm"`: ViT and DeiT state dicts, and `"keras_hub"`: DeiT backbones: their
    image transformer becomes the transformer layers of the model, in order; predictors, heads and
    classifiers keep their own values. 2-D patch kernels are inflated over the frames of a tubelet,
    position embeddings lose class and distillation token and are resized bicubically. An anonymizer
    that rewrites nothing leaves the layers of its anonymization block and head aside.

    Args:
        model: `Anonymizer` or `Recognizer`.
        state: mapping of names to arrays, or a file: `.npz`, `.safetensors`, or `.pth` / `.pt`
            (read by PyTorch with `weights_only=True`). With `"keras_hub"` also a KerasHub
            backbone.
        layout: `"released"`, `"timm"` or `"keras_hub"`.
        inflation: how a 2-D kernel becomes 3-D: `"averaging"` repeats it over the frames and
            divides by their number, `"central"` puts it in the middle frame alone.

    Raises:
        ValueError: if names are missing, left over or of a wrong shape: all are listed, and the
            model is left as it was. Also for an unknown layout, inflation or file kind.
        FileNotFoundError: if `state` is a path without a file.

    Example:

    >>> from keras_stprivacy.models import Recognizer
    >>> model = Recognizer(3, num_frames=2, image_size=8, tubelet_size=(2, 4, 4),
    ...                    hidden_dim=12, num_heads=2, num_layers=1)
    >>> load_weights_from(model, {}, layout="released")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: the state does not fit the model (layout "released")...
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {LAYOUTS}. Received: layout={layout!r}")
    if inflation not in INFLATIONS:
        raise ValueError(
            f"inflation must be one of {INFLATIONS}. Received: inflation={inflation!r}"
        )
    arrays = read_state(state, layout)
    if layout == "keras_hub":
        arrays = keras_hub_to_timm(arrays)
    if layout == "released":
        entries, ignored = released_entries(model), re.compile(r"$^")
    else:
        entries = timm_entries(model, inflation)
        # What an image classifier has and a video transformer of this kind does not.
        ignored = re.compile(
            r"(cls_token|dist_token|mask_token|reg_token|norm\..*|fc_norm\..*|head\..*"
            r"|head_dist\..*|pre_logits\..*)$"
        )

    missing, wrong, values = [], [], []
    for entry in entries:
        if entry.name not in arrays:
            missing.append(entry.name)
            continue
        try:
            value = entry.convert(arrays[entry.name])
        except (ValueError, IndexError) as error:
            wrong.append(f"{entry.name}: {error}")
            continue
        if value.shape != tuple(entry.variable.shape):
            wrong.append(
                f"{entry.name}: {arrays[entry.name].shape} gives {value.shape}, needed "
                f"{tuple(entry.variable.shape)}"
            )
        values.append((entry.variable, value))
    wanted = {entry.name for entry in entries}
    left_over = [
        name
        for name in arrays
        if name not in wanted and not ignored.match(name) and not is_of_rewriting(model, name)
    ]
    problems = [
        f"{label}: {', '.join(sorted(names))}"
        for label, names in (
            ("not found", missing),
            ("left over", left_over),
            ("wrong shape", wrong),
        )
        if names
    ]
    if problems:
        raise ValueError(
            f'the state does not fit the model (layout "{layout}"); nothing was loaded. '
            + "; ".join(problems)
        )
    for variable, value in values:
        variable.assign(value)
    model.weights_source = layout
