# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One variable tells all builders about mirrors. The nodes reach no other registry than the lab's."""

from __future__ import annotations

import pytest
from testinfra.host import Host

BASE = "docker.io/library/alpine:latest"
PULLS = {
    "nerdctl": f"nerdctl --namespace registries pull --quiet {BASE}",
    "the CRI's way": f"ctr -n registries images pull --hosts-dir /etc/containerd/certs.d {BASE}",
    "BuildKit": "cd $(mktemp -d) && echo FROM alpine:latest > Dockerfile && buildctl build --no-cache"
    " --frontend dockerfile.v0 --local dockerfile=. --output type=oci,dest=/dev/null && rm -r $PWD",
    "buildah": "buildah rm $(buildah from --pull-always alpine:latest)",
}


def test_the_mirror_is_rendered_for_each(host: Host) -> None:
    hosts = host.file("/etc/containerd/certs.d/docker.io/hosts.toml")
    assert hosts.contains('^server = "https://registry-1.docker.io"$')
    assert hosts.contains('^\\[host."http://')
    assert host.file("/etc/buildkit/buildkitd.toml").contains('^\\[registry."docker.io"\\]$')
    assert host.file("/etc/containers/registries.conf.d/50-nephoran.conf").contains("^\\[\\[registry.mirror\\]\\]$")


@pytest.mark.parametrize("puller", PULLS)
def test_the_mirror_is_used(host: Host, puller: str) -> None:
    pulled = host.run(PULLS[puller])
    assert pulled.succeeded, pulled.stderr
