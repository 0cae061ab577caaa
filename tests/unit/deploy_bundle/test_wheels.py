"""Packages for another machine: looked at, pruned, never believed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgebot.core.errors import BundleError, UsageError
from edgebot.deploy import bundle_contents as contents
from edgebot.deploy import tools, wheels, wheels_llama
from edgebot.deploy.bundle_format import ARCHES, PYTHONS

CMAKE = """\
if (GGML_CPU_ALL_VARIANTS)
    ggml_add_cpu_backend_variant(x64)
    ggml_add_cpu_backend_variant(haswell  SSE42 AVX F16C FMA AVX2 BMI2)
    ggml_add_cpu_backend_variant(armv8.0_1)
    ggml_add_cpu_backend_variant(armv8.2_1    DOTPROD)
    ggml_add_cpu_backend_variant(armv9.2_1    DOTPROD SME)
endif()
"""


def elf(machine: int, text: bytes = b"") -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little") + bytes(44) + text


def test_only_the_levels_that_are_wanted_stay(tmp_path: Path) -> None:
    recipe = tmp_path / "CMakeLists.txt"
    recipe.write_text(CMAKE)
    wheels_llama.keep_levels(recipe, ("armv8.0_1", "armv8.2_1"))
    left = [line.strip() for line in recipe.read_text().splitlines() if "variant(" in line]
    assert left == [
        "ggml_add_cpu_backend_variant(armv8.0_1)",
        "ggml_add_cpu_backend_variant(armv8.2_1    DOTPROD)",
    ]
    assert recipe.read_text().endswith("endif()\n")


def test_a_level_that_is_not_there_is_said(tmp_path: Path) -> None:
    recipe = tmp_path / "CMakeLists.txt"
    recipe.write_text(CMAKE)
    with pytest.raises(BundleError, match=r"no level armv7"):
        wheels_llama.keep_levels(recipe, ("x64", "armv7"))
    assert recipe.read_text() == CMAKE


def test_the_same_build_is_the_same_wheel(tmp_path: Path) -> None:
    source, built = tmp_path / "source", tmp_path / "bin"
    (source / "llama_cpp").mkdir(parents=True)
    built.mkdir()
    (source / "llama_cpp" / "__init__.py").write_text("")
    (source / "llama_cpp" / "junk.o").write_text("")
    (source / "PKG-INFO").write_text("Name: llama_cpp_python\nVersion: 1\n")
    (source / "LICENSE.md").write_text("MIT")
    (built / "libllama.so").write_bytes(elf(183))
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made.append(wheels_llama._wheel(tmp_path / name, source, built, "1", "aarch64"))
    assert made[0].read_bytes() == made[1].read_bytes()
    assert made[0].name == "llama_cpp_python-1-py3-none-linux_aarch64.whl"
    with zipfile.ZipFile(made[0]) as archive:
        names = archive.namelist()
    assert "llama_cpp/lib/libllama.so" in names
    assert "llama_cpp/junk.o" not in names


def test_a_missing_compiler_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels_llama.shutil, "which", lambda name: None)
    monkeypatch.setattr(wheels_llama.platform, "machine", lambda: "x86_64")
    with pytest.raises(UsageError, match="cmake ninja-build gcc-aarch64-linux-gnu"):
        wheels_llama._compilers("aarch64")


def test_a_library_of_another_machine_is_found(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    library = tmp_path / "pkg" / "x.so"
    library.write_bytes(elf(183))
    wheels.check_machine(tmp_path, "aarch64")
    with pytest.raises(BundleError, match=r"pkg/x\.so is not for x86_64"):
        wheels.check_machine(tmp_path, "x86_64")


def test_the_oldest_c_library_follows_from_the_symbols(tmp_path: Path) -> None:
    assert wheels.needed_glibc(tmp_path) == "2.17"
    (tmp_path / "a.so").write_bytes(
        elf(183, b"\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.28\0GLIBC_PRIVATE\0")
    )
    assert wheels.needed_glibc(tmp_path) == "2.34"


def test_what_no_board_reads_is_left_out(tmp_path: Path) -> None:
    kept = ["a/x.py", "a/testing/y.py", "a-1.dist-info/METADATA", "a-1.dist-info/RECORD", "a/bin/z"]
    gone = ["a/tests/t.py", "bin/tool", "a/x.pyi", "a/include/h.h", "a-1.dist-info/INSTALLER"]
    for name in kept + gone:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    wheels.prune(tmp_path)
    left = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert left == sorted(kept)


def test_features_are_those_compilers_use(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nflags\t\t: fpu avx2 amx_int8 hypervisor\n")
    assert wheels.features(info) == ("amx_int8", "avx2")
    info.write_text("Features : asimd\n")
    assert wheels.features(info) == ()


def test_bytecode_is_made_for_this_python_only_and_the_same_each_time(tmp_path: Path) -> None:
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    compiled = []
    for name in ("a", "b"):
        site = tmp_path / name
        site.mkdir()
        (site / "m.py").write_text(
            "NAMES = {'a', 'b', 'c'}\ndef f(x): return x in {'p', 'q', 'r'}\n"
        )
        (site / "template.py").write_text("{{ no python }}")
        assert not wheels.compile_bytecode(site, "3.99")
        assert wheels.compile_bytecode(site, this)
        compiled.append(next(site.glob("__pycache__/m.*.pyc")).read_bytes())
    assert compiled[0] == compiled[1]
    assert str(tmp_path).encode() not in compiled[0]


def test_a_tool_that_fails_says_its_last_words() -> None:
    lines: list[str] = []
    script = "import sys; print('so far'); print('and then', file=sys.stderr); sys.exit(3)"
    with pytest.raises(BundleError, match=r"(?s)so far.*and then"):
        tools.run_tool([sys.executable, "-u", "-c", script], lines.append)
    assert lines == ["so far\n", "and then\n"]
    with pytest.raises(BundleError, match="not on this machine"):
        tools.run_tool(["no-such-program-anywhere"])


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("arch", ARCHES)
def test_every_package_has_a_wheel_for_every_board(tmp_path: Path, arch: str, python: str) -> None:
    """Asks the package index about names and files, and fetches none of them."""
    command = wheels.install_command(tmp_path, contents.lock_file(), arch, python)
    asked = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
    assert not [path for path in tmp_path.iterdir() if path.name != ".lock"]


def test_llama_has_one_wheel_for_all_pythons(tmp_path: Path) -> None:
    for arch in ARCHES:
        shelf = wheels_llama._shelf(tmp_path, "1.0", arch)
        source = tmp_path / "source"
        (source / "llama_cpp").mkdir(parents=True, exist_ok=True)
        for name in ("PKG-INFO", "LICENSE.md", "llama_cpp/__init__.py"):
            (source / name).write_text("x")
        shelf.mkdir(parents=True)
        made = wheels_llama._wheel(shelf, source, tmp_path / "no libraries", "1.0", arch)
        assert made.name.endswith(f"-py3-none-linux_{arch}.whl")
