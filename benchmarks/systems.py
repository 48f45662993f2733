"""The benchmarks of docs/evaluation.md and the demo of the README, with their reports kept.

    python benchmarks/systems.py quick          # 21 minutes on two cores
    python benchmarks/systems.py deployment     # 75 minutes, with one worker
    python benchmarks/systems.py known          # three hours and a half
    python benchmarks/systems.py ablations      # 46 minutes
    python benchmarks/systems.py longer         # an hour, with one worker
    python benchmarks/systems.py demo           # 8 and a half minutes

Each runs the command that `COMMANDS` has under its name, in a folder that `--out` may change, and
copies the report.json of that folder to benchmarks/results/benchmark_<name>.json, or to
motion_digits_demo.json. Of a benchmark, what stands in the folder is not measured again: a run that
was stopped goes on. Every report says its backend and versions, and one of a benchmark its command,
its CPUs and the time that it took. Nothing is kept where a system could not be measured.

Expected: the tables "systems_quick", "systems_known", "marks" and "longer" in docs/evaluation.md,
"deployment" and "ablations" in docs/method.md and "motion_digits_demo" in the README.
`make_tables.py` writes them anew.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DEMO = ROOT / "examples" / "motion_digits.py"
# Name: the command, the folder of its report, the file that the report is kept in.
COMMANDS = {
    "known": (
        "stprivacy benchmark known --workers 2",
        "results/known",
        "benchmark_known.json",
    ),
    "quick": (
        "stprivacy benchmark known --quick --workers 2",
        "results/quick",
        "benchmark_quick.json",
    ),
    "deployment": (
        "stprivacy benchmark deployment --attackers video_transformer,mask",
        "results/sweep",
        "benchmark_deployment.json",
    ),
    "ablations": (
        "stprivacy benchmark ablations --quick --workers 2",
        "results/ablations",
        "benchmark_ablations.json",
    ),
    "longer": (
        "stprivacy benchmark known --systems vita,spact --set vita.steps=1200 --set spact.epochs=6 "
        "--seeds 1 --attackers video_transformer,conv3d,frame,linear_probe",
        "results/longer",
        "benchmark_longer.json",
    ),
    "demo": ("make demo", "demo", "motion_digits_demo.json"),
}


def measure(command: str, out: Path) -> None:
    """Runs a benchmark here, as the command line would.

    Raises:
        SystemExit: if a system could not be measured, with the reason.
    """
    import click

    from keras_stprivacy.cli.main import main as stprivacy

    try:
        stprivacy.main([*shlex.split(command)[1:], "--out", str(out)], standalone_mode=False)
    except click.ClickException as error:
        raise SystemExit(error.format_message()) from error


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=COMMANDS)
    parser.add_argument("--out", type=Path, help="folder of the run")
    options = parser.parse_args(arguments)
    command, folder, kept = COMMANDS[options.name]
    out = options.out or Path(folder)
    if options.name == "demo":  # what `make demo` runs
        tensorflow = os.environ | {"KERAS_BACKEND": "tensorflow"}  # as it says
        subprocess.run([sys.executable, str(DEMO), str(out)], check=True, env=tensorflow)
    else:
        measure(command, out)
    shutil.copyfile(out / "report.json", RESULTS / kept)
    print(f"kept as {RESULTS / kept}; now run: python benchmarks/make_tables.py")


if __name__ == "__main__":
    main()
