"""`stprivacy benchmark`."""

import json
import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

_PROTOCOLS = ("known", "unseen", "frames", "fapder", "ospar", "ablations", "deployment")


@click.command()
@click.argument("protocol", type=click.Choice(_PROTOCOLS))
@click.option(
    "--data",
    default="motion-digits",
    show_default=True,
    help="The embedded dataset motion-digits, or a directory of records.",
)
@click.option(
    "--out",
    "-o",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for finished cells, trained systems and the report.",
)
@click.option("--to", help="Other records: attacked (unseen), or tested on (frames).")
@click.option(
    "--systems",
    help="Names, joined by commas.  [default: those of the paper; known: more]",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="SYSTEM.SETTING=VALUE",
    help="A setting of a system in place of its own, VALUE as in JSON. Can be given again.",
)
@click.option("--seeds", type=click.IntRange(min=1), help="How many.  [default: 3; quick: 1]")
@click.option("--attackers", help="Names, joined by commas.  [default: all; quick: the first]")
@click.option("--quick", is_flag=True, help="One seed, the main attacker, fewer clips.")
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Of each attacker.  [default: 80; motion-digits: 4; quick: 3]",
)
@click.option("--train-clips", type=click.IntRange(min=1), help="Of motion-digits.")
@click.option("--test-clips", type=click.IntRange(min=1), help="Of motion-digits.")
@click.option("--num-frames", type=click.IntRange(min=1), help="Of clips from records.")
@click.option("--frame-step", type=click.IntRange(min=1), help="Of clips from records.")
@click.option(
    "--to-frame-step",
    type=click.IntRange(min=1),
    help="Of clips from the records of --to.  [default: --frame-step]",
)
@click.option("--image-size", type=click.IntRange(min=8), help="Of clips from records.")
@click.option(
    "--train-passes",
    type=click.IntRange(min=1),
    help="How often attackers' training clips are drawn from records.  [default: 1]",
)
@click.option("--no-augment", is_flag=True, help="Change no clip from records at random.")
@click.option(
    "--detector-weights",
    type=click.Path(exists=True, file_okay=False),
    help="Preset folder of a detector: finds persons where the data has no boxes.",
)
@click.option(
    "--person-class",
    type=click.IntRange(0),
    help="Index of persons among the detector's classes, where they are not those of COCO.",
)
@click.option(
    "--attacker-weights",
    type=click.Path(exists=True, dir_okay=False),
    help="Start weights of attacking video transformers: .npz, .safetensors or .pth.",
)
@click.option(
    "--attacker-layout",
    type=click.Choice(["released", "timm", "keras_hub"]),
    help="Layout of these weights.",
)
@click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    help="Samples of the test videos; 0: no intervals, no tests.  [default: 1000]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that measure cells side by side, a thread each.  [default: 1, all threads]",
)
@click.option(
    "--keep-ratios",
    help="Of the deployment, joined by commas.  [default: 0.9 to 0.3, without those that keep as "
    "many tubelets as a higher one]",
)
@click.option("--parts", help="Of the ablations, joined by commas.  [default: all]")
def benchmark(
    protocol: str,
    data: str,
    out: Path,
    to: str | None,
    systems: str | None,
    changes: tuple[str, ...],
    seeds: int | None,
    attackers: str | None,
    quick: bool,
    epochs: int | None,
    train_clips: int | None,
    test_clips: int | None,
    num_frames: int | None,
    frame_step: int | None,
    to_frame_step: int | None,
    image_size: int | None,
    train_passes: int | None,
    no_augment: bool,
    detector_weights: str | None,
    person_class: int | None,
    attacker_weights: str | None,
    attacker_layout: str | None,
    bootstrap: int | None,
    workers: int | None,
    keep_ratios: str | None,
    parts: str | None,
) -> None:
    """Compare systems under PROTOCOL: train each, attack it with fresh networks, report.

    \b
    Examples:
      stprivacy benchmark known --out results/quick --quick --workers 2
      stprivacy benchmark known --data vp_ucf101 --frame-step 4 --out results/ucf
      stprivacy benchmark deployment --systems stprivacy --seeds 1 --out results/sweep
      stprivacy benchmark unseen --data vp_ucf101 --frame-step 4 --to vp_hmdb51 --to-frame-step 2 \\
        --out results/unseen
      stprivacy benchmark known --data vp_ucf101 --set stprivacy.weights=vit.npz --out results/vit

    Finished cells, a system with a seed each, stand in OUT/cells and are not run again. The report
    is OUT/report.html, .json, .csv and .md; its table is printed.
    """
    from keras_stprivacy import benchmark as benchmarks

    if person_class is not None and detector_weights is None:
        raise click.UsageError("--person-class needs --detector-weights.")
    if (attacker_weights is None) != (attacker_layout is None):
        raise click.UsageError("--attacker-weights and --attacker-layout go together.")
    given: dict[str, Any] = {
        "seeds": seeds,
        "attackers": _names(attackers),
        "epochs": epochs,
        "train_clips": train_clips,
        "test_clips": test_clips,
        "num_frames": num_frames,
        "frame_step": frame_step,
        "to_frame_step": to_frame_step,
        "image_size": image_size,
        "train_passes": train_passes,
        "augment": False if no_augment else None,
        "detector": detector_weights,
        "person_class": person_class,
        "attacker_weights": attacker_weights,
        "attacker_layout": attacker_layout,
        "system_settings": _changes(changes) or None,
        "bootstrap": bootstrap,
        "workers": workers,
    }
    _check_clips({"motion-digits"} & {data, to}, {data, to} - {"motion-digits", None}, given)
    if to_frame_step is not None and to in (None, "motion-digits"):
        raise click.UsageError("--to-frame-step is for clips of records that --to names.")
    make = benchmarks.Settings.quick if quick else benchmarks.Settings
    settings = make(**{key: value for key, value in given.items() if value is not None})
    options: dict[str, Any] = {}
    if to is not None:
        if protocol not in ("unseen", "frames"):
            raise click.UsageError(f"--to is for unseen and frames, not for {protocol}.")
        options["to"] = to
    if parts is not None:
        if protocol != "ablations":
            raise click.UsageError(f"--parts is for ablations, not for {protocol}.")
        options["parts"] = _names(parts)
    if keep_ratios is not None:
        if protocol != "deployment":
            raise click.UsageError(f"--keep-ratios is for the deployment, not for {protocol}.")
        options["keep_ratios"] = _ratios(keep_ratios)
    report = benchmarks.PROTOCOLS[protocol](
        data,
        out,
        systems=_names(systems),
        settings=settings,
        progress=lambda line: click.echo(line, err=True),
        **options,
    )
    report.settings["command"] = _command()
    paths = report.save(out)
    click.echo(str(report))
    click.echo(f"report: {paths[-1]}", err=True)
    if report.failures:
        raise click.ClickException(
            f"{len(report.failures)} systems could not be measured, or not with every seed: "
            f"{', '.join(report.failures)}"
        )


