"""bfloat16 is chosen by what every core says of itself, and never guessed."""

import pytest

from vrn_cropper.model.cpu_flags import cpu_precision, has_native_bf16


def cpuinfo(tmp_path, *cores):
    path = tmp_path / "cpuinfo"
    path.write_text("".join(f"processor : {n}\nflags\t\t: fpu sse2 {flags}\n\n" for n, flags in enumerate(cores)))
    return path


@pytest.mark.parametrize("flag", ["amx_bf16 amx_tile", "avx512_bf16"])
def test_native_instructions_of_every_core_make_bf16_the_faster_one(tmp_path, flag):
    path = cpuinfo(tmp_path, flag, flag)
    assert has_native_bf16(path)
    assert cpu_precision("auto", path) == "bf16"
    assert cpu_precision("f32", path) == "f32"


@pytest.mark.parametrize("cores", [("avx2",), ("avx512f",), ("avx512_bf16", "avx2"), ()])
def test_without_them_auto_stays_with_f32(tmp_path, cores):
    path = cpuinfo(tmp_path, *cores)
    assert not has_native_bf16(path)
    assert cpu_precision("auto", path) == "f32"
    assert cpu_precision("bf16", path) == "bf16"


def test_system_without_cpuinfo_promises_nothing(tmp_path):
    assert not has_native_bf16(tmp_path / "missing")
