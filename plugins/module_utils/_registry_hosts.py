# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One description of registries, and what containerd, BuildKit and buildah each make of it.

The three differ in what a setting belongs to. In containerd's ``hosts.toml`` it belongs to an endpoint of one registry;
in ``buildkitd.toml`` and for buildah to a host, whoever's mirror it is. So that they cannot disagree, a host has one
setting here too.

Sources: ``core/remotes/docker/config/hosts.go`` of containerd 2.2.1, ``util/resolver/resolver.go`` of BuildKit 0.26.3,
containers-registries.conf(5) and containers-certs.d(5).
"""

from __future__ import annotations

import base64
import dataclasses
import re
import typing as t
import urllib.parse

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._toml import dumps

DOCKER_HUB = "docker.io"
CERTIFICATES_ROOT = "/etc/containers/certs.d"
CAPABILITIES = ("pull", "resolve", "push")
HEADER = "# Written by nephoran.container_build.registries; changes made here are lost.\n"

_DOCKER_HUB_SERVER = "https://registry-1.docker.io"
# The key that docker login, nerdctl, BuildKit's clients and buildah look for.
_DOCKER_HUB_CREDENTIALS = "https://index.docker.io/v1/"
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?")
_PATH = re.compile(r"(?:/[A-Za-z0-9._-]+)*")


@dataclasses.dataclass(frozen=True)
class Authority:
    """A certificate authority: its certificates in PEM, or a file on the node that holds them."""

    pem: str | None = None
    path: str | None = None


@dataclasses.dataclass(frozen=True)
class Host:
    """How a host is talked to.

    Attributes:
        name: ``host[:port]``.
        plain_http: whether it speaks HTTP without TLS.
        authority: who signed its certificate; the system's authorities if ``None``.
        skip_verify: whether its certificate is taken unseen.
    """

    name: str
    plain_http: bool = False
    authority: Authority | None = None
    skip_verify: bool = False

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "http" if self.plain_http else "https"

    @property
    def certificate_path(self) -> str:
        """Where its authority's certificates lie; buildah looks there, and the others are told."""
        return f"{CERTIFICATES_ROOT}/{self.name}/ca.crt"


@dataclasses.dataclass(frozen=True)
class Mirror:
    """A mirror of a registry.

    Attributes:
        host: how it is talked to.
        path: the repository path on the host below which it keeps the registry's repositories; empty, or ``/…``.
        capabilities: what it is trusted with: ``pull`` content by digest, ``resolve`` tags, ``push``.
    """

    host: Host
    path: str
    capabilities: tuple[str, ...]

    @property
    def serves_tags(self) -> bool:
        """Whether whole images can be had from it, tags and all."""
        return {"pull", "resolve"} <= set(self.capabilities)


@dataclasses.dataclass(frozen=True)
class Credentials:
    """Who to be at a registry.

    Attributes:
        username: the user.
        password: the password or token.
        in_hosts_toml: whether containerd itself gets them as a header, for pulls of the kubelet.
    """

    username: str
    password: str = dataclasses.field(repr=False)
    in_hosts_toml: bool = False

    @property
    def basic(self) -> str:
        """The two as HTTP's basic authentication and Docker's ``auth`` have them."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")


@dataclasses.dataclass(frozen=True)
class Registry:
    """A registry as references name it."""

    host: Host
    mirrors: tuple[Mirror, ...] = ()
    credentials: Credentials | None = None

    @property
    def name(self) -> str:
        """``host[:port]``, the domain of references."""
        return self.host.name

    @property
    def credentials_key(self) -> str:
        """The registry's key in Docker's ``config.json``."""
        return _DOCKER_HUB_CREDENTIALS if self.name == DOCKER_HUB else self.name

    @property
    def server(self) -> str:
        """The URL of the registry itself."""
        return _DOCKER_HUB_SERVER if self.name == DOCKER_HUB else f"{self.host.scheme}://{self.name}"


def parse_registries(entries: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[Registry, ...]:
    """Return the registries that *entries*, values of ``registries_hosts``, describe.

    A mirror that is a registry of the list too has that registry's settings, unless it has its own.

    Raises:
        InvalidInput: a name or URL is none, or two entries contradict each other.
    """
    named = {str(entry["name"]): _registry_host(entry) for entry in entries}
    if len(named) < len(entries):
        names = [str(entry["name"]) for entry in entries]
        raise InvalidInput(
            "A registry is described twice",
            subject=next(name for name in names if names.count(name) > 1),
            remedy="put all that is said of it into one entry",
        )
    hosts = dict(named)
    return tuple(
        Registry(
            named[str(entry["name"])],
            tuple(_mirror(str(entry["name"]), mirror, hosts) for mirror in entry.get("mirrors") or ()),
            _credentials(entry),
        )
        for entry in entries
    )


def hosts_of(registries: t.Iterable[Registry]) -> dict[str, Host]:
    """Return all hosts of *registries*, mirrors' too, by name."""
    hosts: dict[str, Host] = {}
    for registry in registries:
        hosts[registry.name] = registry.host
        hosts.update({mirror.host.name: mirror.host for mirror in registry.mirrors})
    return hosts


