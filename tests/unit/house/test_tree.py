# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that hold for the tree as a whole."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tokenize
from pathlib import Path

import pytest
from collection_archive import build_collection

CHECKOUT = Path(__file__).resolve().parents[3]
LICENCE = "SPDX-License-Identifier: GPL-3.0-or-later"
LICENSED_SUFFIXES = {".py", ".yml", ".yaml", ".j2", ".sh"}
LONGEST_FILE = 400
PUBLISHED = {
    *("CHANGELOG.md", "CONTRIBUTING.md", "COPYING", "FILES.json", "MANIFEST.json", "README.md"),
    *("changelogs", "docs", "meta", "playbooks", "plugins", "roles"),
}
# Packages come from where the machine is set up to get them. The dots are apart so that this file passes its own test.
REGISTRIES = [
    ".".join(name)
    for name in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("galaxy", "ansible", "com"),
    )
]
NOT_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.STRING, tokenize.ENCODING, tokenize.ENDMARKER),
}


def files(*folders: str) -> list[Path]:
    """Return the files below these folders that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *folders]
    listed = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True).stdout
    paths = (CHECKOUT / os.fsdecode(name) for name in set(listed.split(b"\0")) if name)
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def relative(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def lines_of_code(path: Path) -> int:
    """Count the lines that hold more than comments, documentation and blanks."""
    with tokenize.open(path) as source:
        tokens = list(tokenize.generate_tokens(source.readline))
    return len(
        {line for token in tokens if token.type not in NOT_CODE for line in range(token.start[0], token.end[0] + 1)}
    )


def test_every_source_file_carries_its_licence() -> None:
    sources = [path for path in files() if path.suffix in LICENSED_SUFFIXES]
    assert sources
    without = [
        relative(path)
        for path in sources
        if not {"data", "fragments"} & set(path.parts) and path.name != "changelog.yaml"
        if LICENCE not in path.read_text(encoding="utf-8")[:600]
    ]
    assert not without


def test_no_file_names_a_package_registry() -> None:
    naming = [
        f"{relative(path)}: {host}"
        for path in files()
        for host in REGISTRIES
        if host.encode("ascii") in path.read_bytes()
    ]
    assert not naming


def test_no_file_is_too_long_to_be_read() -> None:
    code = [path for path in files("plugins", "tests", "molecule") if path.suffix == ".py"]
    assert code
    assert not {relative(path): count for path in code if (count := lines_of_code(path)) > LONGEST_FILE}


@pytest.mark.parametrize("words", ["run_command(", "import subprocess", "os.system", "os.popen"])
def test_only_the_runner_starts_processes(words: str) -> None:
    # A connection is a way to start processes.
    code = [path for path in files("plugins") if path.suffix == ".py" and path.parent.name != "connection"]
    starting = {path.name for path in code if words in path.read_text(encoding="utf-8")}
    assert starting <= {"_runner.py"}


def test_nothing_is_hidden_from_the_sanity_tests() -> None:
    assert not [relative(path) for path in files("tests/sanity") if path.read_text(encoding="utf-8").strip()]


def test_only_what_users_need_is_published(tmp_path: Path) -> None:
    with tarfile.open(build_collection(tmp_path)) as tar:
        published = {member.name.split("/")[0] for member in tar.getmembers()}
    assert published <= PUBLISHED
    assert {"COPYING", "MANIFEST.json", "meta", "playbooks", "plugins", "roles"} <= published


def test_every_decision_is_in_the_list_under_its_title() -> None:
    folder = CHECKOUT / "docs" / "decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    for record in sorted(folder.glob("[0-9]*.md")):
        number, title = record.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").split(": ", 1)
        assert record.name.startswith(f"{number}-")
        assert f"| [{number}]({record.name}) | {title} |\n" in listed
