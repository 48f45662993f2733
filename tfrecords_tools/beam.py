"""Conversion on Apache Beam: on this machine, or on Dataflow, Flink or Spark."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from tfrecords_tools.decoders import DecoderPool
from tfrecords_tools.make_shard import make_shard
from tfrecords_tools.person_boxes import box_finder
from tfrecords_tools.runners import OnVideo
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.shards import ShardReport, ShardTask
from tfrecords_tools.storage import open_storage

try:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
except ImportError as error:
    raise ImportError(
        f"Apache Beam is not installed (or does not load: {error}). Install it: "
        "pip install 'keras-stprivacy[beam]'"
    ) from error

# The direct runner of Beam 2.x may hand a pipeline to a program that it downloads first; this one
# is its own, in Python, and needs nothing else.
_DIRECT = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
_RUNNERS = {"direct": _DIRECT}


@dataclasses.dataclass(frozen=True)
class BeamRunner:
    """A pipeline that maps `make_shard` over the shards, one decoding process a worker.

    Videos and output must be reachable from every worker under the same path or address.

    Args:
        runner: "direct", or the name of a runner as Beam knows it, such as "DataflowRunner".
        args: options for Beam, such as `--project=my-project`.
    """

    runner: str = "direct"
    args: tuple[str, ...] = ()

    def check(self, settings: ConversionSettings) -> None:
        """Nothing: files that the workers reach need not be there where the pipeline begins."""

    def run(
        self,
        tasks: Sequence[ShardTask],
        place: str,
        settings: ConversionSettings,
        on_video: OnVideo,
    ) -> list[ShardReport]:
        """See `Runner`; `on_video` is called at the end."""
        if not tasks:
            return []
        options = PipelineOptions(
            [f"--runner={_RUNNERS.get(self.runner, self.runner)}", *self.args]
        )
        with beam.Pipeline(options=options) as pipeline:
            (
                pipeline
                | "Shards" >> beam.Create(list(tasks))
                | "Spread" >> beam.Reshuffle()
                | "Make" >> beam.ParDo(_MakeShard(place, settings))
            )
        storage = open_storage(place)
        reports = [ShardReport.read(storage, task.file) for task in tasks]
        for task, report in zip(tasks, reports, strict=True):
            left_out = {item["id"] for item in report.quarantined}
            for entry in task.entries:
                on_video(task, entry.id not in left_out)
        return reports


class _MakeShard(beam.DoFn):
    def __init__(self, place: str, settings: ConversionSettings):
        self.place = place
        self.settings = settings
        self.decoders: DecoderPool | None = None

    def setup(self) -> None:
        self.storage = open_storage(self.place)
        self.decoders = DecoderPool(self.settings, 1, self.storage.scratch())
        self.find_boxes = box_finder(self.settings)

    def process(self, task: ShardTask) -> Iterator[Any]:
        assert self.decoders is not None  # setup
        report = make_shard(task, self.storage, self.decoders, self.find_boxes)
        yield report.info.file

    def teardown(self) -> None:
        if self.decoders is not None:  # else setup failed, and says why
            self.decoders.__exit__()
