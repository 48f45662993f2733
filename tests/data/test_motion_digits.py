import os
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_stprivacy.data import _motion_digits_render as render
from keras_stprivacy.data.motion_digits import MotionDigits

pytestmark = pytest.mark.any_backend

# `keras_stprivacy.data` may show the function under the module's name.
module = sys.modules[MotionDigits.__module__]
motion_digits = module.motion_digits
ARRAYS = ("clips", "action", "privacy", "boxes")


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STPRIVACY_CACHE", str(tmp_path / "cache"))
    module._remembered.cache_clear()
    yield tmp_path / "cache"
    module._remembered.cache_clear()


@pytest.fixture(scope="module")
def digits():
    return motion_digits("train", num_clips=400, cache=False)


@pytest.fixture(scope="module")
def scene():
    """Labels alone, of many clips: nothing is rendered."""
    return render.draw_scene("train", 8000, 8, seed=3)


def same(first, second, rows=slice(None)):
    return all(
        np.array_equal(getattr(first, name)[rows], getattr(second, name)[rows]) for name in ARRAYS
    )


def of_action(digits, name):
    return digits.action == digits.class_names.index(name)


def test_what_it_returns(digits):
    assert digits.clips.shape == (400, 8, 32, 32, 3) and digits.clips.dtype == np.uint8
    assert digits.action.shape == (400,) and digits.action.dtype == np.int32
    assert digits.privacy.shape == (400, 5) and digits.privacy.dtype == np.int32
    assert digits.boxes.shape == (400, 8, 4) and digits.boxes.dtype == np.float32
    assert set(np.unique(digits.privacy)) == {0, 1}
    assert len(digits.class_names) == 8 and len(digits.attribute_names) == 5
    assert len(digits) == len(set(digits.ids)) == 400
    assert digits.prevalence == pytest.approx(
        dict(zip(digits.attribute_names, digits.privacy.mean(axis=0), strict=True))
    )


def test_arrays_are_what_fit_takes(digits):
    clip, labels = digits.arrays()
    assert clip.dtype == np.float32 and clip.min() >= 0.0 and clip.max() <= 1.0
    assert np.array_equal(np.rint(clip * 255.0).astype("uint8"), digits.clips)
    assert labels["action"].dtype == np.int32 and labels["privacy"].dtype == np.float32
    # The dataset is shared and therefore read-only, what is handed out is not.
    assert clip.flags.writeable and labels["action"].flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        digits.clips[0] = 0


@pytest.mark.parametrize("num_frames,image_size", [(2, 16), (5, 48), (16, 33)])
def test_other_sizes(num_frames, image_size):
    digits = motion_digits("validation", 9, num_frames, image_size, cache=False)
    assert digits.clips.shape == (9, num_frames, image_size, image_size, 3)
    assert digits.boxes.shape == (9, num_frames, 4)


def test_same_seed_same_bytes_other_seed_others():
    first, again = (motion_digits("train", 40, cache=False) for _ in range(2))
    assert same(first, again) and first.ids == again.ids
    other = motion_digits("train", 40, seed=1, cache=False)
    assert not np.array_equal(first.clips, other.clips)
    assert not np.array_equal(first.privacy, other.privacy)
    assert not set(first.ids) & set(other.ids)


def test_first_clips_do_not_depend_on_how_many():
    many = motion_digits("test", 70, cache=False)
    few = motion_digits("test", 33, cache=False)
    assert all(np.array_equal(getattr(many, name)[:33], getattr(few, name)) for name in ARRAYS)
    assert many.ids[:33] == few.ids


def test_no_handwriting_is_in_two_splits():
    used = {}
    for split in ("train", "validation", "test"):
        scene = render.draw_scene(split, 4000, 2, seed=0)
        used[split] = set(scene.digit) | set(scene.companion)
        assert len(used[split]) > 100
    assert not used["train"] & used["test"]
    assert not used["train"] & used["validation"]
    assert not used["validation"] & used["test"]
    # Nor does the same image stand twice among the bundled ones.
    bank = render.glyphs()[0]
    images = {split: {bank[i].tobytes() for i in rows} for split, rows in used.items()}
    assert not images["train"] & images["test"]
    assert not images["train"] & images["validation"]
    assert not images["validation"] & images["test"]


