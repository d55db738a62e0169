"""The fast part of `make attack`: a real server with the shipped model, some hundred hostile requests, fuzzing."""

from random import Random

import pytest

from benchmarks.attack.faults import killed_workers, vanished_clients
from benchmarks.attack.fuzz import fuzz, read_options
from benchmarks.attack.mutator import mutated
from benchmarks.attack.raw_http import raw_http, tricks
from benchmarks.attack.report import Result, table
from benchmarks.attack.seeds import seeds
from benchmarks.attack.uploads import bombs, damaged_files, damaged_forms, fault_of
from benchmarks.attack.victim import Answer, Watched, memory_mib, post
from benchmarks.serving.process import ServerUnderTest
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.core.workers.pool import are_workers_possible

SEED = 11


@pytest.fixture(scope="module")
def server():
    server = ServerUnderTest()
    yield server
    server.stop()


def test_damaged_files_are_crops_or_errors_in_the_documented_words(server):
    result = damaged_files(server, 150, SEED)
    assert (result.tried, result.failed) == (150, [])


def test_damaged_forms_and_options_are_too(server):
    result = damaged_forms(server, 100, SEED)
    assert (result.tried, result.failed) == (100, [])


def test_bombs_are_refused_and_leave_no_memory_behind(server):
    before = memory_mib(server.pid)
    assert [fault for result in bombs(server) for fault in result.failed] == []
    assert memory_mib(server.pid) < before + 64


def test_raw_http_tricks_are_answered_or_closed(server):
    result = raw_http(server)
    assert result.tried == len(tricks()) >= 90
    assert result.failed == []


@pytest.mark.skipif(not are_workers_possible(), reason="photos are decoded on threads here")
def test_killed_workers_cost_their_own_photos(server):
    assert killed_workers(server, rounds=1).failed == []


def test_clients_that_vanish_cost_nothing(server):
    assert vanished_clients(server, 20).failed == []
    assert server.is_running


def test_what_reads_before_any_decoder_ends_in_nothing_or_a_named_error():
    assert fuzz(5.0, SEED) > 100


@pytest.mark.parametrize("text", ["\x1e\x1e1", "\x1d1\x1f", "\x852"])
def test_space_that_python_strips_and_numbers_do_not_know_is_stripped(text):
    """Found by the fuzzing: `top_k=%1e1` was an internal error."""
    read_options(text.encode())
    assert CropOptions.parse(text).top_k == int(text.strip())


def test_damage_is_drawn_from_its_number_alone():
    files = list(seeds().values())
    assert len(files) == 31
    assert mutated(files, Random(5)) == mutated(files, Random(5)) != mutated(files, Random(6))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(200, b'{"crops": [1]}', 0.1), None),
        (Answer(422, b'{"error": {"code": "broken_photo"}}', 0.1), None),
        (Answer(200, b'{"crops": []}', 0.1), "200 without crops"),
        (Answer(422, b'{"detail": "no"}', 0.1), "status 422 without an error"),
        (Answer(400, b"Bad Request", 0.1), "status 400 without JSON"),
        (Answer(500, b"{}", 0.1), "status 500"),
        (Answer(0, b"", 0.1), "status 0"),
    ],
)
def test_what_counts_as_a_fault(answer, fault):
    assert fault_of(answer) == fault


def test_the_table_has_a_line_for_each_attack():
    result = Result("an attack", seen=Watched(100.0, peak_mib=140.0, slowest_probe_s=0.02, photo_s=[0.1, 0.3]))
    result.note(0.5, "status 500")
    line = table([result]).splitlines()[-1]
    assert line == "| an attack | 1 | 1 | 0.50 s | 0.0 s | 140 MiB (+40) | 20 ms | 300 ms |"


def test_a_port_where_nobody_listens_is_a_fault():
    assert fault_of(post(1, b"")) == "status 0"
