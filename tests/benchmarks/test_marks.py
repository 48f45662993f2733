"""The table of marks says no where a mark is missed, and yes where it is reached."""

import copy
import json

import pytest

pytestmark = pytest.mark.any_backend

# In the order of the table.
ASKED = (
    "action top-1",
    "leakage to the strongest attacker",
    "at most 0.20 of every attribute",
    "no other system",
    "nor eq. 13",
    "Sparsification alone weaker",
    "Anonymization alone weaker",
    "leakage never falls",
    "action top-1 % never falls",
)


def _number(*seeds):
    return {"value": sum(seeds) / len(seeds), "seeds": list(seeds)}


def _row(name, top_1, leakage, other=None, p=0.001):
    """A system whose differences to `other`, another row, all have this p-value."""
    row = {"id": name, "label": name.replace("_", " ").capitalize(), "kind": "system"}
    row["scores"] = {"top_1": _number(*top_1), "leakage": _number(*leakage)}
    row["attributes"] = {"hue": {"leakage": _number(*leakage)}, "lamp": {"leakage": _number(0, 0)}}
    row["curves"], row["tests"] = {}, {}
    if other is not None:
        row["tests"][other["id"]] = {
            key: {"value": row["scores"][key]["value"] - other["scores"][key]["value"], "p": p}
            for key in row["scores"]
        }
    return row


@pytest.fixture
def reached():
    """Reports in which every mark is reached, as `{name: content}`."""
    ours = _row("stprivacy", (0.9, 0.9), (0.01, 0.03))
    others = [
        _row("raw", (0.9, 0.8), (1.0, 1.0), ours),
        _row("vita", (0.95, 0.95), (0.8, 0.8), ours),
        _row("blacken", (0.5, 0.5), (0.0, 0.0), ours),  # hides more, and keeps less
        _row("stprivacy_paper", (0.8, 0.8), (0.5, 0.5), ours),
        _row("sparsification_alone", (0.8, 0.8), (0.6, 0.6), ours),
        _row("anonymization_alone", (0.88, 0.88), (0.3, 0.3), ours),
    ]
    floor = {"id": "chance", "label": "chance", "kind": "floor", "scores": {}, "curves": {}}
    sweep, before = [], None
    for ratio, top_1, leakage in ((0.3, 0.7, 0.1), (0.6, 0.8, 0.2), (0.9, 0.9, 0.3)):
        row = _row(f"keep-{ratio}", (top_1,), (leakage,), before)
        row["curves"] = {"keep ratio": ratio}
        if len(sweep) == 2:
            row["tests"].update(_row("", (top_1,), (leakage,), sweep[0])["tests"])
        sweep.append(before := row)
    # A sweep may stand in any order.
    return {
        "benchmark_known": {"rows": [ours, *others, floor]},
        "benchmark_deployment": {"rows": [floor, *sweep[::-1]]},
    }


def _verdicts(program, folder, reports):
    for name, content in reports.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    lines = program("make_tables").marks(folder).splitlines()[2:]
    assert len(lines) == len(ASKED)
    for line, asked in zip(lines, ASKED, strict=True):
        assert asked in line.split("|")[1], line
        assert line.endswith(("| yes |", "| **no** |"))
    return [line.endswith("| yes |") for line in lines], lines


def test_marks_that_are_reached_hold(program, tmp_path, reached):
    verdicts, lines = _verdicts(program, tmp_path, reached)
    assert all(verdicts), lines
    assert "| 1.06 x; seeds 1.00 / 1.12 |" in lines[0]
    assert "| 0.02; seeds 0.01 / 0.03 |" in lines[1]
    assert "most: hue 0.02; of one seed: hue 0.03" in lines[2]
    assert "none of 3; least leakage: Blacken, top-1 -40.0 (p < 0.01), leakage -0.02" in lines[3]
    assert "0.10 / 0.20 / 0.30; from end to end +0.20 (p < 0.01)" in lines[7]
    assert "70.0 / 80.0 / 90.0; from end to end +20.0 (p < 0.01)" in lines[8]


def _known(reports, name):
    return next(row for row in reports["benchmark_known"]["rows"] if row["id"] == name)


def _swept(reports, ratio):
    rows = reports["benchmark_deployment"]["rows"]
    return next(row for row in rows if row["id"] == f"keep-{ratio}")


def _scores(row, **scores):
    row["scores"].update({key: _number(*seeds) for key, seeds in scores.items()})


def _one_seed_of_few_actions(reports):
    _scores(_known(reports, "stprivacy"), top_1=(1.0, 0.75))  # 0.94 x; 1.03 x in the mean


def _mean_leakage(reports):
    _scores(_known(reports, "stprivacy"), leakage=(0.11, 0.1))


def _one_seed_leaks(reports):
    _scores(_known(reports, "stprivacy"), leakage=(-0.1, 0.15))


def _one_attribute_of_one_seed(reports):
    _known(reports, "stprivacy")["attributes"]["lamp"]["leakage"] = _number(-0.1, 0.21)


def _another_in_front(reports):
    _scores(_known(reports, "vita"), leakage=(0.02, 0.02))


def _another_on_the_point(reports):
    ours = _known(reports, "stprivacy")["scores"]
    _known(reports, "vita")["scores"] = copy.deepcopy(ours)


def _eq_13_in_front(reports):
    _scores(_known(reports, "stprivacy_paper"), top_1=(0.95, 0.95), leakage=(0.0, 0.0))


def _half_not_clearly_worse(reports, name="sparsification_alone"):
    for test in _known(reports, name)["tests"]["stprivacy"].values():
        test["p"] = 0.2


def _half_clearly_better_in_one(reports):
    test = _known(reports, "sparsification_alone")["tests"]["stprivacy"]["top_1"]
    test.update(value=0.02, p=0.01)


def _other_half(reports):
    _half_not_clearly_worse(reports, "anonymization_alone")


def _leakage_falls(reports):
    _scores(_swept(reports, 0.9), leakage=(0.19,))


def _action_falls_by_little(reports):
    _scores(_swept(reports, 0.6), top_1=(0.901,))


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        (_one_seed_of_few_actions, 0),
        (_mean_leakage, 1),
        (_one_seed_leaks, 1),
        (_one_attribute_of_one_seed, 2),
        (_another_in_front, 3),
        (_another_on_the_point, 3),
        (_eq_13_in_front, 4),
        (_half_not_clearly_worse, 5),
        (_half_clearly_better_in_one, 5),
        (_other_half, 6),
        (_leakage_falls, 7),
        (_action_falls_by_little, 8),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else str(value),
)
def test_a_missed_mark_is_a_no(program, tmp_path, reached, change, missed):
    change(reached)
    verdicts, lines = _verdicts(program, tmp_path, reached)
    assert not verdicts[missed], lines
    assert sum(verdicts) == len(ASKED) - 1, lines


def test_no_name_the_one_in_front_and_the_fall(program, tmp_path, reached):
    _another_in_front(reached)
    _leakage_falls(reached)
    _, lines = _verdicts(program, tmp_path, reached)
    assert "Vita: top-1 +5.0 (p < 0.01), leakage +0.78 (p < 0.01)" in lines[3]
    assert "falls from 0.6 to 0.9: +0.10 (p < 0.01)" in lines[7]  # the test as the report has it
