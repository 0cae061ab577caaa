"""Captured machines: what the files that detection reads hold on boards of each kind.

Shortened to what the readers look at and a little around it; the layout, the units, the trailing
NUL of the device tree and the numbers are those of the real files.
"""

from __future__ import annotations

from pathlib import Path

Capture = dict[str, str]

A53 = "fp asimd evtstrm crc32 cpuid"
A72 = "fp asimd evtstrm crc32 cpuid"
A76 = (
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop "
    "asimddp"
)
A78AE = f"{A76} uscat ilrcpc flagm paca pacg"
N100 = (
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse "
    "sse2 ss ht syscall nx rdtscp lm constant_tsc pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 movbe "
    "popcnt aes xsave avx f16c rdrand lahf_lm abm bmi1 avx2 smep bmi2 rdseed adx clflushopt sha_ni "
    "avx_vnni gfni vaes vpclmulqdq"
)
ATOM = "fpu de pse tsc msr pae cx8 sep cmov mmx fxsr sse sse2 ht syscall nx lm pni ssse3 cx16 movbe"


def arm_cpuinfo(cores: int, features: str, part: str, model: str = "") -> str:
    """``/proc/cpuinfo`` of an ARM board with ``cores`` equal cores."""
    block = (
        "processor\t: {n}\nBogoMIPS\t: 108.00\n"
        f"Features\t: {features}\n"
        "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\n"
        f"CPU part\t: {part}\nCPU revision\t: 1\n\n"
    )
    tail = f"Revision\t: c04170\nSerial\t\t: 0\nModel\t\t: {model}\n" if model else ""
    return "".join(block.format(n=n) for n in range(cores)) + tail


def x86_cpuinfo(threads: int, cores: int, flags: str, name: str) -> str:
    """``/proc/cpuinfo`` of a PC with one socket."""
    return "".join(
        f"processor\t: {n}\nvendor_id\t: GenuineIntel\nmodel name\t: {name}\n"
        f"physical id\t: 0\nsiblings\t: {threads}\ncore id\t\t: {n % cores}\n"
        f"cpu cores\t: {cores}\nflags\t\t: {flags}\nbogomips\t: 1612.80\n\n"
        for n in range(threads)
    )


def meminfo(total_kb: int, available_kb: int, swap_kb: int = 0) -> str:
    """``/proc/meminfo``."""
    return (
        f"MemTotal:       {total_kb:8d} kB\nMemFree:        {available_kb // 2:8d} kB\n"
        f"MemAvailable:   {available_kb:8d} kB\nBuffers:           18112 kB\n"
        f"Cached:           140356 kB\nSwapTotal:      {swap_kb:8d} kB\n"
        f"SwapFree:       {swap_kb:8d} kB\nHugePages_Total:       0\n"
    )


ZERO_2: Capture = {
    "proc/device-tree/model": "Raspberry Pi Zero 2 W Rev 1.0\0",
    "proc/cpuinfo": arm_cpuinfo(4, A53, "0xd03", "Raspberry Pi Zero 2 W Rev 1.0"),
    "proc/meminfo": meminfo(437_748, 318_204, 437_744),
    "sys/class/thermal/thermal_zone0/temp": "47774\n",
    "proc/self/cgroup": "0::/user.slice/user-1000.slice/session-1.scope\n",
}
ZERO_2_WITHOUT_SWAP: Capture = ZERO_2 | {"proc/meminfo": meminfo(437_748, 318_204)}
PI_4: Capture = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.5\0",
    "proc/cpuinfo": arm_cpuinfo(4, A72, "0xd08", "Raspberry Pi 4 Model B Rev 1.5"),
    "proc/meminfo": meminfo(3_884_364, 3_401_128, 102_396),
    "sys/class/thermal/thermal_zone0/temp": "52095\n",
    "proc/self/cgroup": "0::/system.slice/edgebot.service\n",
}
PI_5: Capture = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/cpuinfo": arm_cpuinfo(4, A76, "0xd0b", "Raspberry Pi 5 Model B Rev 1.0"),
    "proc/meminfo": meminfo(8_256_176, 7_330_448, 204_784),
    "sys/class/thermal/thermal_zone0/temp": "56300\n",
    "sys/class/thermal/thermal_zone1/temp": "-256000\n",
}
PI_5_SMALL: Capture = PI_5 | {"proc/meminfo": meminfo(1_015_808, 700_000, 102_396)}
ORIN_NANO: Capture = {
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
    "proc/cpuinfo": arm_cpuinfo(6, A78AE, "0xd42"),
    "proc/meminfo": meminfo(7_802_468, 6_300_112, 3_901_216),
    "dev/nvhost-gpu": "",
    "dev/nvhost-ctrl": "",
    "etc/nv_tegra_release": "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref\n",
    "sys/class/thermal/thermal_zone0/temp": "48937\n",
    "sys/class/thermal/thermal_zone1/temp": "50281\n",
}
MINI_PC: Capture = {
    "sys/class/dmi/id/sys_vendor": "AZW\n",
    "sys/class/dmi/id/product_name": "MINI S\n",
    "proc/cpuinfo": x86_cpuinfo(4, 4, N100, "Intel(R) N100"),
    "proc/meminfo": meminfo(16_143_812, 14_630_012, 999_420),
    "sys/class/thermal/thermal_zone0/temp": "27800\n",
    "sys/class/thermal/thermal_zone1/temp": "41000\n",
}
WORKSTATION: Capture = {
    "proc/cpuinfo": x86_cpuinfo(16, 8, N100 + " avx512f", "AMD Ryzen 7 7700X 8-Core Processor"),
    "proc/meminfo": meminfo(32_768_000, 30_000_000),
    "dev/nvidia0": "",
    "dev/nvidiactl": "",
}
OLD_NETTOP: Capture = {
    "sys/class/dmi/id/product_name": "Eee Box\n",
    "proc/cpuinfo": x86_cpuinfo(4, 2, ATOM, "Intel(R) Atom(TM) CPU D525 @ 1.80GHz"),
    "proc/meminfo": meminfo(4_046_204, 3_500_000),
}
UNKNOWN_BOARD: Capture = {
    "proc/device-tree/model": "Radxa ROCK 5B\0",
    "proc/cpuinfo": (
        arm_cpuinfo(4, A76, "0xd05") + arm_cpuinfo(4, A76, "0xd0b").replace(": 0x1\n", ": 0x4\n")
    ),
    "proc/meminfo": meminfo(3_919_104, 3_500_000),
}
CONTAINER: Capture = MINI_PC | {
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/memory.max": f"{1024 << 20}\n",
    "sys/fs/cgroup/memory.current": f"{300 << 20}\n",
    "sys/fs/cgroup/memory.stat": f"anon {200 << 20}\ninactive_file {90 << 20}\nactive_file 4096\n",
    "sys/fs/cgroup/cpu.max": "150000 100000\n",
}
CONTAINER_V1: Capture = MINI_PC | {
    "proc/self/cgroup": "9:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2048 << 20}\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{512 << 20}\n",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
}
UNLIMITED_V1: Capture = MINI_PC | {
    "proc/self/cgroup": "9:memory:/\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
}
NOTHING: Capture = {}


def unpack(capture: Capture, root: Path) -> Path:
    """Write ``capture`` under ``root`` and return it."""
    for name, text in capture.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
