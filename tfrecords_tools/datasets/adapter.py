"""What an adapter tells about itself: from it the commands `convert` and `datasets` are made."""

import dataclasses
from collections.abc import Callable
from typing import Any

from tfrecords_tools.source import SourceDataset

KINDS = ("file", "folder", "text", "integer", "number", "flag")


@dataclasses.dataclass(frozen=True)
class Option:
    """An argument of an adapter's function that becomes an option of its command.

    Args:
        name: of the argument; `privacy_labels` becomes `--privacy-labels`.
        help: one sentence.
        kind: one of `KINDS`.
        default: where the option is not given.
        choices: the texts that may be given; empty: any.
        minimum: of an integer.
        maximum: of an integer.
        other_names: further names of the option, such as `--split-index`.
    """

    name: str
    help: str
    kind: str = "text"
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    other_names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Adapter:
    """A dataset that can be converted. Every module of this package that has an `ADAPTER` is one.

    Args:
        name: as in `stprivacy-tfrecords convert <name>`.
        load: returns the dataset; its first argument is `source`, where there is one.
        summary: one sentence.
        layout: the files that are needed and where they must be.
        example: a command line after `stprivacy-tfrecords convert `.
        options: the other arguments of `load`.
        source: "folder", "file", or None for a dataset that needs no files.
        group_of: id → what `splits` must not find in two splits, where that is another thing than
            the source videos that entries name; None for ids that do not say it.
    """

    name: str
    load: Callable[..., SourceDataset]
    summary: str
    layout: str
    example: str
    options: tuple[Option, ...] = ()
    source: str | None = "folder"
    group_of: Callable[[str], str | None] | None = None


TEST_FRACTION = Option("test_fraction", "Share of the videos in the test split.", "number", 0.3)
SEED = Option("seed", "Draws the split.", "integer", 0, minimum=0)
VIDEOS = Option("videos", "Where the videos are, if not in SOURCE.", "folder")
