# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry: distribution's own, a mirror of docker.io that holds the images tests build FROM."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from lab import console, network, paths, podman, shell
from lab.errors import LabError
from lab.images import alpine, slim
from lab.images.oci import INDEX_TYPE, Layout
from lab.services import service
from lab.services.service import Endpoint, Mount, Service
from lab.toolchain import ensure_registry_binary

ENDPOINT = Endpoint("nephoran-lab-registry", network.REGISTRY_HOST, port=5000)
MIRRORED = "docker.io"
SEED: dict[tuple[str, str], Callable[[], Layout]] = {
    ("library/alpine", "latest"): alpine.ensure,
    ("library/debian", f"{slim.SUITE}-slim"): slim.ensure,
}
CONFIGURATION = {
    "version": "0.1",
    "log": {"level": "warn"},
    "storage": {"filesystem": {"rootdirectory": "/var/lib/registry"}, "delete": {"enabled": True}},
    "http": {"addr": f":{ENDPOINT.port}"},
}
HTTP_TIMEOUT_SECONDS = 10

# The registry is on this machine: a proxy that the environment names cannot reach it.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ensure() -> str:
    """Run the registry with all that it is to serve.

    :returns: its URL, without a slash at the end.
    :raises LabError: if a prerequisite is missing, or an image cannot be made or pushed.
    """
    podman.ensure_installed()
    configuration = paths.cache_directory("registry") / "config.yml"
    # JSON is YAML too.
    configuration.write_text(json.dumps(CONFIGURATION, indent=2) + "\n", encoding="utf-8")
    url = service.ensure(
        Service(
            endpoint=ENDPOINT,
            command=("/usr/local/bin/registry", "serve", "/etc/registry.yml"),
            mounts=(
                Mount(ensure_registry_binary(), "/usr/local/bin/registry"),
                Mount(configuration, "/etc/registry.yml"),
                Mount(paths.cache_directory("registry", "data"), "/var/lib/registry", writable=True),
            ),
            # Without a collector to send them to, traces only fill the log with failures.
            environment={"OTEL_TRACES_EXPORTER": "none"},
        )
    )
    for (repository, tag), image in SEED.items():
        _seed(url, repository, tag, image())
    return url


def variables(url: str) -> dict[str, Any]:
    """What an inventory says so that all builders on its nodes use the registry at ``url``."""
    return {"registries_hosts": [{"name": MIRRORED, "mirrors": [{"url": url}]}]}


def served_digest(url: str, repository: str, tag: str) -> str | None:
    """The digest of what the registry serves under a tag, or None if it has no such image."""
    request = urllib.request.Request(f"{url}/v2/{repository}/manifests/{tag}", method="HEAD")  # noqa: S310
    request.add_header("Accept", INDEX_TYPE)
    try:
        with _direct.open(request, timeout=HTTP_TIMEOUT_SECONDS) as response:
            digest: str = response.headers["Docker-Content-Digest"]
            return digest
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return None
        raise LabError(f"The registry at {url} answers {error} when asked for {repository}:{tag}.") from error
    except urllib.error.URLError as error:
        raise LabError(
            f"The registry at {url} cannot be reached: {error.reason}.",
            remedy=f"See podman logs {ENDPOINT.name}, then have it made anew: lab registry down.",
        ) from error


def _seed(url: str, repository: str, tag: str, image: Layout) -> None:
    if served_digest(url, repository, tag) == image.digest:
        return
    with console.step(f"Pushing {repository}:{tag} to the registry"):
        destination = f"docker://{url.removeprefix('http://')}/{repository}:{tag}"
        source = f"oci:{image.directory}:{image.tag}"
        # Without --all only this platform's manifest would arrive, under another digest than the index.
        shell.run(["skopeo", "copy", "--quiet", "--all", "--dest-tls-verify=false", source, destination])
