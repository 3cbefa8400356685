# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What our module adds to its builder's command: a changed build's time less that of the builder's process within it.

A builder takes half a second more or less for one and the same change, which hides what a module adds where two builds
are compared.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator, Sequence

from lab import console

from benchmarks import stopwatch
from benchmarks.builders import CONTEXT, Way, our_ways
from benchmarks.builds import CHANGE, CONTAINERD_STORES, FILES, MEGABYTES, OVERHEAD
from benchmarks.nodes import FOLDER, BenchNode
from benchmarks.report import Table, at_most
from benchmarks.sides import CHANGED, Timing
from benchmarks.topic import Results

# Of what is that short, the median of a few is chance.
MORE_ROUNDS = 2
BUILDERS = ("nerdctl", "buildctl", "buildah")
NOTES = f"{FOLDER}/builder-times"
# Stands in a builder's place.
STOPWATCH = stopwatch.script('"$(readlink --canonicalize "$0.itself")"', NOTES)
PUT_IN_PLACE = "place=$(command -v {builder}) && mv $place $place.itself && cat > $place && chmod 755 $place"
TAKE_AWAY = "place=$(command -v {builder}) && mv $place.itself $place"


def measure(node: BenchNode, rounds: int) -> Results:
    """Measure changed builds with each of our backends, in turn."""
    node.run(node.program("make_context", CONTEXT, FILES, MEGABYTES))
    with node.stores_in_memory(("buildkit", "containerd"), CONTAINERD_STORES):
        ways = our_ways(node)
        with _stopwatches(node):
            spans = _changed_builds(node, ways, rounds * MORE_ROUNDS)
    rows, goals = [], []
    for name, of_way in spans.items():
        whole, builder = (statistics.median(each) for each in zip(*of_way, strict=True))
        added = Timing(tuple(one_whole - one_builder for one_whole, one_builder in of_way))
        rows.append((name, f"{whole:.2f} s", f"{builder:.2f} s", str(added)))
        goals.append(at_most(f"{name}, one file changed: added to the builder's own process", added.median, OVERHEAD))
    headings = ("median (least, most)", "the module", "the builder within it", "added")
    title = f"What a module adds to its builder, one of {FILES} files changed, {rounds * MORE_ROUNDS} builds each"
    return Results(Table(title, headings, tuple(rows)), tuple(goals), ())


@contextlib.contextmanager
def _stopwatches(node: BenchNode) -> Iterator[None]:
    placed: list[str] = []
    try:
        for builder in BUILDERS:
            node.run(PUT_IN_PLACE.format(builder=builder), STOPWATCH.encode())
            placed.append(builder)
        yield
    finally:
        for builder in placed:
            node.run(TAKE_AWAY.format(builder=builder))


def _changed_builds(node: BenchNode, ways: Sequence[Way], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return for each way, and each of its builds, the seconds of the module and those of its builder's process."""
    spans: dict[str, list[tuple[float, float]]] = {way.name: [] for way in ways}
    with console.step(f"What a module adds to its builder, {rounds} rounds") as step:
        for number in range(1, rounds + 1):
            for way in ways:
                step.report(f"round {number}: {way.name}")
                whole = node.seconds(prepare=f"{CHANGE} && : > {NOTES}", run=way.command, expect=CHANGED)
                # A look at an image is no build, and shorter: it is part of what is added.
                longest = max(map(int, node.run(f"cat {NOTES}").split()))
                spans[way.name].append((whole, longest / 1e6))
    return spans
