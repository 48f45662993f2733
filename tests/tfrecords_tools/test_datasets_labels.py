"""Adapters of datasets whose labels are more than one class and one list of attributes."""

import csv
import json
import pathlib

import pytest
from made_videos import write_video

from keras_stprivacy.data import clip_dataset, dataset_info
from keras_stprivacy.data.errors import LabelError, LabelFileError
from tfrecords_tools import SourceDataset, SourceEntry, convert
from tfrecords_tools.datasets.celebv_hq import EXPRESSIONS, PROTECTED, celebv_hq
from tfrecords_tools.datasets.csv_table import csv_table
from tfrecords_tools.datasets.p_hvu import p_hvu
from tfrecords_tools.datasets.pa_hmdb51 import pa_hmdb51
from tfrecords_tools.datasets.vp_hmdb51 import vp_hmdb51
from tfrecords_tools.datasets.vp_ucf101 import vp_ucf101
from tfrecords_tools.verify import verify

pytestmark = pytest.mark.any_backend


def by_id(dataset):
    return {entry.id: entry for entry in dataset}


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


# VP-HMDB51 and VP-UCF101.


@pytest.mark.parametrize(
    ("adapter", "name", "count"), [(vp_hmdb51, "hmdb51", 3), (vp_ucf101, "ucf101", 9)]
)
def test_the_vp_datasets_need_labels_and_take_them(shared_dir, adapter, name, count):
    data = shared_dir / "testdata"
    with pytest.raises(LabelFileError, match=rf"Put {name}_privacy_attribute_label.pickle there"):
        adapter(data / name)
    labels = data / "stprivacy" / f"{name}_privacy_attribute_label.pickle"
    dataset = adapter(data / name, privacy_labels=labels)
    assert dataset.name == f"vp_{name}"
    assert len(list(dataset)) == count
    assert all(entry.attributes is not None for entry in dataset)


def test_videos_without_labels_are_left_out_of_a_vp_dataset(shared_dir, tmp_path):
    import pickle

    import numpy as np

    source = shared_dir / "testdata" / "hmdb51"
    label = {"wave/TrumanShow_wave_f_nm_np1_fr_med_26.mp4": np.array([[1, 0, 1, 0, 0]])}
    (tmp_path / "labels.pickle").write_bytes(pickle.dumps(label))
    dataset = vp_hmdb51(source, privacy_labels=tmp_path / "labels.pickle")
    assert [entry.attributes for entry in dataset] == [(1, 0, 1, 0, 0)]
    assert "2 videos without privacy labels were left out" in dataset.notes
    assert "1 of 1 privacy labels belong to a video" in dataset.notes


# CelebV-HQ.


@pytest.fixture
def small_celebv_hq(shared_dir, tmp_path):
    info = shared_dir / "testdata" / "celebvhq" / "celebvhq_info_sample.json"
    content = json.loads(info.read_text())
    clip = content["clips"]["M2Ohb0FAaJU_1"]
    for i in range(10):
        content["clips"][f"a{i // 2}_{i}"] = clip
    content["clips"]["gone_0"] = clip
    (tmp_path / "celebvhq_info.json").write_text(json.dumps(content))
    for name in content["clips"]:
        if name != "gone_0":
            touch(tmp_path / "35666" / f"{name}.mp4")
    touch(tmp_path / "35666" / "other.mp4")
    return tmp_path


def emotion(source, clip_id, **changes):
    content = json.loads((source / "celebvhq_info.json").read_text())
    content["clips"][clip_id]["attributes"]["emotion"].update(changes)
    (source / "celebvhq_info.json").write_text(json.dumps(content))


def test_celebv_hq_has_eight_expressions_and_five_protected_attributes(small_celebv_hq):
    dataset = celebv_hq(small_celebv_hq)
    assert dataset.class_names == EXPRESSIONS and len(EXPRESSIONS) == 8
    assert dataset.attribute_names == PROTECTED
    entries = by_id(dataset)
    assert len(entries) == 12
    # young and brown hair, by the positions that meta_info gives
    assert entries["M2Ohb0FAaJU_1"].attributes == (1, 0, 0, 0, 1)
    assert EXPRESSIONS[entries["M2Ohb0FAaJU_1"].action] == "neutral"
    assert dataset.missing == ("gone_0",)
    assert "1 of 13 annotated clips are not in 35666" in dataset.notes
    assert "1 videos are not in the annotations and were left out" in dataset.notes


