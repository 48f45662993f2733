import os
import pathlib
import pickle
import re
import shutil

import av
import numpy as np
import pytest
from made_videos import write_video

from keras_stprivacy.data import clip_dataset
from keras_stprivacy.data.errors import EmptyDatasetError, LabelFileError
from tfrecords_tools import convert
from tfrecords_tools.datasets.csv_table import csv_table
from tfrecords_tools.datasets.drawing import drawn_splits
from tfrecords_tools.datasets.folder import folder
from tfrecords_tools.datasets.hmdb51 import hmdb51
from tfrecords_tools.datasets.ucf101 import ucf101
from tfrecords_tools.inspect import inspect
from tfrecords_tools.splits import splits
from tfrecords_tools.verify import verify

pytestmark = pytest.mark.any_backend


def by_id(dataset):
    return {entry.id: entry for entry in dataset}


def decodable_frames(path):
    """Number of frames that PyAV decodes, without any code of ours."""
    with av.open(str(path), metadata_errors="replace") as container:
        return sum(1 for _ in container.decode(video=0))


def check_frames(report, root, records):
    """Record by record: as many frames as the file has, and the same labels as in the report."""
    assert not report.info.quarantined
    assert len(records) == report.records == len(report.info.sources)
    for record in records:
        path = root / record.one("clip/data_path").decode()
        assert len(record.per_frame("image/encoded")) == decodable_frames(path)
        assert len(record.per_frame("image/timestamp")) == decodable_frames(path)


# Genuine clips.

ATTRIBUTES = ["skin_color", "face", "gender", "nudity", "relationship"]


def check_labels(records, info, label_file, actions):
    """Split, action and private attributes of each record are those the files say of its id.

    `actions` is of the lists: id → (split, name of the action).
    """
    # Python's own reader, which no other file should be given; the names in it end in .mp4.
    said = pickle.loads(label_file.read_bytes())
    assert list(info.attribute_names) == ATTRIBUTES
    assert {record.one("example/id").decode() for record in records} == set(actions)
    for record in records:
        name = record.one("example/id").decode()
        split, action = actions[name]
        assert info.sources[name]["split"] == split
        assert record.one("clip/label/string").decode() == action
        assert info.class_names[record.one("clip/label/index")] == action
        present = np.flatnonzero(said[f"{name}.mp4"][0]).tolist()
        assert record.all("PRIVACY/clip/label/index") == present
        names = [ATTRIBUTES[i].encode() for i in present]
        assert record.all("PRIVACY/clip/label/string") == names
        assert record.one("PRIVACY/clip/label/is_annotated") == 1


def attributes_of(records, name):
    (record,) = [r for r in records if r.one("example/id").decode() == name]
    return [name.decode() for name in record.all("PRIVACY/clip/label/string")]


def test_the_genuine_hmdb51_clips_convert(shared_dir, tmp_path, read_records):
    pytest.importorskip("tensorflow")
    data = shared_dir / "testdata"
    labels = data / "stprivacy" / "hmdb51_privacy_attribute_label.pickle"
    dataset = hmdb51(data / "hmdb51", fold=3, privacy_labels=labels)
    assert dataset.class_names == ("brush_hair", "cartwheel", "wave")
    assert any("brush_hair 100" in note for note in dataset.notes)
    report = convert(dataset, tmp_path / "out", workers=1)

    records = read_records(tmp_path / "out")
    check_frames(report, data / "hmdb51" / "videos", records)
    assert {record.one("example/id").decode().split("/")[0] for record in records} == {
        "cartwheel",
        "wave",
    }
    assert len(records) == 4
    assert {split: report.info.num_clips(split) for split in report.info.splits} == {
        "test": 1,
        "train": 3,
    }
    of_lists = {}
    for path in (data / "hmdb51" / "testTrainMulti_7030_splits").glob("*_test_split3.txt"):
        action = path.name.removesuffix("_test_split3.txt")
        for line in path.read_text().splitlines():
            file, code = line.split()
            if (data / "hmdb51" / "videos" / action / file).is_file():
                of_lists[f"{action}/{file[:-4]}"] = ({"1": "train", "2": "test"}[code], action)
    check_labels(records, report.info, labels, of_lists)
    wave = "wave/TrumanShow_wave_f_nm_np1_fr_med_26"
    assert of_lists[wave] == ("train", "wave")
    assert attributes_of(records, wave) == ["skin_color", "face", "gender", "relationship"]
    cartwheel = "cartwheel/Turnk_r_Pippi_Michel_cartwheel_f_cm_np2_le_med_6"
    assert of_lists[cartwheel] == ("test", "cartwheel")
    assert attributes_of(records, cartwheel) == ["skin_color", "face", "gender"]
    clips, labels = next(iter(clip_dataset(tmp_path / "out", "train", 4, 2, 32, 3, seed=0)))
    assert clips.shape == (3, 4, 32, 32, 3)
    assert sorted(labels["action"].numpy()) == [2, 2, 2]
    assert labels["privacy"].shape == (3, 5)