def test_splits_of_one_seed_are_drawn_apart():
    train, test = (render.draw_scene(split, 800, 2, seed=0) for split in ("train", "test"))
    assert 0.3 < np.mean(train.privacy == test.privacy) < 0.7
    assert abs(np.corrcoef(train.center[:, 0, 0], test.center[:, 0, 0])[0, 1]) < 0.15


def test_labels_have_the_said_shares(scene):
    assert np.array_equal(np.bincount(scene.action), [1000] * 8)
    expected = np.array(list(render.PREVALENCE.values()))
    error = np.sqrt(expected * (1 - expected) / 8000)
    assert (np.abs(scene.privacy.mean(axis=0) - expected) < 4 * error).all()
    assert (np.abs(expected - 0.5) > 0.1).sum() >= 2  # not all are coins


def test_action_and_attributes_are_independent(scene):
    from sklearn.feature_selection import chi2

    one_hot = np.eye(8)[scene.action]
    for attribute in scene.privacy.T:
        # Pearson's statistic over the 8 x 2 table; 7 degrees of freedom, 29.9 is p = 1e-4.
        statistic = chi2(one_hot, attribute)[0].sum()
        assert statistic < 29.9
    between = np.corrcoef(scene.privacy.T) - np.eye(5)
    assert np.abs(between).max() < 4 / np.sqrt(8000)


def test_first_frame_says_nothing_about_the_action(scene):
    geometry = np.concatenate(
        [scene.center[:, 0], scene.angle[:, :1], scene.extent[:, :1], scene.look], axis=1
    )
    geometry = (geometry - geometry.mean(axis=0)) / geometry.std(axis=0)
    means = np.stack([geometry[scene.action == a].mean(axis=0) for a in range(8)])
    assert np.abs(means).max() < 4.5 / np.sqrt(1000)


def test_position_alone_does_not_give_the_direction(scene):
    at = render.ACTIONS.index
    middle = scene.center.mean(axis=1)
    right, left = middle[scene.action == at("right"), 1], middle[scene.action == at("left"), 1]
    # The best cut between the two is still wrong for a tenth of the clips or more.
    assert np.mean(right < 0.5) + np.mean(left > 0.5) > 0.2


def test_boxes_are_tight_around_the_digit():
    scene = render.draw_scene("train", 64, 8, seed=5)
    clips, boxes = render.render(scene, 32)
    without, _ = render.render(scene, 32, moving_digit=False)
    changed = np.abs(clips.astype(int) - without).max(axis=-1)  # (N, T, H, W)
    pixel = np.rint(boxes * 32).astype(int)
    for i, t in np.ndindex(*boxes.shape[:2]):
        top, left, bottom, right = pixel[i, t]
        inside = np.zeros((32, 32), bool)
        inside[top:bottom, left:right] = True
        outside = changed[i, t][~inside]
        # Outside there is at most the faint edge of a stroke, on every side inside there is ink.
        assert outside.max() <= np.ceil(255 * render.BOX_THRESHOLD)
        patch = changed[i, t, top:bottom, left:right] > 0
        assert patch[0].any() and patch[-1].any() and patch[:, 0].any() and patch[:, -1].any()
    assert (boxes >= 0).all() and (boxes <= 1).all()
    assert (boxes[..., 2:] > boxes[..., :2]).all()


@pytest.mark.parametrize(
    "name,axis,sign", [("right", 1, 1), ("left", 1, -1), ("down", 0, 1), ("up", 0, -1)]
)
def test_directions(digits, name, axis, sign):
    boxes = digits.boxes[of_action(digits, name)]
    center = (boxes[..., :2] + boxes[..., 2:]) / 2
    moved = center[:, -1] - center[:, 0]
    assert (sign * moved[:, axis] > 0.08).all()
    assert (np.abs(moved[:, 1 - axis]) < 0.08).all()


