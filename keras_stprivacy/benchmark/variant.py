"""One line of a benchmark's table: a system, how it is set, and at which keep ratio."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from keras_stprivacy.baselines import build, system_class
from keras_stprivacy.benchmark.system_names import CURVES, LABELS
from keras_stprivacy.data.digests import digest_unless_known

SYSTEM_VERSION = 1
"""Of trained systems. To be raised when a system that learns comes to be trained to other weights,
or to give out other clips, with the same settings, data and seed: those that stand in a folder, and
cells that were measured with them, are then not taken any more."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """A system as a benchmark measures it.

    Attributes:
        id: unique in the benchmark, for files.
        system: name of the system, see `keras_stprivacy.baselines.systems`.
        label: how tables call it.
        settings: constructor arguments of the system in place of its preset's.
        keep_ratio: at which it is measured; None: its own.
        curves: name of a curve -> place on it: what a dial of the method stands at.
    """

    id: str
    system: str
    label: str
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    keep_ratio: float | None = None
    curves: dict[str, float] = dataclasses.field(default_factory=dict)

    def of_fit(self, preset: str | None) -> dict[str, Any]:
        """What a trained system depends on: every setting, those of the preset too.

        Files of weights stand there by their content, not by their place.

        Args:
            preset: of the systems for this data, see `keras_stprivacy.baselines.build`.
        """
        config = build(self.system, preset=preset, **self.settings).get_config()
        config.pop("seed", None)
        for name, value in config.items():
            if name.endswith("weights") and isinstance(value, str) and os.path.isfile(value):
                config[name] = {"sha256": digest_unless_known(value)}
        known: dict[str, Any] = {"system": self.system, "settings": config}
        if system_class(self.system).learns and SYSTEM_VERSION != 1:
            known["version"] = SYSTEM_VERSION
        return known

    def of_cell(self, preset: str | None) -> dict[str, Any]:
        """What a cell's numbers depend on."""
        return {**self.of_fit(preset), "keep_ratio": self.keep_ratio}


def fingerprint(content: Any) -> str:
    """A short name for settings: the same for the same.

    Example:

    >>> fingerprint({"a": 1, "b": (2,)}) == fingerprint({"b": [2], "a": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_given(given: Mapping[str, Any], names: Sequence[str]) -> None:
    """Checks that settings are for systems that are measured, and theirs to set.

    Raises:
        ValueError: if they are not.
    """
    for name, settings in given.items():
        if of_benchmark := sorted({"seed", "clip_shape"} & set(settings)):
            raise ValueError(
                f"{' and '.join(of_benchmark)} of a system are the benchmark's to set: use its "
                f"seeds, frames and image size. Received: settings of {name}: {settings}"
            )
    others = sorted(set(given) - set(names))
    if others:
        raise ValueError(
            f"there are settings for {', '.join(others)}, but the systems are {', '.join(names)}. "
            "Name them among the systems, or leave their settings out."
        )


def system_variants(
    names: Sequence[str], settings: Mapping[str, dict[str, Any]] | None = None
) -> tuple[Variant, ...]:
    """Systems by name.

    Args:
        names: of the systems.
        settings: name -> constructor arguments in place of the preset's.

    Raises:
        ValueError: if a system is unknown, or settings are for another one.

    Example:

    >>> [variant.label for variant in system_variants(["raw", "vita"])]
    ['Raw', 'VITA']
    """
    given = settings or {}
    check_given(given, names)
    variants = []
    for name in dict.fromkeys(names):
        system_class(name)  # an unknown name is said before anything runs
        curves = {} if name in given else CURVES.get(name, {})
        label = LABELS.get(name, name)
        variants.append(Variant(name, name, label, given.get(name, {}), curves=curves))
    return tuple(variants)
