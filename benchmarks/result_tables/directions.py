"""What was tried to make the adversarial phase hide more, and what each did."""

from pathlib import Path

from result_tables.cells import difference, read

_NEGATED, _PRICED = "negated", "information"
# Direction, option, pairs of variants as `pairs_of_variants` has them; a word: of both, with it.
_PAIRS = (
    (
        "the attributes' base rates as the target, in place of the negated loss",
        '`privacy_objective="base_rate"`',
        ((_NEGATED, "negated, base_rate"), ("information, negated", _PRICED)),
    ),
    ("one half as the target", '`privacy_objective="uniform"`', "uniform"),
    ("the entropy of what is read", '`privacy_objective="entropy"`', "entropy"),
    ("two opponents", "a list of them", "two opponents"),
    ("restarts of the opponent", "`RestartPrivacyRecognizers`", "restarts"),
    ("these three together, and twice the weight", "", ((_NEGATED, "base_rate"),)),
    ("recognizers updated more often", "`recognizer_updates=2`", "two updates"),
    ("a larger weight of the opponent", "`privacy_weight`", ((_NEGATED, "negated, weight 2"),)),
    ("a weight of the opponent that rises from 0", "`PrivacySchedule`", "rising weight"),
    ("phase 2 twice as long", "`epochs`", "epochs x 2"),
    (
        "a learning rate that warms up and falls",
        "`WarmupCosine`",
        (("negated, constant rate", _NEGATED), ("information, constant rate", _PRICED)),
    ),
    (
        "no noise in phase 2",
        "`deterministic=True`",
        (
            (_NEGATED, "negated, deterministic"),
            ("base_rate", "deterministic"),
            ("information, noise", _PRICED),
        ),
    ),
    ("an opponent of masks", "`MaskRecognizer`", (("deterministic", "mask"),)),
    ("an opponent of single frames", "in `opponents.py`", "frames"),
    ("an opponent that rebuilds raw clips", "`reconstructor`", "reconstruction"),
    (
        "a price on information; one opponent in place of two, no restarts, a fourth of its weight",
        "`mask_information_weight`, `bits_information_weight`",
        (("deterministic", _PRICED),),
    ),
    (
        "a price that rises from 0",
        "`InformationSchedule`",
        (("information, full price", _PRICED),),
    ),
    ("the price without an opponent", "`privacy_weight=0`", ((_PRICED, "information alone"),)),
    ("a reader of words", "`word_weight`", ((_PRICED, "information, word"),)),
    (
        "8-bit pixels in training",
        "`eight_bit=True`",
        (("negated, no 8 bits", _NEGATED), ("information, no 8 bits", _PRICED)),
    ),
    (
        "few bits of a kept tubelet",
        "`bottleneck_bits=4`",
        (("negated, no bottleneck", _NEGATED), ("information, no bottleneck", _PRICED)),
    ),
    (
        "pixels in [0, 1]",
        '`output_activation="sigmoid"`',
        (("negated, no sigmoid", _NEGATED), ("information, no sigmoid", _PRICED)),
    ),
    (
        "dropped tubelets leave in training",
        "`remove_dropped=True`",
        (("negated, under masks", _NEGATED), ("information, under masks", _PRICED)),
    ),
)