def test_grow_and_shrink(digits):
    area = np.prod(digits.boxes[..., 2:] - digits.boxes[..., :2], axis=-1)
    change = area[:, -1] / area[:, 0]
    assert (change[of_action(digits, "grow")] > 1.3).all()
    assert (change[of_action(digits, "shrink")] < 1 / 1.3).all()


@pytest.mark.parametrize("name,sign", [("rotate_clockwise", 1), ("rotate_counter_clockwise", -1)])
def test_rotations(name, sign):
    """The long axis of the digit's pixels turns, by as much as the scene says."""
    scene = render.draw_scene("train", 240, 8, seed=2)
    chosen = np.flatnonzero(scene.action == render.ACTIONS.index(name))
    clips, _ = render.render(scene, 48)
    without, _ = render.render(scene, 48, moving_digit=False)
    ink = np.abs(clips[chosen].astype(float) - without[chosen]).max(axis=-1) > 60
    y, x = np.mgrid[:48, :48]
    turned = np.zeros(len(chosen))
    for i in range(len(chosen)):
        axes = []
        for frame in ink[i]:
            dy, dx = y[frame] - y[frame].mean(), x[frame] - x[frame].mean()
            axes.append(0.5 * np.arctan2(2 * (dx * dy).mean(), (dx * dx).mean() - (dy * dy).mean()))
        steps = np.diff(axes)
        turned[i] = ((steps + np.pi / 2) % np.pi - np.pi / 2).sum()
    said = scene.angle[chosen, -1] - scene.angle[chosen, 0]
    assert (sign * said > np.deg2rad(55)).all()
    # Some handwritings are as wide as high, and their long axis is no measure.
    assert np.mean(np.sign(turned) == sign) > 0.95
    assert np.median(np.abs(turned - said)) < np.deg2rad(8)


def test_attributes_are_in_the_pixels():
    scene = render.draw_scene("test", 200, 4, seed=7)
    clips, _ = render.render(scene, 32)
    still, _ = render.render(scene, 32, moving_digit=False)
    names = list(render.PREVALENCE)
    has = {name: scene.privacy[:, i] == 1 for i, name in enumerate(names)}

    most = np.abs(clips[:, 0].astype(int) - still[:, 0]).sum(axis=-1).reshape(200, -1).argmax(1)
    color = clips[:, 0].reshape(200, -1, 3)[np.arange(200), most].astype(int)
    assert np.array_equal(color[:, 0] > color[:, 2], has["warm_hue"])

    corners = np.stack(
        [still[:, 0, a : a + 11, b : b + 11] for a in (0, 21) for b in (0, 21)], axis=1
    ).reshape(200, 4, 121, 3)
    # The lamp is white and large, the companion's strokes are light grey.
    white = (corners.min(axis=-1) > 240).sum(axis=-1).max(axis=1)
    assert np.array_equal(white > 5, has["lamp"])
    light = ((corners.min(axis=-1) > 150).sum(axis=-1) > 5).sum(axis=1)
    assert np.array_equal(light - has["lamp"] > 0, has["companion"])

    _, _, target = render.glyphs()
    assert np.array_equal(np.isin(target[scene.digit], render.ROUND_DIGITS), has["round_digit"])
    middle = still[:, 0, 11:21, 11:21].mean(axis=-1).reshape(200, -1).std(axis=1)
    assert middle[has["striped_background"]].min() > middle[~has["striped_background"]].max()


def test_lamp_and_companion_never_share_a_corner(scene):
    lamp, companion = render._corner(scene, 0), render._corner(scene, 1)
    assert ((lamp[0] != companion[0]) | (lamp[1] != companion[1])).all()


def test_renders_fast():
    motion_digits("train", 64, cache=False)  # loads scikit-learn and the glyphs
    seconds = []
    for _ in range(5):  # another program takes caches and clock speed from a try, not from all
        start = time.process_time()
        motion_digits("train", 250, cache=False)
        seconds.append(time.process_time() - start)
    assert 250 / min(seconds) > 1000  # about 5,000 a second of processor time