def test_each_fold_takes_the_videos_that_its_lists_name(shared_dir):
    source = shared_dir / "testdata" / "hmdb51"
    name = "TrumanShow_wave_f_nm_np1_fr_med_26"
    unused = "SchoolRulesHowTheyHelpUs_wave_f_nm_np1_ba_med_0"
    for fold, split, count in ((1, "test", 3), (2, "train", 3), (3, "train", 4)):
        entries = by_id(hmdb51(source, fold))
        assert len(entries) == count
        assert entries[f"wave/{name}"].split == split
        assert (f"wave/{unused}" in entries) == (fold == 3)


def test_the_genuine_ucf101_clips_convert(shared_dir, tmp_path, read_records):
    pytest.importorskip("tensorflow")
    data = shared_dir / "testdata"
    labels = data / "stprivacy" / "ucf101_privacy_attribute_label.pickle"
    dataset = ucf101(data / "ucf101", fold=1, privacy_labels=labels)
    assert len(dataset.class_names) == 101
    assert len(dataset.missing) == 13320 - 9
    report = convert(dataset, tmp_path / "out", workers=1)

    records = read_records(tmp_path / "out")
    assert len(records) == 9
    check_frames(report, data / "ucf101" / "UCF-101", records)
    of_lists = {}
    for split in ("train", "test"):
        path = data / "ucf101" / "ucfTrainTestlist" / f"{split}list01.txt"
        for line in path.read_text().splitlines():
            video = line.split()[0]
            if (data / "ucf101" / "UCF-101" / video).is_file():
                of_lists[video[:-4]] = (split, video.split("/")[0])
    check_labels(records, report.info, labels, of_lists)
    for name, split, index, attributes in (
        ("Diving/v_Diving_g01_c03", "test", 25, ["skin_color", "nudity"]),
        ("SoccerJuggling/v_SoccerJuggling_g24_c01", "train", 83, ["skin_color", "gender"]),
        ("BenchPress/v_BenchPress_g01_c03", "test", 9, ATTRIBUTES),
    ):
        assert report.info.sources[name]["split"] == split
        (record,) = [r for r in records if r.one("example/id").decode() == name]
        assert record.one("clip/label/index") == index
        assert attributes_of(records, name) == attributes


def test_crlf_and_lf_lists_give_the_same_entries(shared_dir, tmp_path):
    source = shared_dir / "testdata" / "ucf101"
    for name, ending in (("crlf", b"\r\n"), ("lf", b"\n")):
        (tmp_path / name).mkdir()
        for path in (source / "ucfTrainTestlist").iterdir():
            lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
            (tmp_path / name / path.name).write_bytes(ending.join(lines))
    crlf, lf = (ucf101(source, 2, lists=tmp_path / name) for name in ("crlf", "lf"))
    assert b"\r\n" in (tmp_path / "crlf" / "testlist02.txt").read_bytes()
    assert list(crlf) == list(lf)
    assert crlf.missing == lf.missing
    assert len(list(crlf)) == 9