def hosts_toml(registry: Registry, credentials: t.Mapping[str, Credentials]) -> str | None:
    """Return containerd's ``hosts.toml`` of *registry*; ``None`` if it would say nothing that is not so anyway.

    Args:
        registry: the registry.
        credentials: by host, those that stand in the file as a header.
    """
    said = _endpoint(registry.host, credentials)
    if not said and not registry.mirrors and not registry.host.plain_http:
        return None
    document: dict[str, t.Any] = {"server": registry.server, **said}
    document["host"] = {
        # The path in the URL is the API's, below which containerd would append its own /v2.
        f"{mirror.host.scheme}://{mirror.host.name}{'/v2' + mirror.path if mirror.path else ''}": {
            "capabilities": list(mirror.capabilities),
            **({"override_path": True} if mirror.path else {}),
            **_endpoint(mirror.host, credentials),
        }
        for mirror in registry.mirrors
    }
    if not registry.mirrors:
        del document["host"]
    return HEADER + dumps(document, sort_keys=False)


def buildkit_registries(registries: t.Sequence[Registry]) -> dict[str, t.Any]:
    """Return the table ``registry`` of ``buildkitd.toml``.

    A mirror that may not resolve tags is left out: BuildKit would ask it for them.
    """
    table: dict[str, t.Any] = {}
    for host in hosts_of(registries).values():
        settings: dict[str, t.Any] = {}
        if host.plain_http:
            settings["http"] = True
        if host.skip_verify:
            settings["insecure"] = True
        if host.authority is not None:
            settings["ca"] = [host.certificate_path]
        if settings:
            table[host.name] = settings
    for registry in registries:
        mirrors = [f"{mirror.host.name}{mirror.path}" for mirror in registry.mirrors if mirror.serves_tags]
        if mirrors:
            table.setdefault(registry.name, {})["mirrors"] = mirrors
    return table


def containers_registries(registries: t.Sequence[Registry], search: t.Sequence[str]) -> str | None:
    """Return buildah's ``registries.conf``; ``None`` if it would say nothing.

    Args:
        registries: the registries.
        search: where a name without a registry is looked for.
    """
    document: dict[str, t.Any] = {}
    if search:
        document["unqualified-search-registries"] = list(search)
    entries = [_containers_entry(registry) for registry in registries]
    if any(entries):
        document["registry"] = [entry for entry in entries if entry]
    return HEADER + dumps(document) if document else None


def _containers_entry(registry: Registry) -> dict[str, t.Any]:
    entry: dict[str, t.Any] = {}
    if registry.host.plain_http or registry.host.skip_verify:
        entry["insecure"] = True
    mirrors = [_containers_mirror(mirror) for mirror in registry.mirrors if "pull" in mirror.capabilities]
    if mirrors:
        entry["mirror"] = mirrors
    return {"location": registry.name, **entry} if entry else {}


def _containers_mirror(mirror: Mirror) -> dict[str, t.Any]:
    entry: dict[str, t.Any] = {"location": f"{mirror.host.name}{mirror.path}"}
    if mirror.host.plain_http or mirror.host.skip_verify:
        entry["insecure"] = True
    if not mirror.serves_tags:
        entry["pull-from-mirror"] = "digest-only"
    return entry


def _endpoint(host: Host, credentials: t.Mapping[str, Credentials]) -> dict[str, t.Any]:
    said: dict[str, t.Any] = {}
    if host.authority is not None:
        said["ca"] = host.certificate_path
    if host.skip_verify:
        said["skip_verify"] = True
    if host.name in credentials:
        said["header"] = {"Authorization": f"Basic {credentials[host.name].basic}"}
    return said


