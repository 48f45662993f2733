"""How much a benchmark measures: seeds, clips, epochs, attackers."""

import dataclasses
import pathlib
from typing import Any

from keras_stprivacy.data.digests import detector_as_json, digest_unless_known
from keras_stprivacy.evaluation.attackers import RECONSTRUCTION, check_attackers

ALL_ATTACKERS = (
    "video_transformer",
    "conv3d",
    "frame",
    "linear_probe",
    "mask",
    RECONSTRUCTION,
)
_FROM_WEIGHTS = ("video_transformer", "linear_probe")
_FROM_ZERO = ("bootstrap", "figure_clips")
_FROM_ONE = (
    *("seeds", "epochs", "batch_size", "train_clips", "test_clips", "num_frames", "frame_step"),
    *("to_frame_step", "image_size", "train_passes", "workers"),
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """What every cell of a benchmark has in common.

    The defaults are for the embedded dataset and two CPU cores; `quick` makes them fewer.

    Attributes:
        seeds: how many seeds, counted from 0; a system is trained and attacked anew with each.
        attackers: names, see `keras_stprivacy.evaluation.evaluate`; the first reads actions too.
        epochs: passes of each attacker over the training clips; None: 4 for clips of the embedded
            dataset's size, 80 for others, as in the publication.
        batch_size: clips in a step of an attacker.
        learning_rate: of the attackers.
        train_clips: of the embedded dataset.
        test_clips: of the embedded dataset.
        num_frames: of clips from records.
        frame_step: of clips from records.
        to_frame_step: of clips from the records that are attacked or tested on, where they are not
            those that systems learn from; None: the same.
        image_size: of clips from records.
        views: of test videos from records.
        augment: whether clips from records are changed at random in training.
        train_passes: how often attackers' training clips are drawn from records.
        bootstrap: samples of the test videos; 0: no intervals.
        figure_clips: test clips to show of each system; 0: none.
        jit_compile: see `keras.Model.compile`; None: on JAX alone, where nothing else is fast.
        detector: preset folder of a detector, see `keras_stprivacy.detection.load_detector`; it
            finds persons for systems that need boxes, where the data has none.
        person_class: index of persons among the detector's classes; None: as in COCO.
        attacker_weights: None: attackers start from scratch; or a file of weights that the video
            transformers, and a linear probe, start from.
        attacker_layout: of these weights, see `keras_stprivacy.models.load_weights_from`.
        system_settings: name of a system -> its constructor arguments in place of its preset's.
        workers: processes that measure cells side by side, with one thread each if above 1. A
            script that asks for them must do so under `if __name__ == "__main__":`. Sums in
            another order may move the last digits of a number.

    Raises:
        ValueError: for numbers that are too small, unknown attackers, a class without a detector,
            weights without a layout, or without an attacker that takes them.
        FileNotFoundError: if there is no such file of weights.

    Example:

    >>> Settings.quick().seeds, Settings().seeds
    (1, 3)
    """

    seeds: int = 3
    attackers: tuple[str, ...] = ALL_ATTACKERS
    epochs: int | None = None
    batch_size: int = 32
    learning_rate: float = 1e-3
    train_clips: int = 8000
    test_clips: int = 1000
    num_frames: int = 16
    frame_step: int = 2
    to_frame_step: int | None = None
    image_size: int = 112
    views: tuple[int, int] = (5, 3)
    augment: bool = True
    train_passes: int = 1
    bootstrap: int = 1000
    figure_clips: int = 2
    jit_compile: bool | str | None = None
    detector: str | None = None
    person_class: int | None = None
    attacker_weights: str | None = None
    attacker_layout: str | None = None
    system_settings: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    workers: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "attackers", check_attackers(self.attackers))
        for least, fields in enumerate((_FROM_ZERO, _FROM_ONE)):
            for field in fields:
                if getattr(self, field) is not None and getattr(self, field) < least:
                    raise ValueError(
                        f"{field} must be at least {least}. Received: {field}="
                        f"{getattr(self, field)}"
                    )
        if len(self.views) != 2 or min(self.views) < 1:
            raise ValueError(
                "views must be two numbers of at least 1, of times and of crops. Received: views="
                f"{self.views}"
            )
        if self.person_class is not None and (self.detector is None or self.person_class < 0):
            raise ValueError(
                "person_class must be None, or at least 0 and given with a detector. Received: "
                f"person_class={self.person_class}, detector={self.detector!r}"
            )
        if (self.attacker_weights is None) != (self.attacker_layout is None):
            raise ValueError(
                "attacker_weights and attacker_layout go together. Received: attacker_weights="
                f"{self.attacker_weights!r}, attacker_layout={self.attacker_layout!r}"
            )
        if self.attacker_weights is not None:
            if not pathlib.Path(self.attacker_weights).is_file():
                raise FileNotFoundError(f"there is no weights file at {self.attacker_weights}")
            if not set(_FROM_WEIGHTS) & set(self.attackers):
                raise ValueError(
                    f"weights are for {' or '.join(_FROM_WEIGHTS)}; none of these attacks. "
                    f"Received: attackers={self.attackers}"
                )

    @property
    def start_weights(self) -> tuple[str, str] | None:
        """What attackers start from, as `evaluate` takes it."""
        if self.attacker_weights is None or self.attacker_layout is None:
            return None
        return self.attacker_weights, self.attacker_layout

    @property
    def of_other_data(self) -> "Settings":
        """The same for the dataset that is attacked, where systems learn from another one."""
        step = self.frame_step if self.to_frame_step is None else self.to_frame_step
        return dataclasses.replace(self, frame_step=step)

    @classmethod
    def quick(cls, **changes: Any) -> "Settings":
        """One seed, the main attacker with three epochs, 3200 clips of the embedded dataset.

        Systems whose settings count epochs train less with fewer clips.
        """
        few: dict[str, Any] = {
            "seeds": 1,
            "attackers": ("video_transformer",),
            "epochs": 3,
            "train_clips": 3200,
            "test_clips": 500,
        }
        return cls(**{**few, **changes})

    def of_cell(self) -> dict[str, Any]:
        """The settings that a cell's numbers depend on, as JSON has them.

        Epochs that depend on the data are filled in by `Plan.settings_of_cell`. A detector stands
        there by the content of its preset folder, not by its place, and so do weights of attackers.
        """
        content = dataclasses.asdict(self)
        of_others = ("seeds", "bootstrap", "workers", "system_settings")  # those: of the variants
        for ignored in (*of_others, "detector", "person_class"):
            del content[ignored]
        for given in ("attacker_weights", "attacker_layout"):
            del content[given]
        if self.to_frame_step is None:
            del content["to_frame_step"]
        if self.start_weights is not None:
            path, layout = self.start_weights
            known = digest_unless_known(path)
            content["attacker_weights"] = {"sha256": known, "layout": layout}
        if self.detector is not None:
            content["detector"] = detector_as_json(self.detector, self.person_class)
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in content.items()
        }