def test_the_expression_shown_longest_counts_where_there_are_several(small_celebv_hq):
    # 0.28 s neutral, then 2 s happy
    for several, expected in (("longest", "happy"), ("first", "neutral")):
        entry = by_id(celebv_hq(small_celebv_hq, several=several))["_0tf2n3rlJU_0"]
        assert EXPRESSIONS[entry.action] == expected
    dataset = celebv_hq(small_celebv_hq, several="drop")
    assert "_0tf2n3rlJU_0" not in by_id(dataset)
    assert "1 clips have several expressions and were left out" in dataset.notes


def test_clips_without_a_known_expression_are_counted(small_celebv_hq):
    emotion(small_celebv_hq, "a0_0", labels="")
    emotion(small_celebv_hq, "a0_1", labels="bored")
    emotion(small_celebv_hq, "a1_2", labels="Happiness")
    dataset = celebv_hq(small_celebv_hq)
    assert EXPRESSIONS[by_id(dataset)["a1_2"].action] == "happy"
    assert "1 clips have no expression and were left out" in dataset.notes
    assert "1 clips have the unknown expression 'bored' and were left out" in dataset.notes


def test_60_of_100_clips_train_and_people_can_be_kept_together(small_celebv_hq):
    splits = [entry.split for entry in celebv_hq(small_celebv_hq)]
    assert splits.count("test") == 4  # of 11 neutral and 1 happy
    assert splits == [entry.split for entry in celebv_hq(small_celebv_hq)]
    assert len({tuple(e.split for e in celebv_hq(small_celebv_hq, seed=s)) for s in range(5)}) > 1
    for seed in range(5):
        split_of = {}
        for entry in celebv_hq(small_celebv_hq, split_by="video", seed=seed):
            split_of.setdefault(entry.id.rpartition("_")[0], set()).add(entry.split)
        assert all(len(found) == 1 for found in split_of.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("meta_info"), r"appearance_mapping must be a list that names \['young'"),
        (lambda c: c.update(clips={}), r"must have 'clips'"),
        (lambda c: c["clips"].update(a0_0=3), r"'a0_0' must have 'attributes'"),
        (
            lambda c: c["clips"].update({"\ud800": 3}),
            r"is not readable JSON: .*surrogates",
        ),
        (
            lambda c: c["clips"]["a0_0"]["attributes"].update(appearance=[2] * 40),
            r"attributes.appearance of '.*' must be a list of 0 and 1",
        ),
        (
            lambda c: c["clips"]["a0_0"]["attributes"].update(emotion={"labels": [1]}),
            r"attributes.emotion.labels of '.*' must be the name of an expression",
        ),
    ],
)
def test_annotations_that_are_none_are_named(small_celebv_hq, change, message):
    path = small_celebv_hq / "celebvhq_info.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(LabelFileError, match=message):
        celebv_hq(small_celebv_hq)


# P-HVU.


@pytest.fixture
def small_hvu(shared_dir, tmp_path):
    """Real lists and tags; clips for the first three rows, in the layouts that circulate."""
    for path in (shared_dir / "testdata" / "hvu").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with (tmp_path / "hvu_val_first300.csv").open() as file:
        rows = list(csv.DictReader(file))
    write_video(tmp_path / "videos" / "a" / "eeEC-oWWAM0_000905_000925.mp4")
    write_video(tmp_path / "videos" / "Np0jqmKPvSQ_000170_000172.mkv")
    dashed = next(row["youtube_id"] for row in rows if row["youtube_id"].startswith("-"))
    write_video(tmp_path / "videos" / f"{dashed}.mp4")
    return tmp_path