def test_the_folder_of_genuine_clips_converts(shared_dir, tmp_path, read_records):
    pytest.importorskip("tensorflow")
    source = shared_dir / "testdata" / "folder"
    dataset = folder(source)
    names = ("SOX5yA1l24A", "again", "bird", "eat", "hungry", "walk", "yes")
    assert dataset.class_names == names
    report = convert(dataset, tmp_path / "out", workers=2)
    records = read_records(tmp_path / "out")
    assert len(records) == 7
    check_frames(report, source, records)
    assert {split: report.info.num_clips(split) for split in report.info.splits} == {
        "test": 2,
        "train": 5,
    }


def test_every_odd_file_is_a_record_or_quarantined(shared_dir, tmp_path, read_records):
    pytest.importorskip("tensorflow")
    odd = shared_dir / "testdata" / "odd"
    names = (
        *("rot90_walk.mp4", "truncated_ucf.avi", "zero_bytes.mp4", "text_as.mp4", "one_frame.mp4"),
        *("audio_only.mp4", "name with spaces & (parens) [x] #1 é 手.mp4", "random_bytes.avi"),
    )
    for name in names:
        shutil.copy(odd / name, tmp_path / name)
    report = convert(folder(tmp_path, class_from="none"), tmp_path / "out", workers=2)
    records = {r.one("clip/data_path").decode(): r for r in read_records(tmp_path / "out")}

    assert set(records) == {names[0], names[4], names[6]}
    assert {item["path"] for item in report.info.quarantined} == set(names) - set(records)
    rotated = records["rot90_walk.mp4"]
    assert (rotated.one("image/height"), rotated.one("image/width")) == (171, 128)


# Lists.


@pytest.fixture
def small_hmdb51(tmp_path):
    write_video(tmp_path / "videos" / "run" / "a b! (c)[d]#&+;~@.avi")
    write_video(tmp_path / "videos" / "run" / "second.avi")
    write_video(tmp_path / "videos" / "run" / "unlisted.avi")
    (tmp_path / "testTrainMulti_7030_splits").mkdir()
    (tmp_path / "testTrainMulti_7030_splits" / "run_test_split1.txt").write_text(
        "a b! (c)[d]#&+;~@.avi 1 \nsecond.avi 2 \nthird.avi 1 \nunlisted.avi 0 \n"
    )
    return tmp_path


def test_any_character_can_be_in_a_name(small_hmdb51):
    dataset = hmdb51(small_hmdb51)
    entries = by_id(dataset)
    assert set(entries) == {"run/a b! (c)[d]#&+;~@", "run/second"}
    assert entries["run/second"].split == "test"
    assert dataset.missing == ("run/third",)
    assert "1 of 3 listed videos are not in videos: run 1" in dataset.notes


@pytest.mark.parametrize("line", ["video.avi", "video.avi 3", "../x/video.avi 1", " 1"])
def test_lines_that_are_none_are_named(small_hmdb51, line):
    path = small_hmdb51 / "testTrainMulti_7030_splits" / "run_test_split1.txt"
    path.write_text(f"second.avi 2\n{line}\n")
    with pytest.raises(LabelFileError, match=r"run_test_split1.txt, line 2: needed is"):
        hmdb51(small_hmdb51)


def test_missing_folders_and_lists_are_named(small_hmdb51, tmp_path):
    with pytest.raises(LabelFileError, match=r"No list named <class>_test_split2.txt"):
        hmdb51(small_hmdb51, fold=2)
    with pytest.raises(ValueError, match=r"fold must be one of"):
        hmdb51(small_hmdb51, fold=4)
    with pytest.raises(LabelFileError, match=r"looked for 'UCF-101', 'UCF101', 'videos'"):
        (tmp_path / "other" / "ucfTrainTestlist").mkdir(parents=True)
        ucf101(tmp_path / "other")
    with pytest.raises(LabelFileError, match=r"split lists is not there"):
        hmdb51(small_hmdb51, lists=tmp_path / "nowhere")


def test_no_video_at_all_is_an_empty_dataset(small_hmdb51):
    shutil.rmtree(small_hmdb51 / "videos")
    (small_hmdb51 / "videos").mkdir()
    with pytest.raises(EmptyDatasetError, match=r"no videos .* 3 videos are listed but missing"):
        convert(hmdb51(small_hmdb51), small_hmdb51 / "out")


