# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the image modules start, ask and load: nearly all of the time that they take beside the builder's."""

from __future__ import annotations

import ast
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.modules import image_build, image_import
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import BUILDKIT, FakeNode

PLUGINS = pathlib.Path(__file__).resolve().parents[4] / "plugins"
PREFIX = "ansible_collections.nephoran.container_build.plugins.module_utils."
NAME = "docker.io/library/app:v1"
RECORD, CONTENT, DOCUMENT = "containerd images.Get", "containerd content.List", "containerd content.Read"
SNAPSHOT = "containerd snapshots.Stat"
# What it takes to know an image: its record, what the namespace holds, its manifest and its config.
LOOK = [CONTENT, DOCUMENT, DOCUMENT, RECORD]
Run = t.Callable[..., t.Any]


@pytest.fixture(autouse=True)
def importing(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_import, "ModuleRunner", lambda _module: node.runner)


@pytest.fixture
def build(run_module: Run, context: pathlib.Path) -> Run:
    def build(backend: str, **options: t.Any) -> t.Any:
        given = {} if backend == "buildah" else {"buildkit_host": BUILDKIT}
        return run_module(
            image_build.main, {"name": "app:v1", "path": str(context), "backend": backend, **given, **options}
        )

    return build


def started(node: FakeNode, run: t.Callable[[], object]) -> list[str]:
    """The commands that *run* starts and the calls of containerd that it makes, in short and sorted."""
    before = len(node.runner.calls)
    run()
    return sorted(map(_shown, (call.argv for call in node.runner.calls[before:])))


def _shown(argv: t.Sequence[str]) -> str:
    words = list(argv)
    for option in ("--address", "--namespace", "--lease", "--addr", "--snapshotter"):
        if option in words:
            del words[words.index(option) : words.index(option) + 2]
    two = words[0] == "ctr" or words[1] == "debug"
    return " ".join(words[: 3 if two else 2])


class TestBuilds:
    """The processes beside the builder's own."""

    @pytest.mark.parametrize(
        ("backend", "look"), [("nerdctl", LOOK), ("buildctl", LOOK), ("buildah", ["buildah inspect"])]
    )
    def test_a_build_for_nothing_looks_once(self, node: FakeNode, build: Run, backend: str, look: list[str]) -> None:
        build(backend)
        assert started(node, lambda: build(backend)) == sorted(look)

    @pytest.mark.parametrize(
        ("backend", "expected"),
        [
            ("nerdctl", ["buildkit Control.ListWorkers", "nerdctl build", *LOOK, *LOOK]),
            ("buildctl", ["buildctl build", "buildkit Control.ListWorkers", *LOOK, *LOOK]),
            ("buildah", ["buildah bud", "buildah inspect", "buildah inspect"]),
        ],
    )
    def test_a_changed_build_looks_before_and_after(
        self, node: FakeNode, build: Run, context: pathlib.Path, backend: str, expected: list[str]
    ) -> None:
        build(backend)
        (context / "file").write_text("another")
        assert started(node, lambda: build(backend)) == sorted(expected)

    def test_a_pin_costs_one_more(self, node: FakeNode, build: Run, context: pathlib.Path) -> None:
        node.worker = "k8s.io"
        build("nerdctl", namespace="k8s.io", pinned=True)
        (context / "file").write_text("another")
        commands = started(node, lambda: build("nerdctl", namespace="k8s.io", pinned=True))
        assert commands == sorted(
            ["buildkit Control.ListWorkers", "nerdctl build", *LOOK, *LOOK, "containerd images.Update"]
        )


class TestImports:
    """Imports from namespace to namespace, which start no process."""

    @pytest.fixture
    def bring(self, node: FakeNode, run_module: Run) -> Run:
        image = node.images.manifest(layers=[b"one", b"another", b"the third"])
        node.containerd.put("default", NAME, image, node.images)
        return lambda: run_module(image_import.main, {"name": ["app:v1"]})

    def test_a_new_image(self, node: FakeNode, bring: Run) -> None:
        observed = [*LOOK, CONTENT, RECORD, SNAPSHOT]
        lease = ["containerd leases.Create", *["containerd leases.Delete"] * 2]
        moved = [*["containerd content.Write"] * 5, CONTENT, "containerd images.Create", "containerd images.Delete"]
        assert started(node, bring) == sorted([*observed, *lease, *moved])

    def test_nothing_to_do(self, node: FakeNode, bring: Run) -> None:
        """Documents that were read in the one namespace are not read again in the other."""
        bring()
        assert started(node, bring) == sorted([*LOOK, CONTENT, RECORD, SNAPSHOT])


def loaded_at_start(module: str, *later: str) -> set[str]:
    """The files of module_utils that a module imports before it does anything, and those that it loads with *later*."""
    found = set(later)
    waiting = [PLUGINS / "modules" / f"{module}.py", *(PLUGINS / "module_utils" / f"{name}.py" for name in later)]
    while waiting:
        for statement in ast.parse(waiting.pop().read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(PREFIX):
                name = str(statement.module).rpartition(".")[2]
                if name not in found:
                    found.add(name)
                    waiting.append(PLUGINS / "module_utils" / f"{name}.py")
    return found


def dataclasses_in(name: str) -> set[str]:
    """The classes of a file of module_utils that dataclasses makes."""
    tree = ast.parse((PLUGINS / "module_utils" / f"{name}.py").read_text(encoding="utf-8"))
    classes = (each for each in tree.body if isinstance(each, ast.ClassDef))
    return {each.name for each in classes if any("dataclass" in ast.unparse(word) for word in each.decorator_list)}


def test_records_on_the_way_of_a_build_cost_little() -> None:
    """Python compiles code for each dataclass at each start: half a millisecond, five times a named tuple's time."""
    loaded = loaded_at_start("image_build", "_build_watch", "_lost_steps", "_managed_file", "_nerdctl_builder")
    # What a named tuple cannot stand for (docs/decisions/0065).
    needed = {"ContextSnapshot", "Digest", "GCPolicy", "Reference", "Worker"}
    assert {found for name in loaded for found in dataclasses_in(name)} == needed


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("image_build", "_archive_writer _build_outputs _build_watch _buildctl _dockerignore _durable _git"),
        ("image_build", "_image_import _image_source _managed_file _nerdctl_builder _remote_builder _step_events"),
        ("image_import", "_archive _archive_writer _buildah _durable _step_events"),
        ("nerdctl_full", "_download"),
        ("daemon", "_containerd_owner _generation _processes _systemd"),
    ],
)
def test_what_most_tasks_do_not_need_is_not_loaded(module: str, unneeded: str) -> None:
    """Ansible ships sources, so that each task compiles what it loads: two milliseconds a file."""
    loaded = loaded_at_start(module)
    assert "_runner" in loaded
    assert loaded & set(unneeded.split()) == set()
