"""`datasets`: what can be converted, and which files that needs."""

import dataclasses
import json
from typing import Any

import click

from tfrecords_tools.cli.errors import Report, reporting
from tfrecords_tools.datasets import adapters
from tfrecords_tools.datasets.adapter import Adapter


@dataclasses.dataclass(frozen=True)
class _Supported:
    """The datasets that can be converted."""

    adapters: tuple[Adapter, ...]
    details: bool

    def to_json(self) -> str:
        return json.dumps([_plain(adapter) for adapter in self.adapters], indent=1)

    def __str__(self) -> str:
        width = max(len(adapter.name) for adapter in self.adapters)
        if not self.details:
            return "\n".join(f"{a.name:{width}}  {a.summary}" for a in self.adapters)
        return "\n\n".join(_details(adapter) for adapter in self.adapters)


def _plain(adapter: Adapter) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "summary": adapter.summary,
        "files": adapter.layout.splitlines(),
        "example": f"stprivacy-tfrecords convert {adapter.example}",
        "options": {option.name: option.help for option in adapter.options},
        "has_groups": adapter.group_of is not None,
    }


def _details(adapter: Adapter) -> str:
    files = "\n".join(f"  {line}" for line in adapter.layout.splitlines())
    return f"{adapter.summary}\n\n{files}\n\n  stprivacy-tfrecords convert {adapter.example}"


@click.command(short_help="What can be converted, and which files that needs.")
@click.argument("name", required=False)
@reporting
def datasets(name: str | None) -> tuple[Report, int]:
    """\b
    Examples:
      stprivacy-tfrecords datasets
      stprivacy-tfrecords datasets celebv-hq

    Lists the supported datasets; with NAME, says which files one needs and where.
    """
    known = adapters()
    if name is None:
        return _Supported(tuple(known.values()), details=False), 0
    if name not in known:
        raise click.UsageError(f"There is no {name!r}: known are {', '.join(known)}.")
    return _Supported((known[name],), details=True), 0