@pytest.fixture
def small_ucf101(tmp_path):
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text("1 Jump\n2 HandstandPushups\n")
    (lists / "trainlist01.txt").write_text("Jump/v_Jump_g01_c01.avi 1\n")
    (lists / "testlist01.txt").write_text("HandstandPushups/v_HandStandPushups_g01_c01.avi\n")
    write_video(tmp_path / "UCF-101" / "Jump" / "v_Jump_g01_c01.avi")
    write_video(tmp_path / "UCF-101" / "HandstandPushups" / "v_HandStandPushups_g01_c01.avi")
    return tmp_path


def test_the_class_is_that_of_the_folder(small_ucf101):
    entries = by_id(ucf101(small_ucf101))
    assert entries["HandstandPushups/v_HandStandPushups_g01_c01"].action == 1
    assert entries["Jump/v_Jump_g01_c01"].split == "train"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("classInd.txt", "1 Jump\n3 HandstandPushups\n", r"classInd.txt, line 2: needed is '2"),
        ("trainlist01.txt", "Jump/a.avi 2\n", r"class Jump has number 1 in classInd.txt"),
        ("trainlist01.txt", "Fly/a.avi 1\n", r"trainlist01.txt, line 1: needed is"),
        ("testlist01.txt", "\n\n../a.avi\n", r"testlist01.txt, line 3: needed is"),
    ],
)
def test_lists_that_contradict_each_other_are_named(small_ucf101, file, text, message):
    (small_ucf101 / "ucfTrainTestlist" / file).write_text(text)
    with pytest.raises(LabelFileError, match=message):
        ucf101(small_ucf101)


def test_lists_that_are_missing_or_no_text_are_named(small_ucf101):
    path = small_ucf101 / "ucfTrainTestlist" / "testlist01.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelFileError, match=r"testlist01.txt is not text"):
        ucf101(small_ucf101)
    path.unlink()
    with pytest.raises(LabelFileError, match=r"testlist01.txt cannot be read: No such file"):
        ucf101(small_ucf101)


def test_names_may_hold_what_unicode_calls_a_lines_end_and_spaces(small_hmdb51, small_ucf101):
    name = "a\u2028b\x85c\x0b d.avi"
    write_video(small_hmdb51 / "videos" / "run" / name)
    path = small_hmdb51 / "testTrainMulti_7030_splits" / "run_test_split1.txt"
    path.write_bytes(f"{name} 1\n".encode())
    assert set(by_id(hmdb51(small_hmdb51))) == {f"run/{name[:-4]}"}
    write_video(small_ucf101 / "UCF-101" / "Jump" / "v 2 (x) 3.avi")
    (small_ucf101 / "ucfTrainTestlist" / "trainlist01.txt").write_text("Jump/v 2 (x) 3.avi  1\n")
    assert "Jump/v 2 (x) 3" in by_id(ucf101(small_ucf101))


def test_lines_that_repeat_are_counted_and_those_that_contradict_refused(small_hmdb51):
    path = small_hmdb51 / "testTrainMulti_7030_splits" / "run_test_split1.txt"
    path.write_text("second.avi 1\nsecond.avi 1\n")
    dataset = hmdb51(small_hmdb51)
    assert len(list(dataset)) == 1
    assert "1 lines of the lists say what others say" in dataset.notes
    path.write_text("second.avi 1\nsecond.avi 2\n")
    with pytest.raises(LabelFileError, match=r"two things of 'run/second': .* 'test', .* 'train'"):
        hmdb51(small_hmdb51)


def test_classes_without_a_list_are_counted(small_hmdb51):
    write_video(small_hmdb51 / "videos" / "walk" / "x.avi")
    lists = small_hmdb51 / "testTrainMulti_7030_splits"
    (lists / "swim_test_split2.txt").write_text("y.avi 1\n")
    dataset = hmdb51(small_hmdb51)
    assert dataset.class_names == ("run",)
    assert "2 classes have no list of split 1 and were left out: swim, walk" in dataset.notes


