# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast a large context is hashed, and what it costs when nothing changed since."""

from __future__ import annotations

from benchmarks import memory
from benchmarks.builders import STATE
from benchmarks.nodes import FOLDER, OUR_MODULES, BenchNode
from benchmarks.report import at_least, timing_table
from benchmarks.sides import UNCHANGED, Side, compare
from benchmarks.topic import Results

CONTEXT = f"{FOLDER}/large-context"
FILE_MEGABYTES = 10
PROCESSES = 2
NAME = "bench-large"
# Of the speed of sha256sum, in percent.
WANTED = 70

SHA256SUM = f"sha256sum, {PROCESSES} processes"
HASH_ALL = "image_build, all files read"
HASH_AGAIN = "image_build, nothing changed"


def measure(node: BenchNode, rounds: int, gigabytes: float) -> Results:
    """Compare the hashing of a context with that of sha256sum."""
    megabytes = int(gigabytes * 1000)
    files = max(megabytes // FILE_MEGABYTES, 1)
    node.run(node.program("make_context", CONTEXT, files, megabytes))
    # An image of that name is there already, and is to stay: all that is left to the module is to hash.
    dockerfile = f"{FOLDER}/Dockerfile"
    node.run(
        f"mkdir -p {FOLDER}/nothing && printf 'FROM scratch\\nLABEL of=bench\\n' > {dockerfile}"
        f" && nerdctl build --tag {NAME}:1 --file {dockerfile} {FOLDER}/nothing"
    )
    options = {"name": NAME, "tag": "1", "path": CONTEXT, "rebuild": "never"}
    module = node.module_command(f"{OUR_MODULES}.image_build", options)
    forget = f"rm -f {STATE}/context-hashes.json"
    sides = [
        Side(SHA256SUM, node, f"find {CONTEXT} -type f -print0 | xargs -0 -P {PROCESSES} -n 8 sha256sum > /dev/null"),
        Side(HASH_ALL, node, module, forget, UNCHANGED),
        Side(HASH_AGAIN, node, module, expect=UNCHANGED),
    ]
    subject = f"{gigabytes:g} GB in {files} files"
    timings = compare(f"Hashing {subject}", sides, rounds)
    node.run(forget)
    peak = memory.measure(node, f"image_build, hashing {subject}", module)
    node.run(f"rm -rf {CONTEXT} && ctr -n default images rm docker.io/library/{NAME}:1")
    share = 100 * timings[SHA256SUM].median / timings[HASH_ALL].median
    goal = at_least(f"hashing {subject}", share, WANTED, f"% of the speed of {SHA256SUM}")
    return Results(timing_table("Hashing a context", {subject: timings}, list(timings)), (goal,), (peak,))
