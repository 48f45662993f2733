"""`examples/train_folder.py` on six clips of real people, with each recipe, and its pictures.

    KERAS_BACKEND=tensorflow python benchmarks/train_folder.py VIDEOS OUT --table labels.csv

VIDEOS and labels.csv are those of docs/training.md. A recipe whose results are in OUT already is
not trained again. Writes benchmarks/results/train_folder.json, and docs/pictures/signs_<recipe>.jpg
and .svg (frames and curves). Takes the CPU time of both rows, and two exports. Expected: the table
"train_folder" in docs/training.md, roughly: six clips are learned by heart, and another seed gives
other numbers.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "train_folder.json"
PICTURES = ROOT / "docs" / "pictures"
RECIPES = ("paper", "priced")
FRAME_STEP = ("--frame-step", "5")
OPTIONS = ("--overfit", *FRAME_STEP, "--passes", "20", "--epochs", "5", "96", "8")
OPTIONS += ("--probe-every", "48")


def example(name: str, *arguments: str | Path) -> None:
    subprocess.run([sys.executable, ROOT / "examples" / name, *arguments], check=True)


def row(out: Path, recipe: str) -> dict:
    """What a run of the example left, without most of its epochs."""
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    epochs = results.pop("adversarial")
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    command = "python examples/train_folder.py VIDEOS OUT --table labels.csv"
    return {
        "command": f"{command} --recipe {recipe} {' '.join(OPTIONS)}",
        **results,
        "adversarial": {"first": epochs[0], "last": epochs[-1]},
        "report": {
            row["name"]: {
                "scores": {name: score["value"] for name, score in row["scores"].items()},
                "ap": {name: scores["ap"]["value"] for name, scores in row["attributes"].items()},
            }
            for row in report["rows"]
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--table", type=Path, required=True)
    args = parser.parse_args()
    rows = {}
    for recipe in RECIPES:
        out = args.out / recipe
        if not (out / "results.json").is_file():
            given = ("--table", args.table, "--recipe", recipe)
            example("train_folder.py", args.videos, out, *given, *OPTIONS)
        rows[recipe] = row(out, recipe)
        frames = (out / "anonymizer.keras", out / "records", PICTURES / f"signs_{recipe}.jpg")
        example("show_frames.py", *frames, "--split", "train", *FRAME_STEP)
        page = (out / "curves.html").read_text(encoding="utf-8")
        drawn = page[page.index("<svg") : page.index("</svg>")] + "</svg>\n"
        (PICTURES / f"signs_{recipe}.svg").write_text(drawn, encoding="utf-8")
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