def test_rows_of_hvu_with_action_object_and_scene_are_taken(small_hvu):
    dataset = p_hvu(small_hvu)
    assert dataset.multi_label
    assert len(dataset.class_names) == 739
    assert dataset.attribute_groups == {"object": 1678, "scene": 248}
    assert len(dataset.attribute_names) == 1678 + 248
    assert "118 of 300 clips have not at least one action, object and scene and were left out" in (
        dataset.notes
    )
    entries = by_id(dataset)
    assert len(entries) + len(dataset.missing) == 182
    # the first with its full name, the second by its seconds
    assert {"eeEC-oWWAM0_000905_000925", "Np0jqmKPvSQ_001705_001725"} <= set(entries)
    entry = entries["eeEC-oWWAM0_000905_000925"]
    assert {dataset.class_names[i] for i in entry.action} == {"powerbocking", "recreation"}
    present = {n for n, mark in zip(dataset.attribute_names, entry.attributes, strict=True) if mark}
    assert {"house", "tree", "residential_area", "suburb"} <= present
    objects = {name for _, name in entry.label_lists["OBJECT"]}
    scenes = {name for _, name in entry.label_lists["SCENE"]}
    assert objects | scenes == present and not objects & scenes


def test_p_hvu_converts_and_reads_back_with_all_its_labels(small_hvu, tmp_path, read_records):
    pytest.importorskip("tensorflow")
    dataset = p_hvu(small_hvu)
    convert(dataset, tmp_path / "out", workers=1)
    entries = by_id(dataset)
    for record in read_records(tmp_path / "out"):
        entry = entries[record.one("example/id").decode()]
        assert tuple(record.all("clip/label/index")) == entry.action
        said = [dataset.class_names[i].encode() for i in entry.action]
        assert record.all("clip/label/string") == said == record.all("clip/label/text")
        for prefix, named in entry.label_lists.items():
            assert record.all(f"{prefix}/clip/label/index") == [i for i, _ in named]
            assert record.all(f"{prefix}/clip/label/string") == [n.encode() for _, n in named]
    assert not verify(tmp_path / "out").faults
    info = dataset_info(tmp_path / "out")
    assert info.multi_label and info.attribute_groups == {"object": 1678, "scene": 248}
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["format_version"] == 2

    clips, labels = next(iter(clip_dataset(tmp_path / "out", "test", 2, 1, 32, 3)))
    assert clips.shape[0] == len(entries)
    assert labels["action"].shape == (len(entries), 739)
    assert labels["action"].dtype == "float32"
    assert labels["privacy"].shape == (len(entries), 1678 + 248)
    total = sum(len(entry.action) for entry in entries.values())
    assert float(labels["action"].numpy().sum()) == total
    assert float(labels["privacy"].numpy().sum()) == sum(
        sum(e.attributes) for e in entries.values()
    )


def test_a_whole_video_stands_for_its_only_part(small_hvu):
    rows = "tree|suburb|powerbocking,one,1,3\ntree|suburb|powerbocking,two,1,3\ntree,two,7,9\n"
    path = small_hvu / "hvu_val_first300.csv"
    path.write_text(f"Tags,youtube_id,time_start,time_end\n{rows}")
    for name in ("one", "two"):
        write_video(small_hvu / "videos" / f"{name}.mp4")
    dataset = p_hvu(small_hvu)
    assert set(by_id(dataset)) == {"one_000010_000030"}
    assert dataset.missing == ("two_000010_000030",)
    assert "1 of these are parts of a video that is there as a whole" in dataset.notes
    write_video(small_hvu / "videos" / "two_000001_000003.mp4")
    assert set(by_id(p_hvu(small_hvu))) == {"one_000010_000030", "two_000010_000030"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("tree|suburb|powerbocking,a/b,1,2", r"line 2: needed are youtube_id"),
        ("tree|suburb|powerbocking,id,2,1", r"line 2: needed are youtube_id"),
        ("tree|suburb|powerbocking,id,nan,1", r"line 2: needed are youtube_id"),
        ("tree|suburb|powerbocking,id,1", r"line 2: 4 values are needed"),
    ],
)
def test_rows_of_hvu_that_are_none_are_named(small_hvu, row, message):
    path = small_hvu / "hvu_val_first300.csv"
    path.write_text(f"Tags,youtube_id,time_start,time_end\n{row}\n")
    with pytest.raises(LabelFileError, match=message):
        p_hvu(small_hvu)


