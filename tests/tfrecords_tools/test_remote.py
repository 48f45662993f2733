"""Records behind addresses."""

import os
import pathlib
import subprocess
import sys
import types

import pytest

from keras_stprivacy.data import clip_dataset, dataset_info
from keras_stprivacy.data.errors import DatasetNotFoundError
from tfrecords_tools import ConversionSettings, convert
from tfrecords_tools.cli import main
from tfrecords_tools.datasets.folder import folder
from tfrecords_tools.remote import RemoteStorage

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.any_backend

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def memory():
    """TensorFlow's file system in memory: the same functions as gs://."""
    place = "ram://records"
    yield place
    tf.io.gfile.rmtree(place)


def test_an_address_holds_what_a_folder_would(videos, tmp_path, memory, digests):
    settings = ConversionSettings(videos_per_shard=2)
    local = convert(folder(videos), tmp_path / "out", settings, workers=1)
    first = convert(folder(videos), memory, settings, workers=1)
    assert first.written_shards == local.written_shards
    for name in digests(tmp_path / "out"):
        with tf.io.gfile.GFile(f"{memory}/{name}", "rb") as file:
            assert file.read() == (tmp_path / "out" / name).read_bytes(), name
    assert not tf.io.gfile.exists(f"{memory}/.progress")

    assert convert(folder(videos), memory, settings, workers=1).kept_shards == local.written_shards
    tf.io.gfile.remove(f"{memory}/{local.written_shards[0]}")
    mended = convert(folder(videos), memory, settings, workers=1)
    assert mended.written_shards == local.written_shards[:1]
    assert dataset_info(memory).splits == local.info.splits
    clip, _ = next(iter(clip_dataset(memory, "train", 2, 1, 16, batch_size=4)))
    assert clip.shape == (4, 2, 16, 16, 3)


def test_nothing_there_is_said(memory):
    tf.io.gfile.makedirs(memory)
    with pytest.raises(DatasetNotFoundError, match="ram://records holds no dataset.json"):
        dataset_info(memory)


def test_a_place_that_may_not_be_written_to_is_an_os_error(memory):
    def refuse(path):
        raise tf.errors.PermissionDeniedError(None, None, "access denied")

    storage = RemoteStorage(memory)
    storage.prepare()
    storage._gfile = types.SimpleNamespace(makedirs=refuse)
    with pytest.raises(OSError, match="ram://records: access denied"):
        storage.prepare()


COMMANDS = {
    "verify": ["verify", "--quiet"],
    "inspect": ["inspect"],
    "stats": ["stats", "--quiet"],
    "splits": ["splits"],
}


class _Failing:
    """TensorFlow's file functions, one of which fails for files with a certain ending."""

    def __init__(self, function, ending):
        self.function, self.ending = function, ending

    def __getattr__(self, name):
        real = getattr(tf.io.gfile, name)

        def call(path, *arguments):
            if str(path).endswith(self.ending):
                if name == self.function:
                    raise tf.errors.UnavailableError(None, None, "the network\n\t is gone")
                if self.function == "read" and name == "GFile":
                    return _Unreadable()
            return real(path, *arguments)

        return call


class _Unreadable:
    def read(self, size=-1):
        raise tf.errors.UnavailableError(None, None, "the network\n\t is gone")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def seek(self, position):
        pass

    def close(self):
        pass


@pytest.fixture
def few_records(videos, memory):
    convert(folder(videos), memory, workers=1)
    return memory


@pytest.mark.parametrize("function", ["exists", "isdir", "stat", "GFile", "read"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_system_that_fails_ends_a_command_with_one_line(
    command, function, few_records, monkeypatch
):
    from click.testing import CliRunner

    ending = ".tfrecord" if function == "stat" else ".json"  # nobody asks for the other's size
    if (command, function) == ("splits", "stat"):
        pytest.skip("reads dataset.json alone")
    failing = _Failing(function, ending)
    for module in ("keras_stprivacy.data.pipeline_files", "tfrecords_tools.remote"):
        monkeypatch.setattr(f"{module}.require_file_system", lambda place: failing)
    name, *options = COMMANDS[command]
    result = CliRunner().invoke(main, [name, few_records, *options])
    said = result.stdout if (command, function) == ("verify", "stat") else result.stderr
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    assert "the network is gone" in said
    if said is result.stderr:
        assert said.startswith("Error: ram://records/") and said.count("\n") == 1


@pytest.mark.parametrize("command", ["verify", "inspect", "stats"])
def test_a_shard_that_cannot_be_read_from_an_address(command, few_records, monkeypatch):
    from click.testing import CliRunner

    failing = _Failing("read", ".tfrecord")
    for module in ("keras_stprivacy.data.pipeline_files", "tfrecords_tools.remote"):
        monkeypatch.setattr(f"{module}.require_file_system", lambda place: failing)
    name, *options = COMMANDS[command]
    result = CliRunner().invoke(main, [name, few_records, *options])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    assert "the network is gone" in result.output
    if command == "verify":  # goes on with the other shards
        assert "it cannot be read: the network is gone" in result.stdout


def has_s3():
    return "s3" in tf.io.gfile.get_registered_schemes()


@pytest.mark.skipif(has_s3(), reason="s3:// works here")
@pytest.mark.parametrize("scheme", ["s3", "hdfs"])
def test_what_cannot_be_reached_is_said_first(videos, scheme):
    with pytest.raises(ValueError, match=r"TensorFlow 2\.16 and 2\.17 only \(here: TensorFlow"):
        convert(folder(videos), f"{scheme}://bucket/records", workers=1)
    with pytest.raises(ValueError, match="tensorflow-io"):
        dataset_info(f"{scheme}://bucket/records")


def test_unknown_addresses(videos):
    from click.testing import CliRunner

    result = CliRunner().invoke(main, ["convert", "folder", str(videos), "sftp://host/records"])
    assert result.exit_code == 1
    assert "no file system for sftp:// addresses" in result.stderr


def test_s3(videos, tmp_path):
    python = os.environ.get("STPRIVACY_IO_PYTHON")
    if not python:
        pytest.skip("STPRIVACY_IO_PYTHON names no environment with tensorflow-io (CONTRIBUTING)")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    script = pathlib.Path(__file__).with_name("s3_session.py")
    done = subprocess.run(
        [python, script, videos, tmp_path / "local"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "converted, resumed and read over s3://" in done.stdout
    assert sys.executable != python
