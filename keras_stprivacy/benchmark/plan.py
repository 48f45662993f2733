"""What a benchmark is made of, before anything runs."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_stprivacy.baselines import build
from keras_stprivacy.benchmark.attacked_shape import of_another_size
from keras_stprivacy.benchmark.data import BenchmarkData
from keras_stprivacy.benchmark.settings import Settings
from keras_stprivacy.benchmark.variant import Variant

RAW = "raw"
_EPOCHS_EMBEDDED = 4
_EPOCHS = 80  # the publication's


@dataclasses.dataclass(frozen=True)
class Plan:
    """All cells of a benchmark: every variant with every seed.

    Attributes:
        protocol: its name.
        variants: the lines of the table; raw clips are always among them.
        learned_from: what systems are trained on.
        attacked: what attackers are trained and tested on.
        settings: of all cells.
        frame_level: whether attributes are tested on single frames.
        notes: what a reader must know of this protocol.

    Raises:
        ValueError: if two variants have one id.
    """

    protocol: str
    variants: tuple[Variant, ...]
    learned_from: BenchmarkData
    attacked: BenchmarkData
    settings: Settings
    frame_level: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ids = [variant.id for variant in self.variants]
        if len(set(ids)) != len(ids):
            raise ValueError(f"variants must have different ids. Received: {ids}")
        if RAW not in ids:
            first = Variant(RAW, RAW, "Raw")
            object.__setattr__(self, "variants", (first, *self.variants))
        else:  # the recognizers of raw clips are needed by the others
            ordered = sorted(self.variants, key=lambda variant: variant.id != RAW)
            object.__setattr__(self, "variants", tuple(ordered))

    @property
    def epochs(self) -> int:
        """Passes of each attacker over the training clips."""
        if self.settings.epochs is not None:
            return self.settings.epochs
        return _EPOCHS_EMBEDDED if self.attacked.preset == "embedded" else _EPOCHS

    @property
    def settings_of_cell(self) -> dict[str, Any]:
        """The settings that a cell's numbers depend on."""
        return {**self.settings.of_cell(), "epochs": self.epochs}

    def settings_of_system(self, variant: Variant) -> dict[str, Any]:
        """Constructor arguments of a system beside the preset's, but the seed."""
        if self.learned_from.preset is not None:
            return variant.settings
        return {"clip_shape": self.learned_from.clip_shape, **variant.settings}

    def of_cell(self, variant: Variant) -> dict[str, Any]:
        """All that the numbers of a cell depend on, but the seed."""
        preset = self.learned_from.preset
        return {
            **({"attackers": "of the clips' size"} if self._of_another_size(variant) else {}),
            "protocol": self.protocol,
            "variant": variant.of_cell(preset),
            "learned_from": self.learned_from.about_training,
            "attacked": self.attacked.about,
            "settings": self.settings_of_cell,
            "frame_level": self.frame_level,
        }

    def _of_another_size(self, variant: Variant) -> bool:
        preset = self.learned_from.preset
        try:
            system = build(variant.system, preset=preset, **self.settings_of_system(variant))
        except ValueError:  # not for such clips, which is said when it is measured
            return False
        return of_another_size(system)