def test_missing_files_of_hvu_are_named(small_hvu):
    (small_hvu / "hvu_train_2.csv").write_text("Tags,youtube_id,time_start,time_end\n")
    (small_hvu / "hvu_train_3.csv").touch()
    with pytest.raises(LabelFileError, match=r"Which is the train file: hvu_train_2.csv, hvu_t"):
        p_hvu(small_hvu)
    (small_hvu / "hvu_train_3.csv").unlink()
    assert {entry.split for entry in p_hvu(small_hvu)} == {"test"}
    for path in small_hvu.glob("*first300*"):
        path.unlink()
    (small_hvu / "hvu_train_2.csv").unlink()
    with pytest.raises(LabelFileError, match=r"no list of clips"):
        p_hvu(small_hvu)


# PA-HMDB51.


def annotations(source, action, content):
    folder = source / "PrivacyAttributes"
    folder.mkdir(exist_ok=True)
    (folder / f"{action}.json").write_text(json.dumps(content))


@pytest.fixture
def small_pa_hmdb51(tmp_path):
    """Gaps, overlaps, lists of values, a missing note and a missing video."""
    write_video(tmp_path / "videos" / "wave" / "a!(b)_wave_0.avi", levels=range(0, 120, 20))
    write_video(tmp_path / "videos" / "wave" / "c_wave_1.avi")
    touch(tmp_path / "videos" / "wave" / "more.avi")
    touch(tmp_path / "videos" / "wave" / "c_wave_1.txt")  # no video, though last of that name
    full = {
        "skin_color": [[0, 2, 1], [2, 4, [1, 3]]],
        "relationship": [[0, 5, 0]],
        "face": [[0, 1, 2], [4, 99, 1]],
        "nudity": [[0, 5, [0, 2]]],
        "gender": [[1, 3, 0], [2, 2, 3]],
        "review": 1,
        "note": "",
    }
    partial = {"face": [[0, 2, 1]], "review": 0}
    content = {"a!(b)_wave_0": full, "c_wave_1.avi": partial, "gone": full}
    annotations(tmp_path, "wave", content)
    return tmp_path


def test_pa_hmdb51_keeps_labels_of_frames_raw_and_binarised(small_pa_hmdb51, read_records):
    pytest.importorskip("tensorflow")
    dataset = pa_hmdb51(small_pa_hmdb51)
    assert dataset.missing == ("wave/gone",)
    assert "1 of 3 annotated videos are not in videos" in dataset.notes
    assert "1 videos lack an attribute and count as unannotated" in dataset.notes
    assert "1 videos beside them have no annotations" in dataset.notes
    assert {entry.split for entry in dataset} == {"test"}
    out = small_pa_hmdb51 / "out"
    convert(dataset, out, workers=1)
    assert not verify(out).faults
    records = {record.one("example/id").decode(): record for record in read_records(out)}

    record = records["wave/a!(b)_wave_0"]
    assert len(record.per_frame("image/encoded")) == 6

    def raw(name):
        key = f"PRIVACY/image/label/{name}/raw"
        return [list(feature.int64_list.value) for feature in record.lists[key].feature]

    def binary(name):
        return record.per_frame(f"PRIVACY/image/label/{name}")

    assert raw("skin_color") == [[1], [1], [1, 3], [1, 3], [1, 3], []]
    assert binary("skin_color") == [1, 1, 1, 1, 1, 0]
    assert raw("face") == [[2], [2], [], [], [1], [1]]
    assert binary("face") == [1, 1, 0, 0, 1, 1]
    assert binary("nudity") == [1] * 6
    assert raw("gender") == [[], [0], [0, 3], [0], [], []]
    assert binary("gender") == [0, 0, 1, 0, 0, 0]
    assert binary("relationship") == [0] * 6
    assert record.all("PRIVACY/clip/label/string") == [b"skin_color", b"face", b"gender", b"nudity"]
    assert record.one("PRIVACY/clip/label/is_annotated") == 1
    other = records["wave/c_wave_1"]
    assert other.one("PRIVACY/clip/label/is_annotated") == 0
    assert other.per_frame("PRIVACY/image/label/face") == [1, 1, 1]
    assert other.per_frame("PRIVACY/image/label/nudity") == [0, 0, 0]


