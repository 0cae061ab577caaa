"""Which processors llama.cpp must not use its fastest layout of weights on."""

from __future__ import annotations

from pathlib import Path

from edgebot.nlg.llama_native import has_tiles


def cpuinfo(folder: Path, flags: str) -> Path:
    file = folder / "cpuinfo"
    file.write_text(f"processor\t: 0\nmodel name\t: Some\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
    return file


def test_tiles_are_found_among_the_flags(tmp_path: Path) -> None:
    assert has_tiles(cpuinfo(tmp_path, "fpu avx2 amx_bf16 amx_tile amx_int8"))


def test_other_processors_have_none(tmp_path: Path) -> None:
    assert not has_tiles(cpuinfo(tmp_path, "fpu avx2 avx512f"))
    assert not has_tiles(tmp_path / "absent")
