# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document's commands, typed as it writes them, less the sudo."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

import pytest
from node_commands import build_by_hand, export_by_hand
from testinfra.host import Host

FOLDER = "/root/document"
NAME = "docker.io/library/myapp:v1.0"


def do(host: Host, command: str) -> str:
    """Run a command in the folder of the example and return what it said."""
    return build_by_hand(host, f"cd {FOLDER} && {command}")


@pytest.fixture(autouse=True)
def example(host: Host) -> Iterator[None]:
    """A folder with a Dockerfile; afterwards no image and no file of it is left."""
    dockerfile = 'FROM alpine:latest\nCOPY greeting /greeting\nCMD ["cat", "/greeting"]\n'
    host.check_output(
        f"mkdir -p {FOLDER} && cd {FOLDER} && printf %s '{dockerfile}' > Dockerfile && echo hello > greeting"
    )
    yield
    host.run(
        "for namespace in default k8s.io; do "
        "ctr -n $namespace images rm $(ctr -n $namespace images ls -q | grep -E 'myapp|build-test|^sha256:'); done; "
        f"buildah rmi --all --force; rm -rf {FOLDER} /tmp/test.Dockerfile /tmp/myapp.tar"
    )


def test_building_with_nerdctl(host: Host) -> None:
    do(host, "nerdctl build -t myapp:v1.0 -f Dockerfile .")
    assert "myapp" in do(host, "nerdctl images")
    assert do(host, "nerdctl run --rm myapp:v1.0") == "hello\n"
    do(host, "nerdctl tag myapp:v1.0 registry.example.com/myapp:v1.0")
    assert "registry.example.com/myapp" in do(host, "nerdctl images")
    assert do(host, "nerdctl ps -a -q") == ""


def test_building_with_buildah(host: Host) -> None:
    do(host, "buildah bud -t myapp:v1.0 -f Dockerfile .")
    assert "localhost/myapp" in do(host, "buildah images")


@pytest.mark.parametrize("tool", ["nerdctl", "buildah"])
def test_pushing_to_a_registry(host: Host, tool: str) -> None:
    mirror = host.file("/etc/containerd/certs.d/docker.io/hosts.toml").content_string
    registry = re.findall(r'^\[host\."http://(.*)"\]$', mirror, re.MULTILINE)[0]
    name = f"document/{tool}-{host.backend.get_hostname()}"
    # The lab's registry has no certificate, which is why these say more than the document.
    if tool == "nerdctl":
        do(host, "nerdctl build -t myapp:v1.0 -f Dockerfile .")
        do(host, f"nerdctl tag myapp:v1.0 {registry}/{name}:v1.0")
        do(host, f"nerdctl push --insecure-registry {registry}/{name}:v1.0")
    else:
        do(host, "buildah bud -t myapp:v1.0 -f Dockerfile .")
        do(host, f"buildah push --tls-verify=false myapp:v1.0 docker://{registry}/{name}:v1.0")
    url = f"http://{registry}/v2/{name}/tags/list"
    assert "v1.0" in do(host, f"python3 -c 'import urllib.request as r; print(r.urlopen(\"{url}\").read())'")


def test_method_1_export_and_import(host: Host) -> None:
    do(host, "nerdctl build -t myapp:v1.0 -f Dockerfile .")
    assert NAME not in do(host, "ctr -n k8s.io images ls -q").split()
    do(host, export_by_hand(NAME, "/tmp/myapp.tar"))  # noqa: S108 - as the document has it
    do(host, "ctr -n k8s.io images import /tmp/myapp.tar")
    do(host, "rm /tmp/myapp.tar")
    assert NAME in do(host, "ctr -n k8s.io images ls -q").split()


def test_method_2_building_in_the_namespace(host: Host) -> None:
    do(host, "nerdctl --namespace k8s.io build -t myapp:v1.0 -f Dockerfile .")
    assert "myapp" in do(host, "ctr -n k8s.io images ls | grep myapp")
    assert do(host, "nerdctl --namespace k8s.io run --rm myapp:v1.0") == "hello\n"


def test_buildkit_directly(host: Host) -> None:
    buildctl = "buildctl --addr unix:///run/buildkit/buildkitd.sock"
    assert "PLATFORMS" in do(host, f"{buildctl} debug workers")
    do(
        host,
        f"{buildctl} build --frontend dockerfile.v0 --local context=. --local dockerfile=. "
        "--output type=image,name=myapp:v1.0",
    )
    assert "myapp:v1.0" in do(host, "ctr images ls -q").split()


def test_service_management(host: Host) -> None:
    assert "active (running)" in do(host, "systemctl status buildkit")
    do(host, "systemctl restart buildkit")
    assert "running server on /run/buildkit/buildkitd.sock" in do(host, "journalctl -u buildkit --no-pager")


def test_troubleshooting_permission_denied(host: Host) -> None:
    do(host, "nerdctl ps")
    refused = host.run("su operator -c 'PATH=/usr/local/bin:$PATH nerdctl ps'")
    assert refused.failed
    assert "rootless" in refused.stderr


def test_verification_commands(host: Host) -> None:
    commands = """
        nerdctl version
        buildctl --version
        buildkitd --version
        buildah version
        systemctl status buildkit
        ls -la /run/containerd/containerd.sock
    """
    for command in textwrap.dedent(commands).strip().splitlines():
        do(host, command)
    do(
        host,
        """echo 'FROM alpine:latest
CMD ["echo", "test"]' > /tmp/test.Dockerfile""",
    )
    do(host, "nerdctl build -t build-test:latest -f /tmp/test.Dockerfile /tmp")
    assert do(host, "nerdctl run --rm build-test:latest") == "test\n"
    do(host, "nerdctl rmi build-test:latest")
    do(host, "rm /tmp/test.Dockerfile")
    assert "build-test" not in do(host, "nerdctl images")
