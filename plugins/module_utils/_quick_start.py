# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a module begin and end sooner. Modules import it before the rest of ours (docs/decisions/0052).

A module and what it imports come to the node as an archive of sources, which Python compiles anew at each run, and each
of them twice: `zipimport` reads and compiles a file to learn its name, throws that away, and does it again to run it
(https://github.com/python/cpython/issues/141276). Here what came of a file is kept: for the second request, which
follows at once, and where root runs the module what came of its source also for the runs to come, until the node starts
anew.

Nothing of ours is imported here: it would be compiled before this works.
"""

from __future__ import annotations

import _imp
import atexit
import contextlib
import functools
import gc
import hashlib
import marshal
import os
import stat
import sys
import types
import typing as t
import zipimport
from importlib.util import MAGIC_NUMBER

# Not public names: where a Python has one of them not, nothing is kept, and nothing lost.
_get_module_code: t.Any = getattr(zipimport, "_get_module_code", None)
_compile_source: t.Any = getattr(zipimport, "_compile_source", None)
_fix_co_filename: t.Any = getattr(_imp, "_fix_co_filename", None)

# Emptied at boot. Nobody but root may look into it, as into the folder around it.
FOLDER = "/run/nephoran-container-build/compiled"

Compile = t.Callable[[str, bytes], types.CodeType]


def kept(compile_source: Compile, folder: str) -> Compile:
    """Return a *compile_source* that looks into *folder* first, and leaves there what it had to compile.

    A folder that another user could have written to is not used. What is found in it was made of the very same bytes
    by a Python that reads the same code.

    Args:
        compile_source: takes a file's path and its source.
        folder: made if it is missing, but not before there is something to compile.
    """

    @functools.lru_cache(maxsize=1)
    def is_usable() -> bool:
        return _is_ours_alone(folder)

    def compile_or_find(path: str, source: bytes) -> types.CodeType:
        if not is_usable():
            return compile_source(path, source)
        place = os.path.join(folder, _key(source))
        with contextlib.suppress(OSError, ValueError, EOFError, TypeError), open(place, "rb", buffering=0) as file:
            # Read whole first: marshal.load asks a file for each number and each name.
            code = marshal.loads(file.read())  # noqa: S302 - nobody else could have written it
            _fix_co_filename(code, path)
            return t.cast("types.CodeType", code)
        code = compile_source(path, source)
        # Without it, the next run compiles once more.
        with contextlib.suppress(OSError):
            _write(place, marshal.dumps(code))
        return code

    return compile_or_find


def _key(source: bytes) -> str:
    python = b"%s %d " % (MAGIC_NUMBER, sys.flags.optimize)
    return hashlib.sha256(python + source).hexdigest()


def _is_ours_alone(folder: str) -> bool:
    try:
        # Not with makedirs, which others could look into the outer one of.
        for each in (os.path.dirname(folder), folder):
            with contextlib.suppress(FileExistsError):
                os.mkdir(each, 0o700)
            found = os.lstat(each)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
                return False
    except OSError:
        return False
    return True


def _write(place: str, data: bytes) -> None:
    temporary = f"{place}.{os.getpid()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
        os.rename(temporary, place)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _install() -> None:
    if _get_module_code is None or _compile_source is None or hasattr(_get_module_code, "cache_info"):
        return
    # Whoever wants no compiled files has said so to Python (PYTHONDONTWRITEBYTECODE).
    if os.geteuid() == 0 and _fix_co_filename is not None and not sys.dont_write_bytecode:
        zipimport._compile_source = kept(_compile_source, FOLDER)  # type: ignore[attr-defined]  # noqa: SLF001
    once = functools.lru_cache(maxsize=1)(_get_module_code)
    zipimport._get_module_code = once  # type: ignore[attr-defined]  # noqa: SLF001
    # What a module has loaded stays to its end: looking through it for garbage finds none, least of all at the end.
    gc.set_threshold(20_000)
    atexit.register(gc.freeze)


_install()
