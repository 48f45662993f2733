"""What attackers learned of a training split, and said of a test split."""

import dataclasses

import numpy as np

from keras_stprivacy.evaluation.attackers import Attacker
from keras_stprivacy.evaluation.labels import TrainLabels
from keras_stprivacy.evaluation.results import TestResults


@dataclasses.dataclass
class AttackResult:
    """What attackers learned and said.

    Attributes:
        labels: of the training split.
        attackers: "clips/task" or "clips/task/attacker" -> trained attacker; without an attacker's
            name it is the first.
        main: name of the first attacker.
        test: what they said of the test videos.
        history: of their training, by the same keys.
        num_kept: tubelets that every mask keeps.
        held_out: key -> probabilities (M, P) of the training clips that attackers are chosen on.
        held_out_labels: attributes (M, P) of these; None if none was held out.
        recognizers: task -> attacker of raw clips that read the rebuilt ones, or None.
        skipped: attackers that could not be used -> why.
        spilled: clips that were kept in a file.
        notes: what a reader must know.
    """

    labels: TrainLabels
    attackers: dict[str, Attacker]
    main: str = "video_transformer"
    test: TestResults = dataclasses.field(default_factory=TestResults)
    history: dict[str, dict[str, list[float]]] = dataclasses.field(default_factory=dict)
    num_kept: int | None = None
    held_out: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    held_out_labels: np.ndarray | None = None
    recognizers: dict[str, Attacker | None] = dataclasses.field(default_factory=dict)
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)
    spilled: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