def test_a_folder_that_cannot_be_read_costs_its_videos_alone(small_hmdb51, monkeypatch):
    folder_of = small_hmdb51 / "videos" / "jump"
    write_video(folder_of / "x.avi")
    lists = small_hmdb51 / "testTrainMulti_7030_splits"
    (lists / "jump_test_split1.txt").write_text("x.avi 1\n")
    real = os.scandir

    def scandir(path="."):  # the superuser of a test machine may read everything
        if pathlib.Path(path).name == "jump":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("os.scandir", scandir)
    dataset = hmdb51(small_hmdb51)
    assert "1 folders cannot be read: jump (Permission denied), ..." in dataset.notes
    assert "jump/x" in dataset.missing
    assert "run/second" in by_id(dataset)
    own = folder(small_hmdb51 / "videos")
    assert "1 folders cannot be read: jump (Permission denied), ..." in own.notes
    assert own.class_names == ("run",)


def test_a_link_in_a_circle_costs_one_video(small_hmdb51, tmp_path):
    (small_hmdb51 / "videos" / "run" / "round.avi").symlink_to("round.avi")
    lists = small_hmdb51 / "testTrainMulti_7030_splits"
    with (lists / "run_test_split1.txt").open("a") as file:
        file.write("round.avi 1\n")
    dataset = hmdb51(small_hmdb51)
    assert {"run/second", "run/round"} <= set(by_id(dataset))
    report = convert(dataset, tmp_path / "out", workers=1)
    assert "run/round" in {item["id"] for item in report.info.quarantined}


# Folders of one's own.


def test_links_to_folders_are_not_followed_and_links_out_are_quarantined(videos, tmp_path):
    pytest.importorskip("tensorflow")
    outside = write_video(tmp_path / "outside" / "x.mp4")
    (videos / "jump" / "out.mp4").symlink_to(outside)
    (videos / "jump" / "gone.mp4").symlink_to(tmp_path / "nothing.mp4")
    (videos / "circle").symlink_to(videos)
    dataset = folder(videos)
    assert "1 links to folders were not followed" in dataset.notes
    report = convert(dataset, tmp_path / "out", workers=1)
    assert report.records == 6
    left_out = {item["path"]: item["reason"] for item in report.info.quarantined}
    assert set(left_out) == {"jump/out.mp4", "jump/gone.mp4"}
    assert left_out["jump/out.mp4"] == "the path leads out of the source's folder"


def table(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_sub_folders_are_classes_and_the_split_is_drawn_within_each(videos):
    dataset = folder(videos, test_fraction=0.34)
    assert dataset.class_names == ("jump", "wave")
    assert dataset.attribute_names == ()
    entries = list(dataset)
    assert {entry.action for entry in entries if entry.split == "test"} == {0, 1}
    assert sum(entry.split == "test" for entry in entries) == 2
    assert [e.split for e in folder(videos, test_fraction=0.34)] == [e.split for e in entries]
    drawn = {tuple(e.split for e in folder(videos, seed=seed)) for seed in range(8)}
    assert len(drawn) > 1
    assert {e.split for e in folder(videos, test_fraction=0)} == {"train"}


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8])
def test_of_classes_of_one_video_some_are_left_for_training(fraction):
    drawn = drawn_splits({name: name for name in "abcde"}, fraction, seed=0)
    assert sorted(drawn.values()).count("test") == int(5 * fraction + 0.5)


def test_classes_of_a_flat_folder_come_from_the_names(tmp_path):
    for name in ("walk_01", "walk_02", "walk", "run-3", "2024"):
        write_video(tmp_path / f"{name}.mp4")
    (tmp_path / "notes.txt").touch()
    (tmp_path / ".hidden.mp4").touch()
    assert folder(tmp_path).class_names == ("2024", "run", "walk")
    assert len(list(folder(tmp_path))) == 5
    assert folder(tmp_path, class_from="none").class_names == ("video",)


def test_a_table_gives_labels_splits_and_attributes(videos, tmp_path):
    path = table(
        tmp_path / "t.csv",
        "path,label,split,face,hair",
        "jump/jump_0.mp4,hop,train,1,0",
        "jump/jump_1.mp4,hop,test,0,0",
        "wave/wave_0.mp4,greet,train,,",
        "wave/gone.mp4,greet,train,1,1",
    )
    dataset = folder(videos, path)
    entries = by_id(dataset)
    assert dataset.class_names == ("greet", "hop")
    assert dataset.attribute_names == ("face", "hair")
    assert {name: (e.action, e.split, e.attributes) for name, e in entries.items()} == {
        "jump/jump_0": (1, "train", (1, 0)),
        "jump/jump_1": (1, "test", (0, 0)),
        "wave/wave_0": (0, "train", None),
    }
    assert dataset.missing == ("wave/gone.mp4",)
    assert any("3 videos are not in the table and were left out" in n for n in dataset.notes)


