"""Two reports are compared number by number."""

import copy
import json

import pytest

pytestmark = pytest.mark.any_backend


@pytest.fixture(scope="module")
def repeat(program):
    return program("repeat")


@pytest.fixture(scope="module")
def kept(repeat):
    return json.loads((repeat.RESULTS / "benchmark_quick.json").read_text())


def test_a_report_is_as_itself(repeat, kept):
    systems = repeat.compared(kept, kept)
    assert list(systems) == [row["id"] for row in kept["rows"] if row["kind"] == "system"]
    for one in systems.values():
        assert one["largest"] == 0.0 and one["seeds"] == 1 and one["numbers"] > 15


@pytest.mark.parametrize("place", ["scores", "attributes", "attackers"])
def test_a_number_that_differs_is_found(repeat, kept, place):
    again = copy.deepcopy(kept)
    row = next(row for row in again["rows"] if row["id"] == "stprivacy")
    own = row[place] if place == "scores" else next(iter(row[place].values()))
    own["auroc"]["seeds"][0] += 0.25
    systems = repeat.compared(again, kept)
    assert systems.pop("stprivacy")["largest"] == pytest.approx(0.25)
    assert {one["largest"] for one in systems.values()} == {0.0}


def test_an_older_report_says_less(repeat, kept):
    data = kept["settings"]["data"]
    newer = {**kept["settings"], "more": 1, "data": {**data, "version": 7}}
    assert repeat.compared({**kept, "settings": newer}, kept)
    with pytest.raises(SystemExit, match="differ in the setting data"):
        repeat.compared(kept, {**kept, "settings": newer | {"more": None}})


def test_what_cannot_be_compared_is_refused(repeat, kept):
    for changed, message in (
        ({"protocol": "unseen"}, "differ in protocol: unseen and known"),
        ({"settings": {**kept["settings"], "epochs": 9}}, "differ in the setting epochs: 9 and 3"),
        ({"rows": []}, "no system in common"),
    ):
        with pytest.raises(SystemExit, match=message):
            repeat.compared({**kept, **changed}, kept)
