# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has Python compile each file of what Ansible sent once, not twice. Modules import it before the rest of ours.

A module and what it imports come to the node as an archive of sources. `zipimport` compiles each of them to learn its
file's name, throws that away, and compiles it again to run it: https://github.com/python/cpython/issues/141276. Here
the last result is kept for the second request, which follows at once (docs/decisions/0052).
"""

from __future__ import annotations

import functools
import zipimport

# Not a public name: where a Python has none, nothing is gained and nothing lost.
_compile_source = getattr(zipimport, "_compile_source", None)
if _compile_source is not None and not hasattr(_compile_source, "cache_info"):
    zipimport._compile_source = functools.lru_cache(maxsize=1)(_compile_source)  # type: ignore[attr-defined]  # noqa: SLF001
