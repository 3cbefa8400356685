# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node without BuildKit has another machine build, over mutual TLS, and a builder that is down is told of."""

from __future__ import annotations

from typing import Any

import pytest
from node_playbooks import Run, run_tasks
from testinfra.host import Host

BUILDER, CLIENT = "nephoran-builder", "nephoran-node3"
TLS = {"tls_ca": "ca.pem", "tls_cert": "client.pem", "tls_key": "client-key.pem"}
# Nobody listens there.
DOWN = "tcp://127.0.0.1:1"
# No machine has that address (RFC 5737).
GONE = "tcp://192.0.2.1:1234"
IMAGE = "docker.io/library/remote:v1"


@pytest.fixture(scope="module", autouse=True)
def _certificates(hosts: dict[str, Host]) -> None:
    """The client has the certificates that the builder signed."""
    hosts[CLIENT].check_output("mkdir -p -m 700 /srv/tls /srv/remote")
    for name in TLS.values():
        content = hosts[BUILDER].file(f"/srv/tls/{name}").content_string
        hosts[CLIENT].check_output("umask 077 && printf %%s %s > %s", content, f"/srv/tls/{name}")


def build(registry: str, name: str = IMAGE, **options: Any) -> Run:
    files = {option: f"/srv/tls/{name}" for option, name in TLS.items()}
    there = f"tcp://{registry.rpartition(':')[0]}:1234"
    cache = f"type=registry,ref={registry}/team/cache"
    arguments = {
        "name": name,
        "path": "/srv/remote",
        "dockerfile_content": "FROM alpine:latest\nRUN echo built > /made\nCOPY line /line\nCMD cat /made /line\n",
        "namespace": "k8s.io",
        "backend": "buildctl",
        # The certificate is for another name than that by which the builder is reached.
        "builders": [{"address": address, "server_name": "localhost", **files} for address in (DOWN, GONE, there)],
        "cache_from": [cache],
        "cache_to": [f"{cache},mode=max"],
        **options,
    }
    return run_tasks([{"nephoran.container_build.image_build": arguments}], f"--limit={CLIENT}")


def test_a_node_without_buildkit_builds_and_a_builder_that_is_down_is_told_of(
    hosts: dict[str, Host], registry: str
) -> None:
    client = hosts[CLIENT]
    assert not client.file("/run/buildkit/buildkitd.sock").exists
    client.check_output("echo first > /srv/remote/line")
    run = build(registry, pinned=True)
    assert run.status == 0, run.output
    assert run.recaps[CLIENT].changed == 1
    words = " ".join(run.output.split())
    assert f"A builder was skipped: {DOWN}: connection refused" in words
    assert f"A builder was skipped: {GONE}: " in words
    said = client.check_output("nerdctl --namespace k8s.io run --rm --net none %s", IMAGE)
    assert said.split() == ["built", "first"]
    assert "io.cri-containerd.pinned=pinned" in client.check_output("ctr -n k8s.io images ls name==%s", IMAGE)
    # What it was built in is the other machine's own.
    assert hosts[BUILDER].check_output("ctr -n default images ls -q name==%s", IMAGE) == ""
    again = build(registry)
    assert again.recaps[CLIENT].changed == 0, again.output


def test_a_changed_line_is_built_and_pushed_with_the_cache_of_the_registry(
    hosts: dict[str, Host], registry: str
) -> None:
    client, name = hosts[CLIENT], f"{registry}/team/remote:v2"
    client.check_output("echo second > /srv/remote/line")
    # Nothing but the registry remembers the first build.
    hosts[BUILDER].check_output("buildctl prune --all")
    run = build(registry, name, push=True, log_path="/srv/build.log")
    assert run.status == 0, run.output
    assert "CACHED" in client.file("/srv/build.log").content_string
    hosts[BUILDER].check_output("nerdctl pull --quiet %s", name)
    said = hosts[BUILDER].check_output("nerdctl run --rm --net none %s", name)
    assert said.split() == ["built", "second"]


def test_who_shows_no_certificate_of_the_authority_cannot_build(hosts: dict[str, Host], registry: str) -> None:
    hosts[CLIENT].check_output(
        "cd /srv/tls && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=stranger"
        " -keyout client-key.pem -out client.pem"
    )
    hosts[CLIENT].check_output("echo third > /srv/remote/line")
    run = build(registry)
    assert run.status != 0
    assert "No builder of the pool can build" in " ".join(run.output.split())
