# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms of images: ``os/architecture/variant``.

Source: github.com/containerd/platforms v1.0.0-rc.2 (``platforms.go``, ``database.go``, ``compare.go``,
``cpuinfo_linux.go``), which containerd 2.2.1 and BuildKit 0.26.3 use. Windows' rules for comparing build numbers and
``os.features`` are left out: a node of this collection runs Linux.
"""

from __future__ import annotations

import pathlib
import platform as machine_platform
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

T = t.TypeVar("T")

_OS_AND_VERSION = r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?"
_COMPONENT = r"[A-Za-z0-9_.-]+"
_CPUINFO = pathlib.Path("/proc/cpuinfo")

# fmt: off
_KNOWN_OS = frozenset((
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd",
    "openbsd", "plan9", "solaris", "windows", "zos",
))
# fmt: on
# fmt: off
_KNOWN_ARCHITECTURES = frozenset((
    "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le", "loong64", "mips", "mipsle",
    "mips64", "mips64le", "mips64p32", "mips64p32le", "ppc", "riscv", "riscv64", "s390", "s390x", "sparc",
    "sparc64", "wasm",
))
# fmt: on
_GO_NAMES_OF_MACHINES: t.Mapping[str, str] = {
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "aarch64_be": "arm64be",
    "loongarch64": "loong64",
}
_ALIASES: t.Mapping[str, str] = {
    "i386": "386",
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm",
}
_VARIANT_OF_ALIAS: t.Mapping[str, str] = {"i386": "", "armhf": "v7", "armel": "v6"}
_VARIANT_ALIASES: t.Mapping[str, t.Mapping[str, str]] = {
    "amd64": {"v1": ""},
    "arm64": {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"},
    "arm": {"": "v7", "5": "v5", "6": "v6", "7": "v7", "8": "v8"},
}
_CPU_VARIANTS: t.Mapping[str, str] = {
    "8": "v8",
    "aarch64": "v8",
    "7": "v7",
    "7m": "v7",
    **{f"?({number})": "v7" for number in range(12, 18)},
    "6": "v6",
    "6tej": "v6",
    "5": "v5",
    "5t": "v5",
    "5te": "v5",
    "5tej": "v5",
    "4": "v4",
    "4t": "v4",
    "3": "v3",
}
_ARM64_MINORS_OF_V8 = 9
_ARM64_MINORS_OF_V9 = 7
_ARM64_V8_MINOR_OF_V9 = 5
"""Armv9.x implements what Armv8.(x+5) does."""


class Platform(t.NamedTuple):
    """An operating system on an architecture, with an optional variant and version of the system."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    @classmethod
    def parse(cls, specifier: str, node: Platform | None = None) -> Platform:
        """Parse ``os/arch[/variant]``, ``os`` or ``arch``, in any of their spellings, and normalise it.

        A part that is left out is taken from *node* (default: the machine this runs on).

        Raises:
            InvalidInput: *specifier* has another form, or is a single word that is neither a known operating system
                nor a known architecture.
        """
        first, *rest = specifier.split("/")
        system = re.fullmatch(_OS_AND_VERSION, first)
        if system is None or len(rest) > 2 or not all(re.fullmatch(_COMPONENT, part) for part in rest):
            raise _not_a_platform(specifier)
        os, os_version = _normalize_os(system[1]), system[2] or ""
        if rest:
            return cls(os, rest[0], rest[1] if len(rest) == 2 else "", os_version).normalized()
        node = node or Platform.host()
        if os in _KNOWN_OS:
            return cls(os, node.architecture, node.variant if node.architecture == "arm" else "", os_version)
        architecture, variant = _normalize_architecture(first, "")
        if architecture not in _KNOWN_ARCHITECTURES:
            raise _not_a_platform(specifier)
        return cls(node.os, architecture, variant)

    @classmethod
    def host(cls, machine: str | None = None, cpuinfo: pathlib.Path = _CPUINFO) -> Platform:
        """Return the platform of this machine.

        Args:
            machine: the machine's name as ``uname -m`` gives it; default: this one's.
            cpuinfo: where the kernel tells the variant of an ARM processor.
        """
        machine = machine_platform.machine() if machine is None else machine
        name = _GO_NAMES_OF_MACHINES.get(machine.lower(), machine.lower())
        if name.startswith("armv"):
            return cls("linux", "arm", _arm_variant(name, cpuinfo)).normalized()
        return cls("linux", name).normalized()

    @classmethod
    def from_document(cls, document: t.Mapping[str, t.Any]) -> Platform:
        """Return the platform that the ``platform`` object of a descriptor, or an image's config, states."""
        return cls(
            _text(document, "os"),
            _text(document, "architecture"),
            _text(document, "variant"),
            _text(document, "os.version"),
        )

    def to_document(self) -> dict[str, str]:
        """Return the ``platform`` object of a descriptor."""
        document = {"architecture": self.architecture, "os": self.os}
        if self.os_version:
            document["os.version"] = self.os_version
        if self.variant:
            document["variant"] = self.variant
        return document

    def normalized(self) -> Platform:
        """Return this platform in its one spelling: ``x86_64`` is amd64, ``arm64/v8`` arm64, ``armhf`` arm/v7."""
        architecture, variant = _normalize_architecture(self.architecture, self.variant)
        return Platform(_normalize_os(self.os), architecture, variant, self.os_version)

    def matches(self, other: Platform) -> bool:
        """Tell whether *other* is the same platform, whatever its spelling; versions of the system are not compared."""
        mine, others = self.normalized(), other.normalized()
        return (mine.os, mine.architecture, mine.variant) == (others.os, others.architecture, others.variant)

    def runs(self) -> list[Platform]:
        """Return the platforms whose images this platform runs, the best first.

        Source: ``platformVector`` in ``compare.go``: a lower variant is a substitute for a higher one, 386 for amd64,
        and arm for arm64.
        """
        return _RUNS.get(self.normalized().architecture, _runs_itself)(self.normalized())

    def best_match(
        self, candidates: t.Iterable[T], platform_of: t.Callable[[T], Platform], *, strict: bool = False
    ) -> T | None:
        """Return the candidate that fits this platform best, the first of equals, or ``None``.

        Args:
            candidates: what to choose from.
            platform_of: gives a candidate's platform.
            strict: take no substitute (containerd's ``OnlyStrict`` in place of ``Only``).
        """
        listed = list(candidates)
        for wanted in [self.normalized()] if strict else self.runs():
            for candidate in listed:
                if wanted.matches(platform_of(candidate)):
                    return candidate
        return None

    def format(self) -> str:
        """Return ``os/architecture[/variant]``, as every tool's ``--platform`` takes it."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def __str__(self) -> str:
        return self.format()


def _not_a_platform(specifier: str) -> InvalidInput:
    return InvalidInput(
        "Not a valid platform",
        subject=repr(specifier[:80]),
        expected="os/architecture[/variant], such as linux/amd64, linux/arm64 or linux/arm/v7",
    )


def _text(document: t.Mapping[str, t.Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _normalize_os(os: str) -> str:
    os = os.lower() or "linux"
    return "darwin" if os == "macos" else os


def _normalize_architecture(architecture: str, variant: str) -> tuple[str, str]:
    given, variant = architecture.lower(), variant.lower()
    architecture = _ALIASES.get(given, given)
    variant = _VARIANT_OF_ALIAS.get(given, variant)
    return architecture, _VARIANT_ALIASES.get(architecture, {}).get(variant, variant)


def _number(variant: str) -> int:
    digits = variant.removeprefix("v")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _with(platform: Platform, architecture: str, variant: str = "") -> Platform:
    return platform._replace(architecture=architecture, variant=variant).normalized()


def _runs_itself(platform: Platform) -> list[Platform]:
    return [platform]


def _run_by_amd64(platform: Platform) -> list[Platform]:
    lower = range(_number(platform.variant) - 1, 0, -1)
    return [platform, *(_with(platform, "amd64", f"v{number}") for number in lower), _with(platform, "386")]


def _run_by_arm(platform: Platform) -> list[Platform]:
    lower = range(_number(platform.variant) - 1, 4, -1)
    return [platform, *(_with(platform, "arm", f"v{number}") for number in lower)]


def _run_by_arm64(platform: Platform) -> list[Platform]:
    version = _arm64_version(platform.variant or "v8")
    if version is None:
        return []
    major, minor = version
    versions = [(major, number) for number in range(minor, -1, -1)]
    if major == 9:
        versions += [(8, number) for number in range(minor + _ARM64_V8_MINOR_OF_V9, -1, -1)]
    found = [_with(platform, "arm64", f"v{major}.{minor}" if minor else f"v{major}") for major, minor in versions]
    return [*found, *_run_by_arm(_with(platform, "arm", "v8"))]


_RUNS: t.Mapping[str, t.Callable[[Platform], list[Platform]]] = {
    "amd64": _run_by_amd64,
    "arm": _run_by_arm,
    "arm64": _run_by_arm64,
}


def _arm64_version(variant: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"v([89])(?:\.([0-9]))?", variant)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2] or 0)
    return (major, minor) if minor <= (_ARM64_MINORS_OF_V8 if major == 8 else _ARM64_MINORS_OF_V9) else None


def _arm_variant(machine: str, cpuinfo: pathlib.Path) -> str:
    """Return the variant of an ARM processor that runs in 32 bits."""
    fields = _first_processor(cpuinfo)
    told = fields.get("cpu architecture", machine[len("armv") : len("armv") + 1])
    # The kernel reports "7" on a Raspberry Pi of the first generation, whose model name tells the truth.
    if told == "7" and fields.get("model name", "").startswith("armv6-compatible"):
        told = "6"
    return _CPU_VARIANTS.get(told, "unknown")


def _first_processor(cpuinfo: pathlib.Path) -> dict[str, str]:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        # /proc may be masked; the machine's name then tells the variant.
        return {}
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip().lower())
    return fields
