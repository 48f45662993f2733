"""Private attributes that were annotated frame by frame."""

import dataclasses
from collections.abc import Mapping, Sequence

Segment = tuple[int, int, tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class FrameAttributes:
    """Private attributes of the frames of one video, as segments that may overlap or leave gaps.

    Args:
        segments: attribute name → `(first frame, last frame, values)`, both ends included, counted
            from 0. Several values hold at once.

    Example:

    >>> face = FrameAttributes({"face": ((0, 1, (2,)), (1, 1, (0,)), (3, 3, (0,)))})
    >>> face.raw("face", 4)
    [(2,), (0, 2), (), (0,)]
    >>> face.binary("face", 4)
    [1, 1, 0, 0]
    """

    segments: Mapping[str, tuple[Segment, ...]]

    def raw(self, name: str, num_frames: int) -> list[tuple[int, ...]]:
        """For each frame its values, sorted, each once; empty where nobody annotated the frame."""
        values: list[set[int]] = [set() for _ in range(num_frames)]
        for first, last, said in self.segments.get(name, ()):
            for frame in range(max(0, first), min(last + 1, num_frames)):
                values[frame].update(said)
        return [tuple(sorted(frame)) for frame in values]

    def binary(self, name: str, num_frames: int) -> list[int]:
        """For each frame 1 where any of its values is not 0, else 0."""
        return [int(any(values)) for values in self.raw(name, num_frames)]

    def anywhere(self, names: Sequence[str]) -> tuple[int, ...]:
        """For each attribute 1 if it is present in any annotated frame, else 0."""
        return tuple(
            int(any(any(said) for _, _, said in self.segments.get(name, ()))) for name in names
        )
