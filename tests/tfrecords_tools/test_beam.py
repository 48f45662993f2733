"""Apache Beam makes the same bytes as the processes of this machine."""

import subprocess
import sys

import pytest

from keras_stprivacy.data import dataset_info
from tfrecords_tools import ConversionSettings, convert
from tfrecords_tools.convert import TooManyQuarantinedError
from tfrecords_tools.datasets.folder import folder

pytest.importorskip("apache_beam", reason="pip install 'keras-stprivacy[beam]'")
pytestmark = [
    pytest.mark.any_backend,
    pytest.mark.filterwarnings("ignore:::apache_beam"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

SMALL = ConversionSettings(videos_per_shard=2)


@pytest.fixture
def runner():
    from tfrecords_tools.beam import BeamRunner

    return BeamRunner()


def test_beam_makes_the_same_bytes(videos, tmp_path, digests, runner):
    (videos / "wave" / "text.mp4").write_text("no video")
    local = convert(folder(videos), tmp_path / "local", SMALL, workers=2)
    progress = []
    beam = convert(
        folder(videos), tmp_path / "beam", SMALL, runner=runner, on_progress=progress.append
    )
    assert digests(tmp_path / "local") == digests(tmp_path / "beam")
    assert len(local.info.quarantined) == 1
    assert beam.written_shards == local.written_shards
    assert [step.done for step in progress] == list(range(1, 8))
    assert progress[-1].quarantined == 1


def test_beam_goes_on_where_another_run_stopped(videos, tmp_path, digests, runner):
    whole = convert(folder(videos), tmp_path / "out", SMALL, workers=1)
    before = digests(tmp_path / "out")
    (tmp_path / "out" / whole.written_shards[0]).unlink()
    report = convert(folder(videos), tmp_path / "out", SMALL, runner=runner)
    assert report.written_shards == whole.written_shards[:1]
    assert digests(tmp_path / "out") == before


def test_too_many_errors_on_beam_leave_no_description(videos, tmp_path, runner):
    (videos / "wave" / "text.mp4").write_text("no video")
    with pytest.raises(TooManyQuarantinedError, match="1 of .* more than max_errors=0"):
        convert(folder(videos), tmp_path, SMALL, runner=runner, max_errors=0)
    assert not (tmp_path / "dataset.json").exists()


def test_several_beam_processes(videos, tmp_path, digests):
    program = (
        "import sys, tfrecords_tools as t\n"
        "from tfrecords_tools.beam import BeamRunner\n"
        "from tfrecords_tools.datasets.folder import folder\n"
        "args = ('--direct_num_workers=2', '--direct_running_mode=multi_processing')\n"
        "t.convert(folder(sys.argv[1]), sys.argv[2], t.ConversionSettings(videos_per_shard=2),"
        " runner=BeamRunner(args=args))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, videos, tmp_path / "beam"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    convert(folder(videos), tmp_path / "local", SMALL, workers=1)
    assert digests(tmp_path / "beam") == digests(tmp_path / "local")
    assert dataset_info(tmp_path / "beam").num_clips("train") == 4
