# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs to build an image of a context of many files: all anew, after one file changed, and for nothing."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import memory
from benchmarks.builders import CONTEXT, STATE, Way, all_ways
from benchmarks.nodes import BenchNode
from benchmarks.report import Goal, at_most, timing_table
from benchmarks.sides import CHANGED, UNCHANGED, Side, Timing, compare
from benchmarks.topic import Results

FILES = 1000
MEGABYTES = 100
# What our module may add to the bare command, in seconds.
OVERHEAD = 0.3
# A builder takes half a second more or less for one and the same change: what a module adds shows in more rounds.
MORE_ROUNDS = 3
# A disk takes a second more or less for one and the same layer, beneath which nobody would see what a module adds.
CONTAINERD_STORES = ("/var/lib/containerd", "/var/lib/buildkit", "/var/lib/containers")
DOCKER_STORES = ("/srv/docker",)
NOTHING, ONE_FILE, COLD = "nothing changed", "one file changed", "from nothing"
ALL_READ = ", all files read"

# Bytes that no other side has built with: BuildKit would know the layer.
CHANGE = f"head -c 32 /dev/urandom | dd of={CONTEXT}/part-0/data-0500 conv=notrunc status=none"
FORGET_HASHES = f"rm -f {STATE}/context-hashes.json"


def measure(containerd: BenchNode, docker: BenchNode, rounds: int) -> Results:
    """Compare all ways to build."""
    with (
        containerd.stores_in_memory(("buildkit", "containerd"), CONTAINERD_STORES),
        docker.stores_in_memory(("docker.socket", "docker"), DOCKER_STORES),
    ):
        return _measure(containerd, docker, rounds)


def _measure(containerd: BenchNode, docker: BenchNode, rounds: int) -> Results:
    for node in (containerd, docker):
        node.run(node.program("make_context", CONTEXT, FILES, MEGABYTES))
    ways = all_ways(containerd, docker)
    columns = {COLD: compare("Builds from nothing", [_cold(way) for way in ways if way.differs_from_nothing], rounds)}
    for way in ways:
        # A build from nothing removed the images of the sides before it.
        way.node.run(way.command)
    columns[NOTHING] = compare("Builds for nothing", [side for way in ways for side in _for_nothing(way)], rounds)
    peers, others = (tuple(way for way in ways if way.is_peer == is_peer) for is_peer in (True, False))
    columns[ONE_FILE] = {
        **compare("Peers' builds after one file changed", list(map(_one_file, peers)), rounds),
        **compare("Builds after one file changed", list(map(_one_file, others)), rounds * MORE_ROUNDS),
    }
    shown = {name: columns[name] for name in (NOTHING, ONE_FILE, COLD)}
    subject = f"{FILES} files, {MEGABYTES} MB"
    peaks = [memory.measure(containerd, f"{way.name}, {subject}", way.command) for way in ways if way.is_ours]
    table = timing_table(f"Building an image of {subject}", shown, list(columns[NOTHING]))
    return Results(table, tuple(_goals(ways, columns)), tuple(peaks))


def _cold(way: Way) -> Side:
    return Side(way.name, way.node, way.command, way.forget, way.says.cold)


def _for_nothing(way: Way) -> list[Side]:
    remark = "(says changed)" if way.says.nothing == CHANGED else ""
    sides = [Side(way.name, way.node, way.command, expect=way.says.nothing, remark=remark)]
    if way.is_ours:
        sides.append(Side(way.name + ALL_READ, way.node, way.command, FORGET_HASHES, way.says.nothing))
    return sides


def _one_file(way: Way) -> Side:
    remark = "(image is stale)" if way.says.one_file == UNCHANGED else ""
    return Side(way.name, way.node, way.command, CHANGE, way.says.one_file, remark)


def _goals(ways: Sequence[Way], columns: dict[str, dict[str, Timing]]) -> list[Goal]:
    nothing, one_file = columns[NOTHING], columns[ONE_FILE]
    fastest = min((way.name for way in ways if way.is_peer), key=lambda name: nothing[name].median)
    goals = []
    for way in ways:
        if way.is_ours:
            text = f"{way.name}, nothing changed: no slower than {fastest}, the fastest peer"
            goals.append(at_most(text, nothing[way.name].median, nothing[fastest].median))
            text = f"{way.name}, one file changed: {way.bare} and at most {OVERHEAD} s"
            goals.append(at_most(text, one_file[way.name].median, one_file[way.bare].median + OVERHEAD))
    return goals