def test_cache_file_is_read_again(cache_folder, monkeypatch):
    first = motion_digits("test", 20)
    assert motion_digits("test", 20) is first  # memory
    assert [path.suffix for path in cache_folder.iterdir()] == [".npz"]  # nothing half-written
    module._remembered.cache_clear()
    monkeypatch.setattr(render, "render", lambda *_: pytest.fail("rendered again"))
    again = motion_digits("test", 20)
    assert again is not first and same(first, again) and again.ids == first.ids
    assert not again.clips.flags.writeable


def test_cache_files_differ_by_every_argument(cache_folder):
    base = {"split": "test", "num_clips": 8, "num_frames": 2, "image_size": 16, "seed": 0}
    other = {"split": "train", "num_clips": 9, "num_frames": 3, "image_size": 17, "seed": 1}
    motion_digits(**base)
    for name, value in other.items():
        motion_digits(**{**base, name: value})
    assert len(list(cache_folder.iterdir())) == 1 + len(other)


def test_another_format_version_is_another_file(cache_folder, monkeypatch):
    motion_digits("test", 8)
    monkeypatch.setattr(module, "RENDERED_VERSION", module.RENDERED_VERSION + 1)
    module._remembered.cache_clear()
    motion_digits("test", 8)
    assert len(list(cache_folder.iterdir())) == 2


def test_cache_can_be_bypassed(cache_folder):
    first = motion_digits("test", 8, cache=False)
    assert motion_digits("test", 8, cache=False) is not first
    assert not cache_folder.exists()


def damaged_bytes(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def truncated(path):
    path.write_bytes(path.read_bytes()[:1000])


def no_archive(path):
    path.write_bytes(b"not an archive")


def empty(path):
    path.write_bytes(b"")


def other_content(path):
    np.savez(path, clips=np.zeros((1, 2)), action=[0], privacy=[0], boxes=[0])


def missing_array(path):
    np.savez(path, clips=np.zeros((1, 2)))


def pickled(path):
    objects = np.array([{}], dtype=object)
    np.savez(path, clips=objects, action=objects, privacy=objects, boxes=objects)


@pytest.mark.parametrize(
    "damage",
    [damaged_bytes, truncated, no_archive, empty, other_content, missing_array, pickled],
)
def test_damaged_cache_file_is_rendered_anew(cache_folder, caplog, damage):
    first = motion_digits("test", 8)
    (path,) = cache_folder.iterdir()
    damage(path)
    module._remembered.cache_clear()
    again = motion_digits("test", 8)
    assert same(first, again)
    assert path.name in caplog.text
    module._remembered.cache_clear()
    caplog.clear()
    assert same(first, motion_digits("test", 8)) and not caplog.text  # and mended


def test_folder_that_cannot_be_written_warns(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STPRIVACY_CACHE", str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match="STPRIVACY_CACHE"):
        digits = motion_digits("test", 8)
    assert same(digits, motion_digits("test", 8, cache=False))


def test_full_disk_leaves_nothing_behind(cache_folder, monkeypatch):
    def fill(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fill)
    with pytest.warns(RuntimeWarning, match="No space left"):
        motion_digits("test", 8)
    assert list(cache_folder.iterdir()) == []


@pytest.mark.parametrize(
    "arguments,match",
    [
        ({"split": "val"}, "split must be one of.*'train'.*split='val'"),
        ({"num_clips": 0}, "num_clips must be an integer >= 1. Received: num_clips=0"),
        ({"num_clips": 2.5}, "num_clips=2.5"),
        ({"num_clips": True}, "num_clips=True"),
        ({"num_frames": 1}, "num_frames must be an integer >= 2"),
        ({"image_size": 15}, "image_size must be an integer >= 16"),
        ({"image_size": (32, 32)}, "image_size must be an integer"),
        ({"seed": -1}, "seed must be an integer >= 0"),
        ({"seed": None}, "seed=None"),
    ],
)
def test_bad_arguments(arguments, match):
    with pytest.raises(ValueError, match=match):
        motion_digits(**{"num_clips": 8, **arguments})


def test_import_brings_neither_tensorflow_nor_scikit_learn():
    code = (
        "import sys; import keras_stprivacy.data.motion_digits; "
        "assert not {'tensorflow', 'keras', 'sklearn', 'av'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
