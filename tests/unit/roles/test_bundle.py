# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook bundle on a controller that is given files, and what install takes from the bundle."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import tar_bytes
from playbook_run import CHECKOUT, run_playbook

PLAYBOOK = "nephoran.container_build.bundle"
TAKES = str(CHECKOUT / "playbooks" / "tasks" / "bundle.yml")
FACTS = {"architecture": "x86_64", "distribution": "Debian", "distribution_major_version": "13"}
COLLECTION = {"collection_info": {"namespace": "nephoran", "name": "container_build", "version": "1.0.0"}}


class Controller:
    """A folder with files for a bundle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundle = folder / "bundle.tar"
        self.archive = folder / "nerdctl-full-2.2.1-linux-amd64.tar.gz"
        self.archive.write_bytes(b"archive")
        self.overlay = folder / "containerd-2.2.5-linux-amd64.tar.gz"
        self.overlay.write_bytes(b"overlay")
        collection = folder / "collection.tar.gz"
        collection.write_bytes(gzip.compress(tar_bytes({"MANIFEST.json": json.dumps(COLLECTION).encode()})))
        self.variables = {
            "bundle_path": str(self.bundle),
            "bundle_folder": str(folder / "cache"),
            "bundle_collection": str(collection),
            "bundle_archives": [{"src": str(self.archive), **self.known(b"archive", "2.2.1")}],
            "bundle_overlays": [
                {"url": self.overlay.as_uri(), **self.known(b"overlay", "2.2.5"), "component": "containerd"}
            ],
        }

    @staticmethod
    def known(content: bytes, version: str) -> dict[str, str]:
        checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return {"architecture": "amd64", "version": version, "checksum": checksum}

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        variables = ["--extra-vars", json.dumps(self.variables)]
        play = [{"ansible.builtin.import_playbook": PLAYBOOK}]
        return run_playbook(play, self.folder, *variables, *words)

    def take(self, facts: dict[str, str], wanted: dict[str, str], **variables: t.Any) -> t.Any:
        """What the node finds in the variables *wanted*, or what Ansible says if it fails."""
        delivery = {"dest": str(self.folder / "taken.json"), "content": "{{ taken | to_json }}", "mode": "0600"}
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {
                "ansible_facts": facts,
                "container_build_bundle": str(self.bundle),
                "container_build_bundle_folder": str(self.folder / "opened"),
                **variables,
            },
            "tasks": [
                {"ansible.builtin.import_tasks": TAKES},
                {"ansible.builtin.copy": delivery, "vars": {"taken": wanted}},
            ],
        }
        done = run_playbook([play], self.folder)
        if done.returncode != 0:
            return done.stdout
        return json.loads((self.folder / "taken.json").read_text(encoding="utf-8"))


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path)


def test_a_bundle_is_foreseen_made_and_taken_from(controller: Controller) -> None:
    checked = controller.make("--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert not controller.bundle.exists()
    made = controller.make()
    assert made.returncode == 0, made.stdout + made.stderr
    assert "changed=0" not in made.stdout
    again = controller.make()
    assert "changed=0" in again.stdout, again.stdout
    controller.overlay.unlink()
    controller.archive.unlink()
    taken = controller.take(
        FACTS,
        {
            "version": "{{ nerdctl_full_version }}",
            "checksum": "{{ nerdctl_full_checksum }}",
            "archive": "{{ lookup('file', nerdctl_full_archive) }}",
            "remote": "{{ nerdctl_full_archive_remote }}",
            "overlays": "{{ nerdctl_full_overlays }}",
            "repository": "{{ buildah_repository | trim }}",
            "images": "{{ __bundle_images }}",
        },
    )
    (overlay,) = taken.pop("overlays")
    repository = Path(taken.pop("repository"))
    known = Controller.known(b"archive", "2.2.1")
    assert taken == {
        "version": "2.2.1",
        "checksum": known["checksum"],
        "archive": "archive",
        "remote": "",
        "images": [],
    }
    assert Path(overlay.pop("src")).read_bytes() == b"overlay"
    assert overlay == {
        "component": "containerd",
        "version": "2.2.5",
        "checksum": Controller.known(b"overlay", "2.2.5")["checksum"],
    }
    assert repository.name == "debian-13-amd64"
    assert repository.parents[1].parent == controller.folder / "opened"


def test_a_node_that_the_bundle_has_nothing_for_is_named(controller: Controller) -> None:
    controller.variables["bundle_overlays"] = []
    assert controller.make().returncode == 0
    said = controller.take({**FACTS, "architecture": "aarch64"}, {})
    assert "has no archive for arm64, which localhost is" in " ".join(said.split())


def test_the_checksum_of_the_whole_counts(controller: Controller) -> None:
    controller.variables["bundle_overlays"] = []
    assert controller.make().returncode == 0
    said = controller.take(FACTS, {}, container_build_bundle_checksum=f"sha256:{'0' * 64}")
    assert "The bundle has another checksum" in said