_OF_RECORDS = ("num_frames", "frame_step", "image_size", "train_passes", "augment")
_OF_EMBEDDED = ("train_clips", "test_clips")


def _check_clips(embedded: set, records: set, given: dict[str, Any]) -> None:
    """Raises a UsageError for options that none of the data here has a use for."""
    for names, there, whose in (
        (_OF_RECORDS, records, "records, and --data is the embedded dataset"),
        (_OF_EMBEDDED, embedded, "the embedded dataset, and --data is records"),
    ):
        idle = [name for name in names if given[name] is not None]
        if idle and not there:
            option = "no-augment" if idle[0] == "augment" else idle[0].replace("_", "-")
            raise click.UsageError(f"--{option} is for clips of {whose}.")


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def _changes(texts: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    for text in texts:
        what, equals, value = text.partition("=")
        system, dot, setting = what.strip().partition(".")
        if not (equals and dot and system and setting):
            raise click.UsageError(
                f"--set needs SYSTEM.SETTING=VALUE, such as vita.pretraining=l1. Received: {text!r}"
            )
        try:
            parsed = json.loads(value)
        except ValueError:  # a word that needs no quotes
            parsed = value.strip()
        changes.setdefault(system, {})[setting] = parsed
    return changes


def _command() -> str:
    """What was typed, for the report."""
    context = click.get_current_context()
    words = ["stprivacy", "benchmark"]
    for param in context.command.params:
        value = context.params[param.name]
        if context.get_parameter_source(param.name) is not ParameterSource.COMMANDLINE:
            continue
        if isinstance(param, click.Argument):
            words.append(str(value))
        elif isinstance(param, click.Option) and param.is_flag:
            words.append(param.opts[0])
        else:
            given = value if param.multiple else (value,)
            for one in given:
                words += [max(param.opts, key=len), str(one)]
    return shlex.join(words)


def _ratios(text: str) -> tuple[float, ...]:
    try:
        ratios = tuple(float(ratio) for ratio in _names(text) or ())
    except ValueError:
        ratios = ()
    if not ratios:
        raise click.UsageError(f"--keep-ratios needs numbers joined by commas. Received: {text!r}")
    return ratios