def pairs_of_variants() -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Direction, option, and pairs of variants of `opponents.py`: without it and with it."""
    found = []
    for direction, option, pairs in _PAIRS:
        if isinstance(pairs, str):  # one change of both
            pairs = tuple((start, f"{start}, {pairs}") for start in (_NEGATED, _PRICED))
        found.append((direction, option, pairs))
    return found


def directions(results: Path) -> str:
    """Each direction, the option that takes it, and its effect where a results file has it."""
    runs = {
        name: {row["name"]: row["scores"] for row in run["report"]["rows"]}
        for name, run in read(results / "opponents_0.json")["rows"].items()
    }
    lines = ["| direction | option | effect |", "|---|---|---|"]
    for direction, option, pairs in pairs_of_variants():
        effects = [
            f"`{before}` → `{after}`: {_change(runs.get(before), runs.get(after))}"
            for before, after in pairs
        ]
        if not any(before in runs and after in runs for before, after in pairs):
            effects = ["not measured"]
        lines.append(f"| {direction} | {option} | {'; '.join(effects)} |")
    lines += [f"| {' | '.join(row)} |" for row in _elsewhere(results)]
    return "\n".join(lines)


def _change(before: dict | None, after: dict | None) -> str:
    """Points of top-1, and of cMAP of the attackers of clips and of masks."""
    if before is None or after is None:
        return "not measured"
    parts = []
    for heading, row, key in (
        ("top-1", "anonymized", "top_1"),
        ("clips", "anonymized", "cmap"),
        ("masks", "anonymized/mask", "cmap"),
    ):
        points = 100 * (after[row][key]["value"] - before[row][key]["value"])
        parts.append(f"{heading} {points:+.1f}")
    return ", ".join(parts)


def _elsewhere(results: Path) -> list[tuple[str, str, str]]:
    """What other programs measured."""
    known, sweep = (
        {row["id"]: row for row in read(results / f"benchmark_{name}.json")["rows"]}
        for name in ("known", "deployment")
    )
    inference = {
        row["gate"]: 100 * row["inference"]["action_accuracy"]
        for row in read(results / "gates.json")["rows"]
    }

    def phase_1(*pairs: tuple[str, str]) -> str:
        """Actions in inference after an initialization without something and with it."""
        effects = [f"{inference[before]:.1f} → {inference[after]:.1f} %" for before, after in pairs]
        return f"gates: actions in inference {', '.join(effects)}"

    softmax, top_k = "gumbel_softmax", "gumbel_top_k"
    of_paper = known["stprivacy"]["tests"]["stprivacy_paper"]
    single, dialled = (
        row["scores"]["leakage"]["value"]
        for row in (known["stprivacy"], sweep["stprivacy-keep-0.7"])
    )
    steps = {
        (row["backend"], row["rule"]): row["median_s"]
        for row in read(results / "step_time.json")["rows"]
    }
    gains = ", ".join(
        f"{backend} {steps[backend, 'alternating'] / seconds:.2f}"
        for (backend, rule), seconds in steps.items()
        if rule == "simultaneous"
    )
    return [
        (
            "one pass for all players",
            '`update_rule="simultaneous"`',
            f"step_time: times as many steps a second: {gains}",
        ),
        (
            "gates that begin more open",
            "`keep_bias=2`, not 0.5",
            phase_1((f"{softmax}, bias 0.5", softmax)),
        ),
        (
            "a gate of exact counts, with a fifth of the noise",
            '`gate="gumbel_top_k"`',
            phase_1((softmax, top_k)),
        ),
        (
            "a colder gate, a warmer one",
            "`temperature=0.5`, `2`",
            phase_1(*((softmax, f"{softmax}, temperature {t}") for t in ("0.5", "2"))),
        ),
        *(
            (
                direction,
                f"`{option}`",
                phase_1(*((f"{gate}, {without}", gate) for gate in (softmax, top_k))),
            )
            for direction, option, without in (
                (
                    "a ratio that falls late in phase 1, either gate",
                    "KeepRatioSchedule",
                    "final ratio",
                ),
                ("a rate that warms up and falls in phase 1", "WarmupCosine", "constant rate"),
            )
        ),
        (
            "one model for many ratios",
            "`keep_ratios`, `ratio_prices`",
            f"leakage at 0.7: {single:.2f} → {dialled:.2f}, against other attackers",
        ),
        (
            "all that `baselines.STPrivacy` has, beside eq. 13",
            "",
            f"systems_known: top-1 {difference(of_paper['top_1'], 100.0, 1)}, "
            f"leakage {difference(of_paper['leakage'])}",
        ),
    ]
