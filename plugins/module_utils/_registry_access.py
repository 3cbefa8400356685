# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task reaches a registry: the options, and the files that hand them to the tools.

Credentials and exceptions from TLS are written to a private folder and named to the tools by path, so that a secret
stands in no command line, no environment and no log.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import DEFAULT_DOMAIN

REGISTRY_ARGUMENTS: t.Mapping[str, t.Any] = {
    "auth_file": {"type": "path"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "insecure": {"type": "bool", "default": False},
    "retries": {"type": "int", "default": 3},
}
REGISTRY_REQUIRED_TOGETHER: t.Sequence[tuple[str, ...]] = [("username", "password")]
REGISTRY_MUTUALLY_EXCLUSIVE: t.Sequence[tuple[str, ...]] = [("auth_file", "username")]

_CONFIG_FILE = "config.json"
# Docker's clients keep Docker Hub's credentials under the address that it had in its first version.
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"


class RegistryAccess(t.NamedTuple):
    """How registries are reached.

    Attributes:
        scratch: a private folder for what tools are to read.
        docker_config: a folder with a ``config.json``; None: that of the user who runs the tools.
        insecure: take certificates unseen, and speak plain HTTP where that is all that is spoken.
        retries: how often to ask a registry again that is overloaded or out of order.
        pause: waits for so many seconds in between.
    """

    scratch: str
    docker_config: str | None = None
    insecure: bool = False
    retries: int = 3
    pause: t.Callable[[float], None] = time.sleep

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which nerdctl and buildah find the credentials."""
        if self.docker_config is None:
            return {}
        path = os.path.join(self.docker_config, _CONFIG_FILE)
        return {"DOCKER_CONFIG": self.docker_config, "REGISTRY_AUTH_FILE": path}

    def hosts_folder(self, domain: str) -> str:
        """Write a folder of ``hosts.toml`` files that asks for no certificate of *domain*, and return its path.

        A host with both plain HTTP and a setting for TLS is tried with TLS first, and without if that is all it speaks.

        Source: ``ConfigureHosts`` in ``core/remotes/docker/config/hosts.go`` of containerd v2.2.1.
        """
        folder = tempfile.mkdtemp(prefix="hosts-", dir=self.scratch)
        os.mkdir(os.path.join(folder, domain))
        with open(os.path.join(folder, domain, "hosts.toml"), "w", encoding="ascii") as file:
            file.write(f'server = "http://{_host_of(domain)}"\nskip_verify = true\n')
        return folder


def registry_access(params: t.Mapping[str, t.Any], domain: str, scratch: str) -> RegistryAccess:
    """Return how the options *params* say that the registry *domain* is reached.

    Args:
        params: the options in :data:`REGISTRY_ARGUMENTS`.
        domain: the registry as it stands in references.
        scratch: a private folder that is gone when the task ends.

    Raises:
        InvalidInput: an option's value cannot be used.
    """
    if params["retries"] < 0:
        raise InvalidInput("Not a number of retries", subject=f"retries: {params['retries']}", expected="0 or more")
    docker_config = None
    if params["auth_file"] is not None:
        docker_config = tempfile.mkdtemp(prefix="credentials-", dir=scratch)
        # A link, so that the helpers that the file may name are used as they would be without it.
        os.symlink(_usable_file(params["auth_file"]), os.path.join(docker_config, _CONFIG_FILE))
    elif params["username"] is not None:
        docker_config = tempfile.mkdtemp(prefix="credentials-", dir=scratch)
        _write_credentials(docker_config, domain, params["username"], params["password"])
    return RegistryAccess(scratch, docker_config, params["insecure"], params["retries"])


def _host_of(domain: str) -> str:
    return "registry-1.docker.io" if domain == DEFAULT_DOMAIN else domain


def _write_credentials(folder: str, domain: str, username: str, password: str) -> None:
    if not username or ":" in username:
        raise InvalidInput("Not a user name that a registry can be told", subject=f"username: {username[:80]!r}")
    auth = base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
    key = _DOCKER_HUB_KEY if domain == DEFAULT_DOMAIN else domain
    path = os.path.join(folder, _CONFIG_FILE)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        json.dump({"auths": {key: {"auth": auth}}}, file)


def _usable_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise InvalidInput(
            f"The file with the credentials cannot be read ({error.strerror})", subject=f"auth_file: {path}"
        ) from error
    except ValueError:
        # The parser's own message would quote the file, and secrets with it.
        document = None
    if not isinstance(document, dict):
        raise InvalidInput(
            "The file with the credentials is not what Docker's clients write",
            subject=f"auth_file: {path}",
            expected='a JSON object with an object under "auths"',
            remedy="write it with nerdctl login, or give username and password",
        )
    return os.path.abspath(path)