@pytest.mark.parametrize(
    "face",
    [3, [3], [[0, 1]], [[1, 0, 1]], [[-1, 0, 1]], [[0, 1, []]], [[0, 1, "x"]], [[0, True, 1]]],
)
def test_annotations_of_frames_that_are_none_are_named(small_pa_hmdb51, face):
    annotations(small_pa_hmdb51, "wave", {"c_wave_1": {"face": face}})
    with pytest.raises(LabelFileError, match=r"wave.json: face of 'c_wave_1' must be a list of"):
        pa_hmdb51(small_pa_hmdb51)


def test_of_pa_hmdb51_what_a_split_has_for_testing(small_pa_hmdb51):
    lists = small_pa_hmdb51 / "lists"
    lists.mkdir()
    (lists / "wave_test_split2.txt").write_text("a!(b)_wave_0.avi 2\nc_wave_1.avi 1\n")
    dataset = pa_hmdb51(small_pa_hmdb51, lists=lists, fold=2)
    assert set(by_id(dataset)) == {"wave/a!(b)_wave_0"}
    assert dataset.origin == {"adapter": "pa-hmdb51", "fold": 2}
    assert "1 videos are not of the test of split 2 and were left out" in dataset.notes
    assert "1 of 3 annotated videos are not in videos" in dataset.notes
    with pytest.raises(LabelFileError, match="No list named <class>_test_split1.txt"):
        pa_hmdb51(small_pa_hmdb51, lists=lists)
    with pytest.raises(LabelFileError, match="folder with the split lists is not there"):
        pa_hmdb51(small_pa_hmdb51, lists=lists / "gone")
    with pytest.raises(ValueError, match="fold"):
        pa_hmdb51(small_pa_hmdb51, fold=4)


def test_two_annotations_of_a_video_are_refused(small_pa_hmdb51):
    annotations(small_pa_hmdb51, "wave", {"c_wave_1": {}, "c_wave_1.avi": {}})
    with pytest.raises(LabelFileError, match=r"has two annotations of 'c_wave_1'"):
        pa_hmdb51(small_pa_hmdb51)


# Tables.


@pytest.fixture
def table(tmp_path):
    for name in ("a/1.mp4", "a/2.mp4", "b ü.mp4"):
        touch(tmp_path / name)

    def write(*lines, name="t.csv"):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path / name

    return write


def test_a_table_is_a_dataset(table):
    path = table(
        "path,label,split,face,hair",
        "a/1.mp4,run,train,1,0",
        "a/2.mp4,run,validation,,",
        "b ü.mp4,walk,test,0,1",
        "gone.mp4,walk,test,0,1",
    )
    dataset = csv_table(path)
    assert dataset.name == "t" and dataset.class_names == ("run", "walk")
    assert dataset.attribute_names == ("face", "hair")
    assert {n: (e.action, e.split, e.attributes) for n, e in by_id(dataset).items()} == {
        "a/1": (0, "train", (1, 0)),
        "a/2": (0, "validation", None),
        "b ü": (1, "test", (0, 1)),
    }
    assert dataset.missing == ("gone.mp4",)


def test_paths_that_no_file_can_have_are_missing_and_splits_drawn_among_the_rest(table):
    longest = "n" * 300 + ".mp4"
    path = table("path,label,split", "a/1.mp4,x,train", "a/2.mp4,x,", f"{longest},x,")
    dataset = csv_table(path, test_fraction=0.9)
    assert dataset.missing == (longest,)
    assert {name: entry.split for name, entry in by_id(dataset).items()} == {
        "a/1": "train",
        "a/2": "test",
    }


def test_columns_can_have_other_names_and_tables_tabs(table):
    path = table("file\tclass\tx\tyoung\n" + "a/1.mp4\trun\t7\t1", name="t.tsv")
    dataset = csv_table(path, path_column="file", label_column="class", attributes="young")
    assert dataset.attribute_names == ("young",)
    assert by_id(dataset)["a/1"].attributes == (1,)
    with pytest.raises(LabelFileError, match=r"a column for each of the attributes \['old'\]"):
        csv_table(path, path_column="file", label_column="class", attributes="old")
    with pytest.raises(LabelFileError, match=r"t.tsv has no column 'label' with the actions"):
        csv_table(path, path_column="file", attributes="young")