def test_videos_cut_from_one_are_drawn_into_one_split(tmp_path, read_records):
    pytest.importorskip("tensorflow")
    for number in range(12):
        write_video(tmp_path / "videos" / "run" / f"{number:02d}.mp4")
    lines = [f"run/{number:02d}.mp4,run,day {number // 3},1" for number in range(11)]
    path = table(tmp_path / "t.csv", "path,label,source_video,face", *lines, "run/11.mp4,run,,0")
    for dataset in (
        folder(tmp_path / "videos", path, test_fraction=0.4),
        csv_table(path, tmp_path / "videos", test_fraction=0.4),
    ):
        entries = by_id(dataset)
        assert dataset.attribute_names == ("face",)
        assert entries["run/04"].source_video == "day 1" and entries["run/11"].source_video is None
        for day in range(4):
            of_day = [e.split for e in entries.values() if e.source_video == f"day {day}"]
            assert len(set(of_day)) == 1
        assert {entry.split for entry in entries.values()} == {"train", "test"}
    report = convert(dataset, tmp_path / "out", workers=1)
    assert report.info.source_video_of("run/04") == "day 1"
    assert report.info.source_video_of("run/11") is None
    records = {r.one("example/id").decode(): r for r in read_records(tmp_path / "out")}
    assert records["run/04"].one("clip/media_id") == b"day 1"
    assert "clip/media_id" not in records["run/11"].context
    found = splits(tmp_path / "out")
    assert sum(found.groups.values()) == 4
    assert {leak.kind for leak in found.leaks} == {"content"}  # the videos are all alike
    assert not verify(tmp_path / "out").faults
    shown = inspect(tmp_path / "out", match="run/04")
    assert shown.records[0].source_video == "day 1" and "cut from" in str(shown)
    assert "cut from" not in str(inspect(tmp_path / "out", match="run/11"))

    lines[3] = "run/03.mp4,run,day 1,1,test"  # run/04 and run/05 follow it
    lines[6:8] = ["run/06.mp4,run,day 2,1,train", "run/07.mp4,run,day 2,1,test"]
    lines = [line if line.count(",") == 4 else f"{line}," for line in [*lines, "run/11.mp4,run,,0"]]
    path = table(tmp_path / "t.csv", "path,label,source_video,face,split", *lines)
    with pytest.raises(
        LabelFileError, match="'run/08.mp4' has no split .* 'day 2' are in test and"
    ):
        csv_table(path, tmp_path / "videos")
    path = table(tmp_path / "t.csv", "path,label,source_video,face,split", *lines[:8])
    entries = by_id(csv_table(path, tmp_path / "videos"))
    assert {entries[f"run/0{number}"].split for number in (3, 4, 5)} == {"test"}
    assert [entries[f"run/0{number}"].split for number in (6, 7)] == ["train", "test"]


def test_the_column_of_source_videos_may_have_another_name(tmp_path):
    write_video(tmp_path / "videos" / "run" / "04.mp4")
    lines = ["run/04.mp4,run,day 1,1"]
    renamed = table(tmp_path / "t.csv", "path,label,shot,face", *lines, "run/11.mp4,run,,0")
    options = {"source_column": "shot", "attributes": "face"}
    assert by_id(csv_table(renamed, tmp_path / "videos", **options))["run/04"].source_video


def test_published_datasets_name_what_their_clips_were_cut_from(shared_dir):
    data = shared_dir / "testdata"
    films = {entry.id: entry.source_video for entry in hmdb51(data / "hmdb51", fold=3)}
    assert len(films) == 4
    for name, film in films.items():
        action, _, stem = name.partition("/")
        assert stem.startswith(f"{film}_{action}_")
    for entry in ucf101(data / "ucf101"):
        assert re.fullmatch(r"\w+/g\d\d", entry.source_video)
        assert entry.source_video.split("/")[1] in entry.id


