"""Files and folders as a whole or not at all, and what a killed program leaves."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from keras_stprivacy.data.parts import part_folder, part_of, remove_parts, whole_file

pytestmark = pytest.mark.any_backend

WRITER = """
import sys, time
from keras_stprivacy.data.parts import whole_file
with whole_file(sys.argv[1]) as path:
    path.write_text("half")
    print("begun", flush=True)
    time.sleep(60)
"""


def test_a_file_has_its_name_when_it_is_finished(tmp_path):
    target = tmp_path / "cell.json"
    target.write_text("old")
    with whole_file(target) as path:
        path.write_text("new")
        assert target.read_text() == "old" and path.parent == tmp_path
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["cell.json"]


def test_one_that_fails_leaves_what_was_there(tmp_path):
    target = tmp_path / "cell.json"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(target, ending=".weights.h5") as path:
        assert path.name.endswith(".weights.h5")
        path.write_text("half")
        raise KeyboardInterrupt
    with pytest.raises(FileNotFoundError), whole_file(target):
        pass  # nothing was written
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["cell.json"]


def test_what_a_killed_program_left_is_removed_and_what_a_live_one_writes_is_not(tmp_path):
    (tmp_path / "cells").mkdir()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "cells" / "raw-seed0.json")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert writer.stdout.readline() == "begun\n"
        (part,) = (tmp_path / "cells").iterdir()
        assert remove_parts(tmp_path) == [] and part.read_text() == "half"
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    stop = time.monotonic() + 10
    while not remove_parts(tmp_path) and time.monotonic() < stop:
        time.sleep(0.05)
    assert list((tmp_path / "cells").iterdir()) == []


def test_a_folder_to_work_in_is_gone_in_the_end(tmp_path):
    target = tmp_path / "not" / "there yet" / "clips"
    part_of(target).mkdir(parents=True)
    (part_of(target) / "left.uint8").touch()
    with pytest.raises(KeyboardInterrupt), part_folder(target) as folder:
        assert folder == part_of(target) and list(folder.iterdir()) == []
        (folder / "clips.uint8").write_text("pixels")
        assert remove_parts(tmp_path) == []
        raise KeyboardInterrupt
    assert list(target.parent.iterdir()) == []


def test_folders_of_killed_programs_are_removed_with_all_that_is_in_them(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    ending = f".part-{socket.gethostname()}-{dead.pid}"
    gone, kept = tmp_path / f"clips{ending}", tmp_path / "clips.part-elsewhere-1"
    for folder in (gone, kept):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "anonymized.uint8").write_text("pixels")
    (gone / f"system.json{ending}").touch()
    assert remove_parts(tmp_path) == [gone]
    assert not gone.exists() and (kept / "deep" / "anonymized.uint8").exists()


def test_other_files_and_other_machines_are_left_alone(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = socket.gethostname()
    kept = ("cell.json", f"a.json.part-elsewhere-{dead.pid}", "x.part-of-a-name", "x.part")
    gone = (f"a.json.part-{host}-{dead.pid}", f"raw.weights.h5.part-{host}-{dead.pid}.weights.h5")
    for name in (*kept, *gone):
        (tmp_path / name).touch()
    assert sorted(path.name for path in remove_parts(tmp_path)) == sorted(gone)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)
