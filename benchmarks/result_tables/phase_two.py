"""Tables of what the options of the training do."""

from pathlib import Path

from result_tables.cells import cell, read


def gates(results: Path) -> str:
    """How far an initialization comes with each gate."""
    measured = read(results / "gates.json")
    settings = measured["settings"]
    lines = [
        f"`python benchmarks/gates.py`, {settings['backend']}, {settings['machine']}; "
        f"{settings['num_clips']} clips, {settings['epochs']} epochs.",
        "",
        "| gate | accuracy in training % | retained in training | accuracy in inference % | s |",
        "|---|---|---|---|---|",
    ]
    for row in measured["rows"]:
        retained = [v for k, v in row["training"].items() if k.startswith("retained_ratio")]
        lines.append(
            f"| {row['gate']} | {100 * row['training']['action_accuracy']:.1f} | "
            f"{' / '.join(f'{v:.2f}' for v in retained)} | "
            f"{100 * row['inference']['action_accuracy']:.1f} | {row['seconds']:.0f} |"
        )
    return "\n".join(lines)


def opponents(results: Path) -> str:
    """What two fresh attackers read from each variant of phase 2."""
    measured = read(results / "opponents_0.json")
    settings = measured["settings"]
    first = next(iter(measured["rows"].values()))["report"]
    names = first["attribute_names"]
    lines = [
        "`python benchmarks/opponents.py --variants ...`, with the names below, in quotes, "
        f"{settings['backend']}, {settings['machine']}; "
        f"{settings['num_clips']} training clips, validation clips attacked. Average precision, %: "
        "a transformer on clips / a dense network on decision masks.",
        "",
        f"| variant | action top-1 % | {' | '.join(names)} |",
        f"|---|---|{'---|' * len(names)}",
    ]

    def percent(row: dict, name: str) -> str:
        return f"{100 * row['attributes'][name]['ap']['value']:.0f}"

    for variant, result in measured["rows"].items():
        rows = {row["name"]: row for row in result["report"]["rows"]}
        clips, masks = rows["anonymized"], rows["anonymized/mask"]
        cells = [f"{percent(clips, name)} / {percent(masks, name)}" for name in names]
        top_1 = 100 * clips["scores"]["top_1"]["value"]
        lines.append(f"| {variant} | {top_1:.1f} | {' | '.join(cells)} |")
    chance = {row["name"]: row for row in first["rows"]}["chance"]
    lines.append(f"| chance | | {' | '.join(percent(chance, name) for name in names)} |")
    return "\n".join(lines)


def word_reader(results: Path) -> str:
    """The information price with and without a reader of words, for each seed."""
    names = {"information": "without", "information, word": "with"}
    lines = [
        "| seed | word reader | action top-1 % | cMAP % of clips | cMAP % of masks | chance |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted(results.glob("opponents_*.json")):
        measured = read(path)
        for variant, words in names.items():
            if variant not in measured["rows"]:
                continue
            rows = {row["name"]: row for row in measured["rows"][variant]["report"]["rows"]}
            clips, masks = rows["anonymized"]["scores"], rows["anonymized/mask"]["scores"]
            numbers = clips["top_1"], clips["cmap"], masks["cmap"], rows["chance"]["scores"]["cmap"]
            cells = [cell(number, 100.0, 1) for number in numbers]
            lines.append(f"| {measured['settings']['seed']} | {words} | {' | '.join(cells)} |")
    return "\n".join(lines)
