"""What is scored on VP-UCF101 and VP-HMDB51 without seeing a pixel, from their label files.

    python benchmarks/label_floors.py LABELS        # half a minute

LABELS is the folder with ucf101_privacy_attribute_label.pickle and
hmdb51_privacy_attribute_label.pickle. What `stprivacy-tfrecords stats` says of each is kept: of
VP-UCF101 for the official splits 1 to 3, of VP-HMDB51 for five splits that it draws. Writes
benchmarks/results/label_floors.json. Expected: the table "label_floors" in docs/tfrecords_tools.md.
"""

import argparse
import json
from pathlib import Path

from tfrecords_tools.label_file_stats import label_file_stats

RESULTS = Path(__file__).parent / "results" / "label_floors.json"
KEPT = {"chance": "cmap", "all_positive": "f1", "action_only": "cmap"}


def floors(path: Path, fold: int = 1) -> dict:
    """Split -> the floors that the table has."""
    found = json.loads(label_file_stats(path, fold).to_json())["floors"]
    return {
        split: {kind: {score: of_split[kind][score]} for kind, score in KEPT.items()}
        for split, of_split in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path)
    folder = parser.parse_args().labels
    ucf101, hmdb51 = (
        folder / f"{name}_privacy_attribute_label.pickle" for name in ("ucf101", "hmdb51")
    )
    content = {
        "command": "python benchmarks/label_floors.py LABELS",
        "floors": {
            "VP-UCF101": {
                split: of_split
                for fold in (1, 2, 3)
                for split, of_split in floors(ucf101, fold).items()
            },
            "VP-HMDB51": floors(hmdb51),
        },
    }
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
