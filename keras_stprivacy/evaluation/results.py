"""What attackers said of the test videos."""

import dataclasses

import numpy as np


@dataclasses.dataclass
class TestResults:
    """The test videos, and what every attacker said of them.

    Attributes:
        action: int array (N,), or (N, A) of 0 and 1.
        privacy: int array (U, P), a row a unit: a video, or a frame where frames are tested.
        video: int array (U,), the video of a unit.
        source_video: int array (N,), the same number for videos that were cut from one, and a
            negative one of its own for each of which that is not known; None: of no video.
        partly_annotated: frames left out, since some of their attributes alone are annotated.
        probability: "clips/task" or "clips/task/attacker" -> array (N, C), or (U, P) for the
            privacy. Clips are "raw", "anonymized" or "rebuilt".
        quality: "psnr", "ssim" and their floors of rebuilt clips, (N,) each; may be empty.
        num_views: views of a video.
        different_views: views that were computed, over all videos.
        tubelets: in a clip; None if the anonymizer gives no decision mask.
        kept_share: mean share of the tubelets that the masks keep; None likewise.
        seen_in_training: videos with a view that is also a training clip, pixel by pixel.
        shown: for the picture: raw clip, decision mask or None, anonymized clip.
        sparsified: number in `shown` -> raw clip with dropped tubelets blackened.
    """

    __test__ = False  # not a test, whatever its name

    action: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, "int64"))
    privacy: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 0), "int64"))
    video: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, "int64"))
    probability: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    quality: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    num_views: int = 1
    different_views: int = 0
    tubelets: int | None = None
    kept_share: float | None = None
    seen_in_training: int = 0
    source_video: np.ndarray | None = None
    partly_annotated: int = 0
    shown: list[tuple] = dataclasses.field(default_factory=list)
    sparsified: dict[int, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def frame_level(self) -> bool:
        """Whether the attributes were tested frame by frame."""
        return len(self.privacy) != len(self.action) or bool(
            (self.video != np.arange(len(self.video))).any()
        )
