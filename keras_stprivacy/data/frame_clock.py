"""When a decoded frame is shown: one rule for all containers."""

from fractions import Fraction

import av

_LAST_RESORT_RATE = Fraction(25)


class FrameClock:
    """Says when each frame of a video stream is shown, in seconds of the file.

    A frame's time is its presentation time stamp. AVI has none: it knows the order of decoding
    only, and what FFmpeg makes of that jumps back and forth where frames are predicted from later
    ones. There, the decoding time stamps that leave the decoder with the frames are their times.

    Coarse ticks (1 ms in Matroska) round the true times: what is within a tick of the grid of the
    frame rate is taken back to it, unless another frame is there already. A frame without a time,
    or with one that is not later than that of the frame before, as in damaged files, follows it by
    one frame of the average rate.

    Args:
        container: the open file.
        stream: its video stream.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream):
        self.rate: Fraction = stream.average_rate or stream.guessed_rate or _LAST_RESORT_RATE
        self.tick: Fraction = stream.time_base or 1 / self.rate
        self.counts_decoding = "avi" in container.format.name.split(",")
        self._previous: Fraction | None = None

    def time(self, picture: av.VideoFrame) -> Fraction:
        """Time of the next frame in seconds, later than that of the frame before.

        Args:
            picture: the frame; to be asked once for every frame, in the order of display.
        """
        self._previous = self._next(picture.dts if self.counts_decoding else picture.pts)
        return self._previous

    def duration(self, picture: av.VideoFrame) -> Fraction:
        """How long the frame is shown, in seconds; one frame of the average rate if unknown."""
        step = 1 / self.rate
        duration = (picture.duration or 0) * self.tick
        return step if duration <= 0 or abs(duration - step) < self.tick else duration

    def _next(self, stamp: int | None) -> Fraction:
        step, previous = 1 / self.rate, self._previous
        if stamp is not None:
            time = stamp * self.tick
            grid = round(time / step) * step
            for candidate in (grid, time) if abs(grid - time) < self.tick else (time,):
                if previous is None or candidate > previous:
                    return candidate
        return Fraction(0) if previous is None else previous + step
