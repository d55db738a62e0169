"""The comparison with peers: ratios are ours over theirs, and every target can be missed."""

import json
from dataclasses import replace

import pytest

from benchmarks.peers.answers import boxes_of
from benchmarks.peers.measure import Measured, Sample
from benchmarks.peers.registry import OURS, PEERS
from benchmarks.peers.report import EAGER, POOL, as_json, ratios, table, targets

SIZES = ("0.8 MP", "12 MP")
PEER_OF = {peer.name: peer for peer in PEERS}


def measured(peer, photos_per_s, p50_ms=20.0):
    sample = Sample(photos_per_s, 10.0, p50_ms, 40.0, 0)
    samples = {(size, clients): [sample] for size in SIZES for clients in (1, 32)}
    return Measured(peer, 0.5, 250.0, None, 0.0, dict.fromkeys(SIZES, 340.0), samples)


@pytest.fixture
def everyone():
    return [measured(OURS, 100.0), measured(PEER_OF[POOL], 50.0, 21.0), measured(PEER_OF[EAGER], 20.0, 60.0)]


def missed(everyone, has_bf16=True):
    return [target.promise for target in targets(everyone, SIZES, has_bf16) if not target.holds]


def test_a_service_that_keeps_every_promise_misses_none(everyone):
    assert missed(everyone) == []


@pytest.mark.parametrize(
    ("worse", "promise"),
    [
        ({"idle_mib": 301.0}, "idle"),
        ({"ready_s": 1.1}, "ready"),
        ({"loaded_mib": {"12 MP": 351.0}}, "loaded"),
    ],
)
def test_each_promise_about_the_process_can_be_missed(everyone, worse, promise):
    everyone[0] = replace(everyone[0], **worse)
    assert [text for text in missed(everyone) if promise in text]


def test_speed_and_latency_can_be_missed(everyone):
    slower = [measured(OURS, 51.0, 22.0), *everyone[1:]]
    assert {text.split(":")[0] for text in missed(slower)} == set(SIZES)
    assert any("p50" in text for text in missed(slower))


def test_ratio_is_ours_over_theirs_and_medians_are_of_rounds(everyone):
    everyone[1].samples["0.8 MP", 32] += [Sample(40.0, 1.0, 1.0, 1.0, 0), Sample(25.0, 1.0, 1.0, 1.0, 0)]
    assert everyone[1].median("0.8 MP", 32, "photos_per_s") == 40.0
    (row,) = [line for line in ratios(everyone, dict.fromkeys(SIZES, (32,))).splitlines() if POOL in line]
    assert row.split("|")[2].strip() == "2.50"


def test_table_and_json_hold_every_peer_and_every_sample(everyone):
    assert [line.split("|")[1].strip() for line in table(everyone, SIZES, 32).splitlines()[2:]] == [
        OURS.name, POOL, EAGER,
    ]  # fmt: skip
    assert [len(entry["samples"]) for entry in json.loads(as_json(everyone))] == [4, 4, 4]


def test_boxes_of_our_answer_and_of_a_peer_s_are_compared_alike():
    ours = {"crops": [{"box": {"x": 1, "y": 2, "width": 3, "height": 4}}]}
    assert boxes_of(json.dumps(ours).encode()) == boxes_of(b'{"boxes": [[1, 2, 4, 6]]}') == [[1, 2, 4, 6]]