def _registry_host(entry: t.Mapping[str, t.Any]) -> Host:
    name = str(entry["name"])
    domain = Reference.parse(f"{name}/repository").domain if _HOST.fullmatch(name) else ""
    if not domain or domain != name:
        raise InvalidInput(
            "This is not the name of a registry as it stands in references",
            subject=repr(name),
            expected="host[:port] with a dot, a colon or localhost, such as docker.io or registry.example.org:5000",
            remedy=f"write {domain}" if domain == DOCKER_HUB and name.endswith(DOCKER_HUB) else None,
        )
    if name == DOCKER_HUB and entry.get("plain_http"):
        raise InvalidInput(
            "Docker Hub does not speak plain HTTP",
            subject=name,
            remedy="leave out plain_http; a mirror of it may have an http:// URL",
        )
    return _checked_host(Host(name, bool(entry.get("plain_http")), _authority(entry), bool(entry.get("skip_verify"))))


def _mirror(registry: str, entry: t.Mapping[str, t.Any], hosts: dict[str, Host]) -> Mirror:
    try:
        url = urllib.parse.urlsplit(str(entry["url"]))
    except ValueError:
        # A bracket without its counterpart.
        url = urllib.parse.SplitResult("", "", str(entry["url"]).rpartition("@")[2], "", "")
    path = url.path.rstrip("/")
    if (
        url.scheme not in ("http", "https")
        or not _HOST.fullmatch(url.netloc)
        or not _PATH.fullmatch(path)
        or url.query
        or url.fragment
    ):
        raise InvalidInput(
            f"This is not the URL of a mirror of {registry}",
            subject=_without_user(url),
            expected="http:// or https://, host[:port], and a repository path if it has one; no user or password",
            remedy="give credentials in an entry for the mirror's own host" if "@" in url.netloc else None,
        )
    capabilities = tuple(entry.get("capabilities") or ("pull", "resolve"))
    unknown = sorted(set(capabilities) - set(CAPABILITIES))
    if unknown:
        raise InvalidInput(
            f"A mirror has no such capability: {', '.join(unknown)}",
            subject=url.geturl(),
            expected=", ".join(CAPABILITIES),
        )
    known = hosts.get(url.netloc)
    host = _checked_host(
        Host(
            url.netloc,
            url.scheme == "http",
            _authority(entry) or (known.authority if known else None),
            bool(known and known.skip_verify if entry.get("skip_verify") is None else entry["skip_verify"]),
        )
    )
    if known is not None and known != host:
        raise InvalidInput(
            "A host is described in two ways that contradict each other",
            subject=url.netloc,
            expected="the same scheme, certificate authority and skip_verify wherever it is a registry or a mirror",
        )
    hosts[host.name] = host
    return Mirror(host, path, capabilities)


def _without_user(url: urllib.parse.SplitResult) -> str:
    return url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()


def _authority(entry: t.Mapping[str, t.Any]) -> Authority | None:
    pem, path = entry.get("ca") or None, entry.get("ca_file") or None
    if pem and path:
        raise InvalidInput(
            "A certificate authority is given twice",
            subject=str(entry.get("name") or entry.get("url")),
            remedy="give ca or ca_file, not both",
        )
    if path and not str(path).startswith("/"):
        raise InvalidInput("ca_file is not an absolute path on the node", subject=str(path))
    return Authority(str(pem) if pem else None, str(path) if path else None) if pem or path else None


def _checked_host(host: Host) -> Host:
    if host.plain_http and (host.authority is not None or host.skip_verify):
        raise InvalidInput(
            "A host that speaks plain HTTP shows no certificate that could be verified",
            subject=host.name,
            remedy="leave out its ca, ca_file and skip_verify, or use HTTPS",
        )
    if host.authority is not None and host.skip_verify:
        raise InvalidInput(
            "A certificate that is not verified needs no authority",
            subject=host.name,
            remedy="leave out skip_verify, so that the authority counts",
        )
    return host


def _credentials(entry: t.Mapping[str, t.Any]) -> Credentials | None:
    username, password = entry.get("username"), entry.get("password")
    cri_auth = bool(entry.get("cri_auth"))
    if username is None and password is None:
        if cri_auth:
            raise InvalidInput(
                "cri_auth is set, but there are no credentials to hand on",
                subject=str(entry["name"]),
                remedy="give username and password",
            )
        return None
    if not username or not password or ":" in str(username):
        raise InvalidInput(
            "The credentials of a registry are not complete",
            subject=str(entry["name"]),
            expected="username, without a colon, and password",
        )
    return Credentials(str(username), str(password), cri_auth)