def test_splits_are_drawn_among_the_videos_that_have_none(tmp_path):
    for number in range(20):
        write_video(tmp_path / "videos" / "run" / f"{number}.mp4")
    given = [f"run/{number}.mp4,{'train' if number < 10 else ''}" for number in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["path,split", *given]))
    dataset = folder(tmp_path / "videos", tmp_path / "t.csv", test_fraction=0.3)
    drawn = [entry.split for entry in dataset if int(entry.id.split("/")[1]) >= 10]
    assert sorted(drawn) == ["test"] * 3 + ["train"] * 7


def test_a_table_of_attributes_alone_leaves_classes_to_the_folders(videos, tmp_path):
    path = table(tmp_path / "t.csv", "path,face", "jump/jump_0.mp4,1", "wave/wave_0.mp4,0")
    dataset = folder(videos, path)
    entries = by_id(dataset)
    assert len(entries) == 6
    assert entries["jump/jump_0"].attributes == (1,)
    assert entries["jump/jump_1"].attributes is None
    assert any("4 videos are not in the table and have no private" in n for n in dataset.notes)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["label,face", "a,1"], r"one of them 'path'"),
        (["path,face,face", "a,1,1"], r"different column names"),
        (["path,face"], r"no lines below"),
        ([""], r"one of them 'path'"),
        (["path,face", "jump/jump_0.mp4,yes"], r"line 2: attributes must be 0 or 1"),
        (["path,face,hair", "jump/jump_0.mp4,1,"], r"line 2: attributes must be 0 or 1"),
        (["path,face", "jump/jump_0.mp4"], r"line 2: 2 values are needed"),
        (["path,face", "jump/jump_0.mp4,1,1"], r"line 2: 2 values are needed"),
        (["path,face", "a.mp4,1", "a.mp4,1"], r"line 3: 'a.mp4' stands in line 2 too"),
        (["path,label", "a.mp4,"], r"line 2: path and label must not be empty"),
        (['path,label', '"a.mp4,x'], r"is not a CSV"),
    ],
)  # fmt: skip
def test_tables_that_are_none_are_named(videos, tmp_path, lines, message):
    with pytest.raises(LabelFileError, match=message):
        folder(videos, table(tmp_path / "t.csv", *lines))


def test_crlf_tables_with_a_byte_order_mark_read_the_same(videos, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfpath,face\r\njump/jump_0.mp4,1\r\n")
    dataset = folder(videos, path)
    assert dataset.attribute_names == ("face",)
    assert by_id(dataset)["jump/jump_0"].attributes == (1,)


def test_videos_outside_of_class_folders_are_left_out_with_a_note(videos):
    write_video(videos / "stray.mp4")
    dataset = folder(videos)
    assert len(list(dataset)) == 6
    assert dataset.notes == ("1 videos are in no class folder and were left out: 'stray.mp4'",)
    for number in range(3):
        write_video(videos / f"stray_{number}.mp4")
    few = "'stray.mp4', 'stray_0.mp4', 'stray_1.mp4', ..."
    said = f"4 videos are in no class folder and were left out: {few}"
    assert folder(videos).notes == (said,)


def test_names_that_differ_in_the_ending_alone_keep_it(tmp_path):
    for name in ("a.mp4", "a.avi", "b.mp4"):
        write_video(tmp_path / "x" / name)
    assert sorted(by_id(folder(tmp_path))) == ["x/a.avi", "x/a.mp4", "x/b"]


def test_wrong_arguments_are_named(videos, tmp_path):
    with pytest.raises(ValueError, match=r"class_from must be one of"):
        folder(videos, class_from="name")
    with pytest.raises(ValueError, match=r"test_fraction must be in"):
        folder(videos, test_fraction=1.0)
    with pytest.raises(LabelFileError, match=r"There is no folder"):
        folder(tmp_path / "gone")
    with pytest.raises(LabelFileError, match=r"table .* cannot be read"):
        folder(videos, pathlib.Path("gone.csv"))
