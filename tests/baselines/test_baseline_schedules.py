"""Who is updated when, on which clips and at which rate."""

import collections

import numpy as np
import pytest
from tiny_systems import BRIGHT, ENSEMBLE, SHAPE, TRAIN, VALIDATION, tiny

pytestmark = pytest.mark.any_backend  # nothing is computed

# The order of updates ---------------------------------------------------------------------------


def test_the_loop_of_vita(updates, accuracies):
    """The transform network; it and the action network below the floor; the ensemble; restarts."""
    # 0.7 is not below the floor; one update helps; three are not enough, but two are the most.
    accuracies[0].extend([0.7, 0.69, 0.7, 0.1, 0.1, 0.1])
    system = tiny("vita", restart_every=2)
    history = system.fit(TRAIN)
    transform, action, both = ("transform",), ("action",), ("transform", "action")
    assert [update.players for update in updates] == [
        *[transform] * 2,  # to give back what it sees
        *[action] * 3,
        *[ENSEMBLE] * 4,
        *[transform, ENSEMBLE, ENSEMBLE],
        *[transform, both, ENSEMBLE, ENSEMBLE],
        *[ENSEMBLE] * 5,  # a restart
        *[transform, both, both, ENSEMBLE, ENSEMBLE],
    ]
    assert not accuracies[0] and len(accuracies[1]) == 6
    assert history["loop/monitor_updates"] == [0.0, 1.0, 2.0]
    assert history["loop/accuracy"] == [0.7, 0.7, 0.1]


@pytest.mark.parametrize(
    "settings, counts",
    [
        ({"privacy_updates": 5}, {("transform",): 5, ENSEMBLE: 4 + 3 * 5}),
        ({"privacy_updates": 0}, {ENSEMBLE: 4}),
        ({"steps": 7}, {("transform",): 2 + 7, ENSEMBLE: 4 + 7 * 2}),
        ({"steps": 7, "restart_every": 3}, {ENSEMBLE: 4 + 7 * 2 + 2 * 5}),
        ({"steps": 6, "restart_every": 3}, {ENSEMBLE: 4 + 6 * 2 + 5}),  # none when all is over
        ({"restart_every": 1, "restart_steps": 1}, {ENSEMBLE: 4 + 3 * 2 + 2}),
    ],
)
def test_settings_of_vita_count_updates(settings, counts, updates, accuracies):
    tiny("vita", **settings).fit(TRAIN)
    made = collections.Counter(update.players for update in updates)
    assert {players: made[players] for players in counts} == counts
    assert ("transform", "action") not in made  # nothing was below the floor


@pytest.mark.parametrize(
    "settings, monitored",
    [
        ({}, 0),
        ({"accuracy_floor": 0.8}, 0),
        ({"accuracy_floor": 0.9}, 3 * 2),
        ({"accuracy_floor": 0.9, "monitor_updates": 4}, 3 * 4),
        ({"accuracy_floor": 0.9, "monitor_updates": 0}, 0),
    ],
)
def test_the_floor_of_vita(settings, monitored, updates, accuracies):
    accuracies[0].extend([0.8] * 100)
    tiny("vita", **settings).fit(TRAIN)
    made = collections.Counter(update.players for update in updates)
    assert made["transform", "action"] == monitored


def test_rates_and_optimizers_of_vita(updates, accuracies):
    """A player keeps its moments through the loop, whichever turn it has."""
    accuracies[0].append(0.0)
    tiny("vita", steps=1).fit(TRAIN)
    stages = updates[0], updates[2], updates[5], updates[9], updates[10], updates[11]
    assert [stage.rates for stage in stages] == [
        {"transform": 0.5},
        {"action": 0.25},
        dict.fromkeys(ENSEMBLE, 0.25),
        {"transform": 0.125},
        {"transform": 0.125, "action": 0.0625},
        dict.fromkeys(ENSEMBLE, 0.03125),
    ]
    parts = [stage.turn.optimizer.parts for stage in stages]
    assert parts[3]["transform"] is parts[4]["transform"]
    networks = [dict(zip(s.turn.names, s.turn.networks, strict=True)) for s in stages]
    for name in ("transform", "action", *ENSEMBLE):  # one of each from the first stage to the last
        assert len({id(given[name]) for given in networks if name in given}) == 1


