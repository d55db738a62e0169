"""AMX is told by what every core says of itself, and never guessed."""

import pytest

from vrn_cropper.model.cpu_flags import has_amx_bf16


def cpuinfo(tmp_path, *cores):
    path = tmp_path / "cpuinfo"
    path.write_text("".join(f"processor : {n}\nflags\t\t: fpu sse2 {flags}\n\n" for n, flags in enumerate(cores)))
    return path


def test_amx_counts_where_every_core_has_it(tmp_path):
    assert has_amx_bf16(cpuinfo(tmp_path, "amx_bf16 amx_tile", "amx_bf16 amx_tile"))


@pytest.mark.parametrize("cores", [("avx2",), ("avx512_bf16",), ("amx_int8 amx_tile",), ("amx_bf16", "avx2"), ()])
def test_other_instructions_and_some_cores_do_not(tmp_path, cores):
    assert not has_amx_bf16(cpuinfo(tmp_path, *cores))


def test_system_without_cpuinfo_promises_nothing(tmp_path):
    assert not has_amx_bf16(tmp_path / "missing")
