# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module imports out of Ansible's archive is compiled once."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from ansible_collections.nephoran.container_build.plugins.module_utils import _compile_once

# Python tells an audit hook of each source that it compiles.
COUNT = """
import sys
compiled = []
sys.addaudithook(lambda event, args: compiled.append(str(args[1])) if event == "compile" else None)
sys.path.insert(0, sys.argv[1])
import once
import package.first, package.second
for path in compiled:
    if path.startswith(sys.argv[1]):
        print(path[len(sys.argv[1]) + 1:])
print(package.first.NAME, package.second.NAME)
"""


def test_each_file_is_compiled_once_and_is_itself(tmp_path: Path) -> None:
    archive = tmp_path / "payload.zip"
    with zipfile.ZipFile(archive, "w") as payload:
        payload.writestr("once.py", Path(_compile_once.__file__).read_text(encoding="utf-8"))
        payload.writestr("package/__init__.py", "")
        # Two files of the same text, of which the second is imported while the first runs, and once more after it.
        payload.writestr("package/first.py", "import package.second\nNAME = __name__\n")
        payload.writestr("package/second.py", "NAME = __name__\n")
    answer = subprocess.run(
        [sys.executable, "-I", "-c", COUNT, archive], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    *compiled, names = answer
    assert names == "package.first package.second"
    assert compiled[compiled.index("package/__init__.py") :] == [
        "package/__init__.py",
        "package/first.py",
        "package/second.py",
    ]