def test_the_alternation_of_spact(updates):
    """UNet alone, the others alone, then in turn, across epochs of an odd number of batches."""
    tiny("spact").fit(TRAIN)
    unet, others = ("anonymizer",), ("action", "privacy")
    assert [update.players for update in updates] == [
        *[unet] * 3,
        *[others] * 2 * 3,
        *[unet, others, unet],
        *[others, unet, others],
    ]
    warmup, opponents, minimax = updates[0], updates[3], updates[9]
    assert warmup.rates == {"anonymizer": 0.5} and minimax.rates == {"anonymizer": 0.25}
    assert opponents.rates == {"action": 0.25, "privacy": 0.25}
    assert opponents.turn.groups == (("action",), ("privacy",))  # each on a loss of its own
    assert opponents.turn is updates[10].turn and minimax.turn is updates[11].turn
    for update in updates:
        first, second = update.labels["pair"].T
        assert (first != second).all() and update.labels["pair"].max() < SHAPE[0]
    assert len({update.labels["pair"].tobytes() for update in updates}) > 1


def test_the_order_of_collective(updates):
    """The action network on raw clips first, frozen then."""
    tiny("collective").fit(TRAIN)
    assert [update.players for update in updates] == [("action",)] * 3 + [("transform",)] * 2 * 3
    first, then = updates[0].turn, updates[3].turn
    assert first.names == ("action",) and then.names == ("transform", "action")
    assert then.networks[1] is first.networks[0]
    assert (updates[0].rates, updates[3].rates) == ({"action": 0.5}, {"transform": 0.25})


# Validation -------------------------------------------------------------------------------------


def bright(clips):
    """Whether clips are those of validation; a batch is never of both."""
    share = float((clips >= BRIGHT / 255.0).mean())
    assert share in (0.0, 1.0)
    return share == 1.0


@pytest.mark.parametrize("batches", [False, True])
def test_vita_watches_validation_clips_and_trains_on_none(batches, updates, accuracies):
    accuracies[0].extend([0.0] * 100)
    counts = {"num_actions": 3, "num_attributes": 5}
    validation = [VALIDATION] if batches else VALIDATION
    tiny("vita", restart_every=2).fit(TRAIN, validation=validation, **counts)
    assert len(accuracies[1]) == 3 * 3 and all(bright(clips) for clips in accuracies[1])
    assert len(updates) == 29 and not any(bright(update.clips) for update in updates)
    del accuracies[1][:]
    tiny("vita").fit(TRAIN)
    assert accuracies[1] and not any(bright(clips) for clips in accuracies[1])


def test_accuracy_is_that_of_monitor_batches(updates, accuracies):
    accuracies[0].extend([1.0, 0.4, 0.4])  # a mean of 0.6; then 1
    history = tiny("vita", steps=1, monitor_batches=3).fit(TRAIN, validation=VALIDATION)
    assert len(accuracies[1]) == 6 and history["loop/monitor_updates"] == [1.0]
    three = np.concatenate(accuracies[1][:3])  # all six clips: an epoch in random order
    assert len(np.unique(three.reshape(6, -1), axis=0)) == 6


@pytest.mark.parametrize(
    "validation, message",
    [
        ((VALIDATION[0][:, :3], VALIDATION[1]), "validation"),
        ((VALIDATION[0], {**VALIDATION[1], "action": np.full(6, 7)}), "labels must be in 0..2"),
        ([], "validation is empty"),
        (iter([VALIDATION]), "validation is read several times"),
    ],
)
def test_validation_that_does_not_fit_is_said_before_anything_is_trained(
    validation, message, updates, accuracies
):
    with pytest.raises(ValueError, match=message):
        tiny("vita").fit(TRAIN, validation=validation)
    assert not updates


@pytest.mark.parametrize("name", ["spact", "collective"])
def test_others_take_validation_clips_and_look_at_none(name, updates):
    class Unread(list):
        def __iter__(self):
            raise AssertionError("it was read")
            yield

    tiny(name).fit(TRAIN, validation=Unread([VALIDATION]))
    assert updates
