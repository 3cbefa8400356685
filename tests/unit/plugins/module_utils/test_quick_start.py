# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module imports out of Ansible's archive is read and compiled once, and by root not again in the next runs."""

from __future__ import annotations

import os
import subprocess
import sys
import types
import typing as t
import zipfile
from pathlib import Path

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _quick_start
from ansible_collections.nephoran.container_build.plugins.module_utils._quick_start import kept

# Python tells an audit hook of each source that it compiles, and of each file that it opens.
COUNT = """
import sys
compiled, opened = [], []
def hook(event, args):
    if event == "compile":
        compiled.append(str(args[1]))
    if event == "open":
        opened.append(str(args[0]))
sys.addaudithook(hook)
sys.path.insert(0, sys.argv[1])
import once
opened.clear()
import package.first, package.second
print(opened.count(sys.argv[1]))
for path in compiled:
    if path.startswith(sys.argv[1]):
        print(path[len(sys.argv[1]) + 1:])
print(package.first.NAME, package.second.NAME)
print(package.first.where.__code__.co_filename)
"""
FILES = ["package/__init__.py", "package/first.py", "package/second.py"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where compiled files are kept; like the one around it, it is not there yet."""
    return tmp_path / "run" / "compiled"


class Archive:
    """An archive such as Ansible sends, whose modules keep what they compile in *folder*."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        quick_start = Path(_quick_start.__file__).read_text(encoding="utf-8")
        with zipfile.ZipFile(path, "w") as payload:
            payload.writestr("once.py", quick_start.replace(_quick_start.FOLDER, str(folder)))
            payload.writestr("package/__init__.py", "")
            # Two files of which the second is imported while the first runs, and once more after it.
            payload.writestr(
                "package/first.py", "import package.second\nNAME = __name__\ndef where():\n    return where\n"
            )
            payload.writestr("package/second.py", "NAME = __name__\n")

    def run(self, *words: str) -> list[str]:
        """Import what is in it, and return which of the files were compiled for that."""
        answer = subprocess.run(
            [sys.executable, "-I", *words, "-c", COUNT, self.path], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        reads, *compiled, names, where = answer
        assert int(reads) == len(FILES)
        assert names == "package.first package.second"
        assert where == f"{self.path}/package/first.py"
        return [name for name in compiled if name != "once.py"]


def test_each_file_is_compiled_once_and_is_itself(tmp_path: Path, folder: Path) -> None:
    assert Archive(tmp_path / "payload.zip", folder).run("-B") == FILES
    # Python was told to leave no compiled files.
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="what others than root compile is not kept")
def test_root_compiles_no_file_twice(tmp_path: Path, folder: Path) -> None:
    assert Archive(tmp_path / "first.zip", folder).run() == FILES
    # Ansible sends each module to a path of its own.
    assert Archive(tmp_path / "second.zip", folder).run() == []
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


class Compiler:
    """Compiles, and keeps account of it."""

    def __init__(self) -> None:
        self.compiled: list[str] = []

    def __call__(self, path: str, source: bytes) -> types.CodeType:
        self.compiled.append(path)
        return compile(source, path, "exec", dont_inherit=True)


def value(code: types.CodeType) -> t.Any:
    """Return what the code calls VALUE."""
    names: dict[str, t.Any] = {}
    types.FunctionType(code, names)()
    return names["VALUE"]


def test_no_folder_is_made_for_nothing(folder: Path) -> None:
    kept(Compiler(), str(folder))
    assert not folder.parent.exists()


def test_another_source_is_another_file(folder: Path) -> None:
    compiler = Compiler()
    assert value(kept(compiler, str(folder))("a.py", b"VALUE = 1")) == 1
    assert value(kept(compiler, str(folder))("a.py", b"VALUE = 2")) == 2
    assert value(kept(compiler, str(folder))("b.py", b"VALUE = 1")) == 1
    assert compiler.compiled == ["a.py", "a.py"]


@pytest.mark.parametrize("change", ["magic", "optimize"])
def test_another_python_reads_other_files(folder: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = Compiler()
    kept(compiler, str(folder))("a.py", b"VALUE = 1")
    if change == "magic":
        monkeypatch.setattr(_quick_start, "MAGIC_NUMBER", b"none")
    else:
        monkeypatch.setattr(sys, "flags", types.SimpleNamespace(optimize=2))
    kept(compiler, str(folder))("a.py", b"VALUE = 1")
    assert compiler.compiled == ["a.py", "a.py"]


@pytest.mark.parametrize("content", [b"", b"\xe3", b"N", b"x" * 100], ids=["empty", "cut", "no code", "noise"])
def test_a_damaged_file_is_made_anew(folder: Path, content: bytes) -> None:
    compiler = Compiler()
    kept(compiler, str(folder))("a.py", b"VALUE = 1")
    (path,) = folder.iterdir()
    path.write_bytes(content)
    assert value(kept(compiler, str(folder))("a.py", b"VALUE = 1")) == 1
    assert value(kept(compiler, str(folder))("a.py", b"VALUE = 1")) == 1
    assert compiler.compiled == ["a.py", "a.py"]


@pytest.mark.parametrize("outer", [False, True])
def test_a_folder_that_others_can_write_to_is_left_alone(folder: Path, outer: bool) -> None:
    folder.mkdir(parents=True)
    (folder.parent if outer else folder).chmod(0o777)
    compiler = Compiler()
    kept(compiler, str(folder))("a.py", b"VALUE = 1")
    assert compiler.compiled == ["a.py"]
    assert not list(folder.iterdir())


@pytest.mark.parametrize("stands", ["link", "file", "link to a folder"])
def test_nothing_is_followed_that_stands_in_its_place(tmp_path: Path, folder: Path, stands: str) -> None:
    folder.parent.mkdir(0o700)
    elsewhere = tmp_path / "elsewhere"
    if stands == "file":
        folder.write_text("")
    else:
        folder.symlink_to(elsewhere)
    if stands == "link to a folder":
        elsewhere.mkdir(0o700)
    assert value(kept(Compiler(), str(folder))("a.py", b"VALUE = 1")) == 1
    assert not elsewhere.exists() or not list(elsewhere.iterdir())


def test_where_there_is_no_room_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_source: str, _destination: str) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    compile_or_find = kept(Compiler(), str(folder))
    monkeypatch.setattr(os, "rename", full)
    assert value(compile_or_find("a.py", b"VALUE = 1")) == 1
    assert not list(folder.iterdir())
