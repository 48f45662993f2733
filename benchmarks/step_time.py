"""Seconds per adversarial step at full size, for both update rules, on each backend.

    python benchmarks/step_time.py --steps 3            # about 12 minutes on two CPU cores
    python benchmarks/step_time.py --steps 2 --backends torch                      # a try

Every figure comes from a process of its own: one untimed step, then `--steps` timed ones, of which
the median is shown; memory is the peak of the process. The rules of a backend run one after the
other. On PyTorch there is a third, "plain loop": turns as they are usually written, where
`loss.backward()` also computes what the turn does not use. Graphs, as on the other backends, leave
that out of themselves. Writes benchmarks/results/step_time.json and step_time.md. Expected: the
table "step_time" in docs/method.md.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
RULES = ("simultaneous", "alternating")
PLAIN = "plain loop"


def measure(preset: str, batch: int, steps: int, rule: str, jit: bool) -> dict:
    import keras
    import numpy as np

    import keras_stprivacy as stp

    anonymizer = stp.models.Anonymizer.from_preset(preset, seed=0)
    phase = plain_loop(stp.training.STPrivacy) if rule == PLAIN else stp.training.STPrivacy
    model = phase(
        anonymizer,
        action_recognizer=stp.models.Recognizer.from_preset(preset, num_classes=101),
        privacy_recognizer=stp.models.Recognizer.from_preset(preset, num_classes=5),
        update_rule="alternating" if rule == PLAIN else rule,
    )
    model.compile(
        anonymizer_optimizer=keras.optimizers.AdamW(1e-4),
        recognizer_optimizer=keras.optimizers.AdamW(1e-3),
        jit_compile=jit,
    )
    rng = np.random.default_rng(0)
    clip = rng.random((batch, *anonymizer.clip_shape), dtype="float32")
    labels = {
        "action": rng.integers(0, 101, batch),
        "privacy": rng.integers(0, 2, (batch, 5)).astype("float32"),
    }
    model.train_on_batch(clip, labels)
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        model.train_on_batch(clip, labels)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"seconds": seconds, "peak_gib": peak}


def plain_loop(phase: type) -> type:
    """`STPrivacy` with turns as they are usually written on PyTorch."""
    import torch

    class PlainLoop(phase):  # type: ignore[misc, valid-type]
        def train_step(self, data: Any) -> dict[str, Any]:
            clip, labels = self.unpack(data)
            variables = self.player_variables()
            for players in self.turns():
                objectives, outputs = self.objectives(players, clip, labels)
                self.zero_grad(set_to_none=True)
                sum(loss for loss, _ in objectives).backward()
                with torch.no_grad():
                    for player in players:
                        gradients = [v.value.grad for v in variables[player]]
                        self.optimizer.apply_player(player, gradients, variables[player])
            with torch.no_grad():
                return self.update_metrics(clip, labels, outputs)

    return PlainLoop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="vit_small_16x112")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--worker", choices=(*RULES, PLAIN), help=argparse.SUPPRESS)
    args = parser.parse_args()
    jit = os.environ.get("KERAS_BACKEND") == "jax"  # elsewhere kernels of the library are faster
    if args.worker:
        print(json.dumps(measure(args.preset, args.batch, args.steps, args.worker, jit)))
        return
    rows = []
    for backend in args.backends:
        for rule in (*RULES, PLAIN) if backend == "torch" else RULES:
            command = [sys.executable, __file__, "--worker", rule, "--preset", args.preset]
            command += ["--batch", str(args.batch), "--steps", str(args.steps)]
            environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
            done = subprocess.run(
                command, env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
            result = json.loads(done.stdout.splitlines()[-1])
            median = statistics.median(result["seconds"])
            rows.append({"backend": backend, "rule": rule, "median_s": median, **result})
            print(backend, rule, f"{median:.2f} s, {result['peak_gib']:.1f} GiB", flush=True)
    settings = {
        "command": f"python benchmarks/step_time.py --steps {args.steps}",
        "preset": args.preset,
        "batch": args.batch,
        "steps": args.steps,
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, no GPU",
        "python": platform.python_version(),
    }
    RESULTS.mkdir(exist_ok=True)
    rows = others(settings, args.backends) + rows
    (RESULTS / "step_time.json").write_text(
        json.dumps({"settings": settings, "rows": rows}, indent=1) + "\n"
    )
    (RESULTS / "step_time.md").write_text(table(settings, rows))


def others(settings: dict, backends: list[str]) -> list[dict]:
    """Earlier rows of the other backends, if they were measured alike."""
    path = RESULTS / "step_time.json"
    earlier = json.loads(path.read_text()) if path.is_file() else {"settings": None, "rows": []}
    if earlier["settings"] != settings:
        return []
    return [row for row in earlier["rows"] if row["backend"] not in backends]


def table(settings: dict, rows: list[dict]) -> str:
    """The results as Markdown."""
    lines = [
        f"`{settings['command'].strip()}`: {settings['preset']}, batch {settings['batch']}, "
        f"{settings['machine']}; median of {settings['steps']} steps.",
        "",
        "| backend | update rule | s / step | clips / s | peak GiB | s / step of simultaneous |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        of_backend = {r["rule"]: r["median_s"] for r in rows if r["backend"] == row["backend"]}
        ratio = row["median_s"] / of_backend["simultaneous"]
        longer = f"{ratio:.2f} x" if row["rule"] != "simultaneous" else ""
        lines.append(
            f"| {row['backend']} | {row['rule']} | {row['median_s']:.2f} | "
            f"{settings['batch'] / row['median_s']:.2f} | {row['peak_gib']:.1f} | {longer} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
