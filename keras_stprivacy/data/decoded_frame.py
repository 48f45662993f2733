"""What a decoder gives."""

import dataclasses
from fractions import Fraction

import av


@dataclasses.dataclass(frozen=True)
class DecodedFrame:
    """A frame as the decoder gives it: not yet upright, in the pixel format of the file.

    Attributes:
        picture: what PyAV decoded.
        time: in seconds from the first frame.
        duration: in seconds.
    """

    picture: av.VideoFrame
    time: Fraction
    duration: Fraction
