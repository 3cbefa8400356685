# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs to hand an image from the namespace default to k8s.io."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import memory
from benchmarks.nodes import FOLDER, OUR_MODULES, BenchNode
from benchmarks.report import Goal, at_least, at_most, timing_table
from benchmarks.sides import CHANGED, UNCHANGED, Side, Timing, compare
from benchmarks.topic import Results

METHOD_1 = "Method 1: ctr export, ctr import, rm"
SAVE_LOAD = "nerdctl save, nerdctl load"
IMPORT_UNPACK = "image_import, unpack: true"
IMPORT = "image_import"
IN_TURN = "image_import, the sizes in turn"
AGAIN = "image_import, nothing to do"
SIDES = (METHOD_1, SAVE_LOAD, IMPORT_UNPACK, IMPORT, IN_TURN, AGAIN)

# Of larger images, saving and loading takes minutes a round.
SAVE_LOAD_MEGABYTES_MAX = 100

# How much longer the largest import may take than the smallest one: the noise of the machine is as large.
FLAT = 1.25
# Of what is that short, the median of a few is chance.
MORE_ROUNDS = 3

# The CRI plugin keeps a reference by the config's digest as well, which would keep the layers in the namespace.
CLEAN = (
    'ctr -n k8s.io images ls -q | xargs -r ctr -n k8s.io images rm --sync && test -z "$(ctr -n k8s.io images ls -q)"'
)


def measure(node: BenchNode, rounds: int, megabytes: Sequence[int]) -> Results:
    """Compare the ways to hand over images of these sizes."""
    names = {size: f"docker.io/library/bench-{size}mb:1" for size in megabytes}
    columns: dict[str, dict[str, Timing]] = {}
    imports: dict[str, str] = {}
    peaks: list[memory.Peak] = []
    for size, name in names.items():
        tar = f"{FOLDER}/bench.tar"
        node.run(
            f"{node.program('random_image', name, size)} > {tar}"
            f" && ctr -n default images import {tar} && rm {tar} && {CLEAN}"
        )
        sides = _sides(node, name)
        if size > SAVE_LOAD_MEGABYTES_MAX:
            sides = [side for side in sides if side.name != SAVE_LOAD]
        columns[_column(size)] = compare(f"Handing over {size} MB", sides, rounds)
        node.run(f"ctr -n k8s.io images check name=={name} | grep -q 'complete (6/6)' && {CLEAN}")
        imports[_column(size)] = next(side.run for side in sides if side.name == IMPORT)
        peaks.append(memory.measure(node, f"{IMPORT}, {size} MB", imports[_column(size)]))
        node.run(CLEAN)
    for column, timing in _in_turn(node, imports, rounds).items():
        columns[column][IN_TURN] = timing
    for name in names.values():
        node.run(f"ctr -n default images rm --sync {name}")
    table = timing_table("An image of five layers, from the namespace default to k8s.io", columns, SIDES)
    return Results(table, tuple(_goals(columns)), tuple(peaks))


def _in_turn(node: BenchNode, imports: Mapping[str, str], rounds: int) -> dict[str, Timing]:
    """Return what each of *imports*, commands by their sizes, takes, side by side.

    One size after the other, minutes apart, they tell how the machine's speed drifts, and each what the writing of so
    much by the sides before it leaves to be done.
    """
    sides = [Side(column, node, command, CLEAN, CHANGED) for column, command in imports.items()]
    timings = compare("Handing over the sizes in turn", sides, rounds * MORE_ROUNDS)
    node.run(CLEAN)
    return timings


def _import(node: BenchNode, name: str, **options: Any) -> str:
    return node.module_command(f"{OUR_MODULES}.image_import", {"name": [name], **options})


def _sides(node: BenchNode, name: str) -> list[Side]:
    tar = f"{FOLDER}/myapp.tar"
    module = _import(node, name)
    # --local: without it, ctr 2.2.1 may end before all is written, with success.
    export = f"ctr -n default images export --local {tar} {name}"
    return [
        Side(METHOD_1, node, f"{export} && ctr -n k8s.io images import {tar} && rm {tar}", CLEAN),
        Side(SAVE_LOAD, node, f"nerdctl save {name} | nerdctl -n k8s.io load", CLEAN),
        Side(IMPORT_UNPACK, node, _import(node, name, unpack=True), CLEAN, CHANGED),
        Side(IMPORT, node, module, CLEAN, CHANGED),
        Side(AGAIN, node, module, expect=UNCHANGED),
    ]


def _goals(columns: dict[str, dict[str, Timing]]) -> list[Goal]:
    smallest, largest = min(columns, key=_megabytes), max(columns, key=_megabytes)
    timings = columns[largest]
    method_1, ours = timings[METHOD_1].median, timings[IMPORT].median
    unpacked = timings[IMPORT_UNPACK].median
    return [
        at_least(f"{largest} by image_import", method_1 / ours, 100, "times as fast as Method 1"),
        at_least(f"{largest} by image_import, unpacked", method_1 / unpacked, 10, "times as fast as Method 1"),
        at_most(
            f"image_import is flat: {largest}, compared with {smallest}",
            timings[IN_TURN].median / columns[smallest][IN_TURN].median,
            FLAT,
            "times the time",
        ),
    ]


def _column(megabytes: int) -> str:
    return f"{megabytes} MB"


def _megabytes(column: str) -> int:
    return int(column.split(maxsplit=1)[0])
