"""How commands end, and what they find out about the machine."""

import os
import sys
import types

import pytest
from click.testing import CliRunner

from tfrecords_tools import convert
from tfrecords_tools.cli import main
from tfrecords_tools.cpus import default_workers
from tfrecords_tools.datasets.folder import folder
from tfrecords_tools.verify import verify

pytestmark = pytest.mark.any_backend


class EndedError(BaseException):
    """Stands for the end of the process."""


def test_every_command_ends_before_tensorflow_io_can_abort(videos, tmp_path, monkeypatch):
    convert(folder(videos), tmp_path / "out", workers=1)

    def ended(code):
        raise EndedError(code)

    monkeypatch.setitem(sys.modules, "tensorflow_io", types.ModuleType("tensorflow_io"))
    monkeypatch.setattr(os, "_exit", ended)
    records, source = str(tmp_path / "out"), str(videos)
    for code, *arguments in (
        (0, "verify", records),
        (0, "inspect", records),
        (0, "stats", records),
        (0, "splits", records),
        (0, "datasets"),
        (0, "convert", "folder", source, records, "--dry-run"),
        (0, "convert", "folder", source, records),
        (1, "verify", str(tmp_path)),
        (1, "convert", "folder", str(tmp_path / "out"), str(tmp_path / "new")),
    ):
        with pytest.raises(EndedError) as end:
            CliRunner().invoke(main, arguments)
        assert end.value.args == (code,), arguments


def test_workers_are_counted_where_the_system_does_not_tell(videos, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert default_workers() == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert default_workers() == 1
    assert convert(folder(videos), tmp_path / "out").records
    assert not verify(tmp_path / "out").faults
