"""The labels of an entry: checked, told apart, and written into a record."""

from collections.abc import Sequence
from typing import Any

from keras_stprivacy.data import schema
from keras_stprivacy.data.errors import LabelError
from tfrecords_tools.source import SourceDataset, SourceEntry


def actions_of(entry: SourceEntry) -> tuple[int, ...]:
    """The actions of an entry: one, or in a multi-label dataset any number."""
    return entry.action if isinstance(entry.action, tuple) else (entry.action,)


def check_labels(entry: SourceEntry, dataset: SourceDataset) -> None:
    """Raises LabelError if a label is outside of what the dataset declares."""
    classes, attributes = len(dataset.class_names), len(dataset.attribute_names)
    actions = actions_of(entry)
    for action in actions:
        if not 0 <= action < classes:
            raise LabelError(f"{entry.id}: action {action} is outside of the {classes} classes")
    if isinstance(entry.action, tuple) != dataset.multi_label or len(set(actions)) < len(actions):
        needed = "a tuple of different indices" if dataset.multi_label else "one index"
        raise LabelError(f"{entry.id}: action must be {needed}. Received: {entry.action!r}")
    values = entry.attributes
    if values is not None and (len(values) != attributes or not {0, 1}.issuperset(values)):
        raise LabelError(
            f"{entry.id}: attributes must be {attributes} numbers, each 0 or 1. "
            f"Received: {values[:16]!r}"
        )
    frames = entry.frame_attributes
    if frames is not None and not set(frames.segments) <= set(dataset.attribute_names):
        raise LabelError(
            f"{entry.id}: frame attributes must be among {dataset.attribute_names}. Received: "
            f"{sorted(frames.segments)}"
        )


def label_identity(entry: SourceEntry) -> list[Any]:
    """What a record's bytes depend on beyond action and attributes; empty for most datasets."""
    identity: list[Any] = []
    if entry.label_lists:
        identity.append({"lists": {k: list(v) for k, v in sorted(entry.label_lists.items())}})
    if entry.frame_attributes is not None:
        identity.append({"frames": dict(sorted(entry.frame_attributes.segments.items()))})
    if entry.source_video is not None:
        identity.append({"source_video": entry.source_video})
    return identity


def context_labels(
    entry: SourceEntry, class_names: Sequence[str], attribute_names: Sequence[str]
) -> dict[str, list[int] | list[str]]:
    """Key of a context feature → its values, for all labels of a clip as a whole."""
    actions = list(actions_of(entry))
    names = [class_names[action] for action in actions]
    present = [i for i, value in enumerate(entry.attributes or ()) if value]
    labels: dict[str, list[int] | list[str]] = {
        schema.LABEL_INDEX: actions,
        schema.LABEL_STRING: names,
        schema.LABEL_TEXT: names,
        schema.PRIVACY_INDEX: present,
        schema.PRIVACY_STRING: [attribute_names[i] for i in present],
        schema.PRIVACY_IS_ANNOTATED: [int(entry.attributes is not None)],
    }
    for prefix, named in (entry.label_lists or {}).items():
        labels[schema.label_index(prefix)] = [index for index, _ in named]
        labels[schema.label_string(prefix)] = [name for _, name in named]
    return labels


def frame_labels(
    entry: SourceEntry, frame_numbers: Sequence[int], attribute_names: Sequence[str]
) -> dict[str, list[list[int]]]:
    """Key of a feature list → the values of each stored frame; nothing for most datasets.

    Args:
        entry: whose labels.
        frame_numbers: of every stored frame, its number in the source.
        attribute_names: of the dataset.
    """
    if entry.frame_attributes is None:
        return {}
    count = max(frame_numbers, default=-1) + 1
    lists = {}
    for name in attribute_names:
        raw = entry.frame_attributes.raw(name, count)
        binary = entry.frame_attributes.binary(name, count)
        lists[schema.FRAME_PRIVACY_PREFIX + name] = [[binary[i]] for i in frame_numbers]
        lists[schema.frame_privacy_raw(name)] = [list(raw[i]) for i in frame_numbers]
    return lists
