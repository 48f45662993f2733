"""What every system that is compared has in common: fit, transform, save, load."""

from __future__ import annotations

import abc
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np

from keras_stprivacy.baselines.clip_shape import checked_clip_shape
from keras_stprivacy.baselines.registry import system_class
from keras_stprivacy.data.parts import whole_file
from keras_stprivacy.models.clips import check_clip_spec, check_clip_values
from keras_stprivacy.version import __version__

CONFIG_FILE = "system.json"
FORMAT = "stprivacy-system"
FORMAT_VERSION = 1

Progress = Callable[[str, float], None]


@dataclasses.dataclass(kw_only=True, eq=False)
class System(abc.ABC):
    """A clip → clip transform that is trained (where it learns) and attacked like any other.

    Settings are constructor arguments, by keyword. A class has an `embedded` set of settings for
    the scale of the embedded dataset; `build(name, preset="embedded")` takes it.

    To measure a system, hand it to `keras_stprivacy.evaluation.evaluate` in place of an
    anonymizer. Boxes travel with the clips: a `MotionDigits` has them, a labels dict may hold
    `"boxes"`.

    Args:
        clip_shape: `(T, H, W, 3)` of the clips.
        batch_size: clips in a step of training, and at a time in `transform`.
        seed: of weights, order of clips and whatever else is drawn. 0 is a seed.

    Attributes:
        name: how the system is called in tables and by `build`.
        learns: whether it must be trained before it can transform.
        uses_boxes: whether it needs to know where persons are.
        has_keep_ratio: whether `transform` takes a `keep_ratio`.
        embedded: settings for 8x32x32 clips and two CPU cores.
        fixed: of a part of another system: the settings that make it a part.
        uses_validation: whether `fit` looks at validation clips.
        augments: whether `fit` changes training clips at random by itself, so that they should come
            as they are.
        history: what `fit` measured, lists by name.
        notes: what a reader of its numbers must know, in plain words.

    Raises:
        ValueError: for settings that do not fit.

    Example:

    >>> from keras_stprivacy.baselines import build
    >>> system = build("downsample_2x", clip_shape=(8, 32, 32, 3))
    >>> system.transform(np.zeros((2, 8, 32, 32, 3), "float32"))["clip"].shape
    (2, 8, 32, 32, 3)
    """

    clip_shape: tuple[int, ...] = (16, 112, 112, 3)
    batch_size: int = 32
    seed: int = 0

    name: ClassVar[str] = ""
    learns: ClassVar[bool] = False
    uses_boxes: ClassVar[bool] = False
    has_keep_ratio: ClassVar[bool] = False
    uses_validation: ClassVar[bool] = False
    augments: ClassVar[bool] = False
    embedded: ClassVar[Mapping[str, Any]] = {}
    fixed: ClassVar[tuple[str, ...]] = ()
    # Fields that a file cannot hold, such as functions.
    _not_saved: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def for_ratios(
        cls,
        keep_ratios: Sequence[float],
        preset: str | None,
        given: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Settings with which one system is trained to be used at all of these keep ratios.

        Args:
            keep_ratios: each in (0, 1].
            preset: of the other settings, see `keras_stprivacy.baselines.build`.
            given: other settings in place of the preset's.

        Returns:
            Settings; empty where a system is trained at one, as publications do.
        """
        return {}

    def __post_init__(self) -> None:
        self.clip_shape = checked_clip_shape(self.clip_shape)
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1. Received: {self.batch_size}")
        self.history: dict[str, list[float]] = {}

    @property
    def notes(self) -> list[str]:
        """What a reader of its numbers must know, in plain words."""
        return []

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the frames, in pixels."""
        return (self.clip_shape[1], self.clip_shape[2])

    def fit(
        self,
        train: Any,
        validation: Any = None,
        num_actions: int | None = None,
        num_attributes: int | None = None,
        on_progress: Progress | None = None,
        multi_label: bool | None = None,
    ) -> dict[str, list[float]]:
        """Trains the system. One without anything to learn returns at once.

        Args:
            train: a `MotionDigits`; `(clip, {"action", "privacy"})` with arrays; or an iterable of
                such batches that can be read again and again, e.g. a finite tf.data.Dataset.
            validation: likewise, or None. What for, if at all, the system says.
            num_actions: classes; by default as many as `train` names or shows. Batches need it.
            num_attributes: private attributes; likewise.
            on_progress: called now and then with the stage of training and its share that is over.
            multi_label: whether a clip may show several actions: `"action"` is then (B, actions) of
                0 and 1, and what learns them minimises the binary cross-entropy, mean over actions.
                None: as arrays have it. Batches need it.

        Returns:
            What was measured, lists by name; also in `history`.

        Raises:
            ValueError: for data that does not fit.
        """
        return self.history

    def transform(
        self, clips: Any, boxes: Any = None, keep_ratio: float | None = None
    ) -> dict[str, np.ndarray]:
        """Transforms clips; the inference path, nothing is drawn at random.

        Args:
            clips: (B, T, H, W, 3), uint8, or float in [0, 1].
            boxes: for systems with `uses_boxes`: see `keras_stprivacy.baselines.boxes`.
            keep_ratio: for systems with `has_keep_ratio`; None: their own.

        Returns:
            A dict with `"clip"`, float32 (B, T, H, W, 3) of pixels in [0, 1], and, where tubelets
            are dropped, `"decision_mask"` (B, L·N), 1 = kept.

        Raises:
            ValueError: for clips of another shape, missing boxes, a ratio outside (0, 1].
            RuntimeError: if the system must be trained first.
        """
        clips = self._standardized(clips)
        if keep_ratio is not None and not self.has_keep_ratio:
            raise ValueError(
                f"{self.name} has no keep_ratio. Received: keep_ratio={keep_ratio}; leave it out."
            )
        options = {} if keep_ratio is None else {"keep_ratio": keep_ratio}
        return self._transform(clips, boxes, **options)

    @abc.abstractmethod
    def _transform(self, clips: np.ndarray, boxes: Any, **options: Any) -> dict[str, np.ndarray]:
        """`transform` of checked float32 clips."""

    def _standardized(self, clips: Any) -> np.ndarray:
        clips = np.asarray(clips)
        if clips.dtype == np.uint8:
            clips = clips.astype("float32") / np.float32(255.0)
        check_clip_spec(clips, self.clip_shape, self.name)
        check_clip_values(clips, self.name)
        return np.clip(clips.astype("float32", copy=False), 0.0, 1.0)

    # Configuration and files ------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The settings by name, as the constructor takes them; functions are left out."""
        names = [field.name for field in dataclasses.fields(self)]
        return {name: getattr(self, name) for name in names if name not in self._not_saved}

    def save(self, path: Any) -> None:
        """Writes settings and weights to a folder; what it held of this kind is replaced.

        Args:
            path: a folder; it is made if there is none.

        Raises:
            RuntimeError: if the system must be trained first.
            OSError: if it cannot be written.
        """
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / CONFIG_FILE
        config.unlink(missing_ok=True)
        self._save_weights(folder)
        content = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "package": __version__,
            "backend": keras.backend.backend(),
            "system": self.name,
            "settings": self.get_config(),
            "history": self.history,
        }
        # Last, and at once: a folder with this file is complete.
        with whole_file(config) as part:
            part.write_text(json.dumps(content, indent=1))

    @staticmethod
    def load(path: Any, **overrides: Any) -> System:
        """Reads a system that `save` wrote, on any backend.

        Args:
            path: the folder.
            **overrides: settings that a file cannot hold, such as `detector`, or others that do
                not shape the networks, such as `batch_size`.

        Returns:
            The system.

        Raises:
            FileNotFoundError: if there is no complete system.
            ValueError: if it is of another kind, or of a newer version.
        """
        folder = Path(path)
        config = folder / CONFIG_FILE
        if not config.is_file():
            raise FileNotFoundError(
                f"there is no {CONFIG_FILE} in {folder}: no system was saved there, or saving it "
                "was broken off. Train and save it again."
            )
        content = json.loads(config.read_text())
        if content.get("format") != FORMAT or content.get("version") != FORMAT_VERSION:
            raise ValueError(
                f"{config} must be of format {FORMAT!r}, version {FORMAT_VERSION}. Received: "
                f"{content.get('format')!r}, version {content.get('version')!r}; a newer version "
                "of keras_stprivacy may be needed."
            )
        cls = system_class(content["system"])
        system = cls(**{**content["settings"], **overrides})
        system._load_weights(folder)
        system.history = content["history"]
        return system

    def _save_weights(self, folder: Path) -> None:  # noqa: B027
        """Nothing, where nothing is learned."""

    def _load_weights(self, folder: Path) -> None:  # noqa: B027
        """Nothing, where nothing is learned."""