def test_a_table_may_name_several_actions_a_video(table):
    dataset = csv_table(table("path,label", "a/1.mp4,run|jump", "a/2.mp4,run"), label_separator="|")
    assert dataset.multi_label and dataset.class_names == ("jump", "run")
    assert [entry.action for entry in dataset] == [(0, 1), (1,)]


def test_paths_may_be_absolute_but_not_leave_the_folder(table, tmp_path):
    pytest.importorskip("tensorflow")
    write_video(tmp_path / "in" / "good.mp4")
    write_video(tmp_path / "in" / "linked_to.mp4")
    outside = write_video(tmp_path / "outside.mp4")
    (tmp_path / "in" / "link.mp4").symlink_to(outside)
    (tmp_path / "in" / "inner_link.mp4").symlink_to(tmp_path / "in" / "linked_to.mp4")
    path = table(
        "path,label,split",
        f"{tmp_path}/in/good.mp4,x,train",
        "inner_link.mp4,x,train",
        "../outside.mp4,x,train",
        f"{outside},y,train",
        "link.mp4,x,train",
    )
    with pytest.raises(LabelFileError, match=r"names a video twice, by different paths"):
        csv_table(path, videos=tmp_path / "in")
    path.write_text(path.read_text().replace(f"{outside},y,train\n", ""))
    report = convert(csv_table(path, videos=tmp_path / "in"), tmp_path / "out", workers=1)
    assert set(report.info.sources) == {"good", "inner_link"}
    reasons = {item["path"]: item["reason"] for item in report.info.quarantined}
    assert set(reasons) == {"../outside.mp4", "link.mp4"}
    assert set(reasons.values()) == {"the path leads out of the source's folder"}


def test_absolute_paths_into_a_folder_that_a_link_leads_to(table, tmp_path):
    write_video(tmp_path / "real" / "sub" / "a.mp4")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    path = table("path,label,split", f"{tmp_path}/real/sub/a.mp4,x,train")
    dataset = csv_table(path, videos=tmp_path / "link")
    (entry,) = dataset
    assert (entry.id, str(entry.file)) == ("sub/a", "sub/a.mp4")
    convert(dataset, tmp_path / "out", workers=1)
    assert not verify(tmp_path / "out").faults


# The record of a dataset with one class and one list of attributes is what it always was.


def test_labels_of_single_label_records_are_unchanged(tmp_path, videos, read_records):
    pytest.importorskip("tensorflow")
    from tfrecords_tools.datasets.folder import folder

    convert(folder(videos), tmp_path / "out", workers=1)
    content = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert content["format_version"] == 1
    assert not {"multi_label", "attribute_groups"} & set(content)
    for record in read_records(tmp_path / "out"):
        labels = {key for key in record.context if "label" in key}
        assert labels == {
            *("clip/label/index", "clip/label/string", "clip/label/text"),
            *("PRIVACY/clip/label/index", "PRIVACY/clip/label/string"),
            "PRIVACY/clip/label/is_annotated",
        }
        assert set(record.lists) == {"image/encoded", "image/timestamp"}


@pytest.mark.parametrize(
    ("entry", "multi_label", "message"),
    [
        ({"action": (0,)}, False, r"action must be one index. Received: \(0,\)"),
        ({"action": 0}, True, r"action must be a tuple of different indices. Received: 0"),
        ({"action": (0, 0)}, True, r"a tuple of different indices. Received: \(0, 0\)"),
        ({"action": (0, 2)}, True, r"action 2 is outside of the 2 classes"),
        ({"action": 0, "attributes": (1,)}, False, r"attributes must be 2 numbers"),
    ],
)
def test_labels_that_do_not_fit_the_dataset_are_refused(tmp_path, entry, multi_label, message):
    made = SourceEntry("a", "train", file=pathlib.PurePosixPath("a.mp4"), **entry)
    dataset = SourceDataset(
        "made", ("x", "y"), ("p", "q"), tmp_path, lambda: iter([made]), multi_label=multi_label
    )
    with pytest.raises(LabelError, match=message):
        convert(dataset, tmp_path / "out", workers=1)
