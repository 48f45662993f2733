"""Where shards are made: in processes of this machine, or wherever Apache Beam runs."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

from tfrecords_tools.decoders import DecoderPool
from tfrecords_tools.make_shard import FindBoxes, make_shard
from tfrecords_tools.person_boxes import box_finder
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.shards import ShardReport, ShardTask
from tfrecords_tools.storage import open_storage

OnVideo = Callable[[ShardTask, bool], None]


class Runner(Protocol):
    """Makes shards, each with `make_shard`."""

    def check(self, settings: ConversionSettings) -> None:
        """Raises what would end the run at once; called before anything is removed."""

    def run(
        self,
        tasks: Sequence[ShardTask],
        place: str,
        settings: ConversionSettings,
        on_video: OnVideo,
    ) -> list[ShardReport]:
        """Makes the shards.

        Args:
            tasks: what to make.
            place: path or address where to put them.
            settings: how videos are stored.
            on_video: called in this process for every video with its shard and whether it became a
                record; what it raises ends the run.

        Returns:
            A report for each task, in their order.
        """


@dataclasses.dataclass(frozen=True)
class LocalRunner:
    """One shard after the other, their videos side by side in processes of this machine.

    Args:
        workers: number of decoding processes.
    """

    workers: int
    _finders: dict[tuple, FindBoxes | None] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1. Received: workers={self.workers}")

    def check(self, settings: ConversionSettings) -> None:
        self._box_finder(settings)

    def run(
        self,
        tasks: Sequence[ShardTask],
        place: str,
        settings: ConversionSettings,
        on_video: OnVideo,
    ) -> list[ShardReport]:
        storage = open_storage(place)
        find_boxes = self._box_finder(settings) if tasks else None
        reports = []
        with DecoderPool(settings, self.workers, storage.scratch()) as decoders:
            for task in tasks:

                def on_this(good: bool, task: ShardTask = task) -> None:
                    on_video(task, good)

                reports.append(make_shard(task, storage, decoders, find_boxes, on_this))
        return reports

    def _box_finder(self, settings: ConversionSettings) -> FindBoxes | None:
        """What finds persons, loaded once."""
        key = settings.detector, settings.person_class
        if key not in self._finders:
            self._finders[key] = box_finder(settings)
        return self._finders[key]
