"""Frames → boxes of the persons in them."""

import numpy as np
from PIL import Image

# Index of "person" among the classes of COCO: 80 without, 90 or 91 with the ones that were dropped.
_PERSON_OF_COCO = {80: 0, 90: 0, 91: 1}


class PersonDetector:
    """Finds persons in frames; the base of the adapters, which say how to ask their model.

    Frames are shrunk or enlarged to fit into the size that the model was made for, from the upper
    left corner, with the rest black. They go through the model in batches of one size, the last
    one filled up, so that what is found in a frame does not depend on how many others there are.

    Args:
        size: height and width that the model takes, in pixels.
        num_classes: of the model.
        confidence: what the model is less sure of is no person, in [0, 1].
        person_class: index of "person" among its classes; None: as in COCO.
        batch_size: frames that go through the model at once.

    Raises:
        ValueError: if an argument is outside of what is said above, or `person_class` is None and
            the classes are not COCO's.
    """

    def __init__(
        self,
        size: tuple[int, int],
        num_classes: int,
        confidence: float = 0.5,
        person_class: int | None = None,
        batch_size: int = 8,
    ):
        if not 0 <= confidence <= 1:
            raise ValueError(f"confidence must be in [0, 1]. Received: confidence={confidence}")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1. Received: batch_size={batch_size}")
        if person_class is None:
            person_class = _PERSON_OF_COCO.get(num_classes)
        if person_class is None or not 0 <= person_class < num_classes:
            raise ValueError(
                "person_class must be the index of persons among the detector's "
                f"{num_classes} classes; it is known for COCO's 80, 90 or 91 only. Say it: "
                "person_class= (--person-class of convert); among Pascal VOC's 20 it is 14. "
                f"Received: person_class={person_class}"
            )
        self.size = size
        self.num_classes = num_classes
        self.confidence = confidence
        self.person_class = person_class
        self.batch_size = batch_size

    def __call__(self, frames: np.ndarray) -> list[np.ndarray]:
        """Finds the persons.

        Args:
            frames: uint8 (N, H, W, 3).

        Returns:
            N float32 arrays (K, 4), K the number of persons in the frame, which may be 0: ymin,
            xmin, ymax, xmax as shares of the frame, the surest first.

        Raises:
            ValueError: if `frames` is of another kind or shape.
        """
        frames = np.asarray(frames)
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise ValueError(
                "frames must be uint8 (frames, height, width, 3). "
                f"Received: {frames.dtype} {frames.shape}"
            )
        found: list[np.ndarray] = []
        for start in range(0, len(frames), self.batch_size):
            part = frames[start : start + self.batch_size]
            found += self._of_batch(part)
        return found

    def predict(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Asks the model.

        Args:
            images: float32 (B, H, W, 3) in 0..255, of the detector's size.

        Returns:
            Boxes (B, M, 4): ymin, xmin, ymax, xmax in pixels of the image; how sure the model is
            (B, M); and class indices (B, M), -1 where there is no box.
        """
        raise NotImplementedError

    def _of_batch(self, frames: np.ndarray) -> list[np.ndarray]:
        height, width = frames.shape[1:3]
        scale = min(self.size[0] / height, self.size[1] / width)
        within = (max(1, round(width * scale)), max(1, round(height * scale)))
        images = np.zeros((self.batch_size, *self.size, 3), "float32")
        for image, frame in zip(images, frames, strict=False):
            fitted = Image.fromarray(frame).resize(within, Image.Resampling.BILINEAR)
            image[: within[1], : within[0]] = np.asarray(fitted)
        boxes, confidence, classes = self.predict(images)
        scales = np.array([within[1], within[0], within[1], within[0]], "float32")
        found = []
        for i in range(len(frames)):
            persons = (classes[i] == self.person_class) & (confidence[i] >= self.confidence)
            shares = np.nan_to_num(boxes[i][persons].astype("float32")) / scales
            shares = np.clip(shares, 0.0, 1.0)
            order = np.argsort(-confidence[i][persons], kind="stable")
            real = (shares[:, 2] > shares[:, 0]) & (shares[:, 3] > shares[:, 1])
            found.append(shares[order][real[order]])
        return found
