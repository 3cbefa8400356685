# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries: one description, and the same meaning for containerd, BuildKit and buildah."""

from __future__ import annotations

import base64
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_hosts import (
    buildkit_registries,
    containers_registries,
    hosts_of,
    hosts_toml,
    parse_registries,
)

tomllib = pytest.importorskip("tomllib")

CA = {"ca": "-----BEGIN CERTIFICATE-----"}


def hosts_of_containerd(entry: dict[str, t.Any], *others: dict[str, t.Any]) -> dict[str, t.Any] | None:
    """Return what `hosts.toml` of the registry `entry` says."""
    registries = parse_registries([entry, *others])
    credentials = {
        registry.name: registry.credentials
        for registry in registries
        if registry.credentials is not None and registry.credentials.in_hosts_toml
    }
    text = hosts_toml(registries[0], credentials)
    return None if text is None else tomllib.loads(text)


def told_buildah(*entries: dict[str, t.Any], search: t.Sequence[str] = ()) -> dict[str, t.Any] | None:
    text = containers_registries(parse_registries(entries), search)
    return None if text is None else tomllib.loads(text)


def told_buildkit(*entries: dict[str, t.Any]) -> dict[str, t.Any]:
    return buildkit_registries(parse_registries(entries))


def test_a_registry_of_which_nothing_is_said_is_told_nobody() -> None:
    entry = {"name": "registry.example.org", "username": "u", "password": "p"}
    assert hosts_of_containerd(entry) is None
    assert told_buildkit(entry) == {}
    assert told_buildah(entry) is None


def test_a_plain_mirror_of_docker_hub() -> None:
    entry = {"name": "docker.io", "mirrors": [{"url": "http://10.0.0.5:5000"}]}
    assert hosts_of_containerd(entry) == {
        "server": "https://registry-1.docker.io",
        "host": {"http://10.0.0.5:5000": {"capabilities": ["pull", "resolve"]}},
    }
    assert told_buildkit(entry) == {"docker.io": {"mirrors": ["10.0.0.5:5000"]}, "10.0.0.5:5000": {"http": True}}
    assert told_buildah(entry) == {
        "registry": [{"location": "docker.io", "mirror": [{"location": "10.0.0.5:5000", "insecure": True}]}]
    }


def test_mirrors_are_asked_in_the_order_in_which_they_stand() -> None:
    urls = ["https://z.example.org", "https://a.example.org", "https://m.example.org"]
    registries = parse_registries([{"name": "docker.io", "mirrors": [{"url": url} for url in urls]}])
    # containerd takes the order from the text itself.
    text = hosts_toml(registries[0], {}) or ""
    assert sorted(urls, key=text.index) == urls
    hosts = [url.removeprefix("https://") for url in urls]
    assert buildkit_registries(registries)["docker.io"]["mirrors"] == hosts
    told = tomllib.loads(containers_registries(registries, ()) or "")
    assert [mirror["location"] for mirror in told["registry"][0]["mirror"]] == hosts


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_below_a_path(slash: str) -> None:
    entry = {"name": "docker.io", "mirrors": [{"url": f"https://harbor.example.org/hub/proxy{slash}"}]}
    assert (hosts_of_containerd(entry) or {})["host"] == {
        "https://harbor.example.org/v2/hub/proxy": {"capabilities": ["pull", "resolve"], "override_path": True}
    }
    assert told_buildkit(entry)["docker.io"]["mirrors"] == ["harbor.example.org/hub/proxy"]
    assert (told_buildah(entry) or {})["registry"][0]["mirror"] == [{"location": "harbor.example.org/hub/proxy"}]


def test_a_registry_without_tls() -> None:
    entry = {"name": "registry.example.org:5000", "plain_http": True}
    assert hosts_of_containerd(entry) == {"server": "http://registry.example.org:5000"}
    assert told_buildkit(entry) == {"registry.example.org:5000": {"http": True}}
    assert told_buildah(entry) == {"registry": [{"location": "registry.example.org:5000", "insecure": True}]}


def test_an_authority_lies_where_buildah_looks_and_the_others_are_told() -> None:
    entry = {"name": "r.example.org:5000", **CA, "mirrors": [{"url": "https://m.example.org", "ca_file": "/ca.pem"}]}
    certificates = "/etc/containers/certs.d/r.example.org:5000/ca.crt"
    of_mirror = "/etc/containers/certs.d/m.example.org/ca.crt"
    assert hosts_of_containerd(entry) == {
        "server": "https://r.example.org:5000",
        "ca": certificates,
        "host": {"https://m.example.org": {"capabilities": ["pull", "resolve"], "ca": of_mirror}},
    }
    assert told_buildkit(entry) == {
        "r.example.org:5000": {"ca": [certificates], "mirrors": ["m.example.org"]},
        "m.example.org": {"ca": [of_mirror]},
    }
    authorities = {name: host.authority for name, host in hosts_of(parse_registries([entry])).items()}
    assert authorities["m.example.org"] is not None
    assert authorities["m.example.org"].path == "/ca.pem"


def test_a_certificate_that_is_taken_unseen() -> None:
    entry = {"name": "r.example.org", "skip_verify": True}
    assert hosts_of_containerd(entry) == {"server": "https://r.example.org", "skip_verify": True}
    assert told_buildkit(entry) == {"r.example.org": {"insecure": True}}
    assert told_buildah(entry) == {"registry": [{"location": "r.example.org", "insecure": True}]}


def test_a_mirror_that_may_not_resolve_tags() -> None:
    entry = {"name": "docker.io", "mirrors": [{"url": "https://m.example.org", "capabilities": ["pull"]}]}
    assert (hosts_of_containerd(entry) or {})["host"]["https://m.example.org"] == {"capabilities": ["pull"]}
    assert told_buildkit(entry) == {}
    assert (told_buildah(entry) or {})["registry"][0]["mirror"] == [
        {"location": "m.example.org", "pull-from-mirror": "digest-only"}
    ]


def test_a_mirror_to_push_to_is_containerds_alone() -> None:
    entry = {"name": "docker.io", "mirrors": [{"url": "https://m.example.org", "capabilities": ["push"]}]}
    assert (hosts_of_containerd(entry) or {})["host"]["https://m.example.org"] == {"capabilities": ["push"]}
    assert told_buildkit(entry) == {}
    assert told_buildah(entry) is None


def test_a_mirror_that_is_a_registry_too_has_its_settings_and_credentials() -> None:
    entry = {"name": "docker.io", "mirrors": [{"url": "https://m.example.org:5000"}]}
    mirror = {"name": "m.example.org:5000", **CA, "username": "u", "password": "p", "cri_auth": True}
    told = hosts_of_containerd(entry, mirror) or {}
    assert told["host"]["https://m.example.org:5000"] == {
        "capabilities": ["pull", "resolve"],
        "ca": "/etc/containers/certs.d/m.example.org:5000/ca.crt",
        "header": {"Authorization": "Basic " + base64.b64encode(b"u:p").decode()},
    }
    assert "header" not in told


def test_credentials_are_a_header_only_where_asked_for() -> None:
    entry = {"name": "r.example.org", "username": "ü", "password": 'p:"', "cri_auth": True}
    told = hosts_of_containerd(entry) or {}
    scheme, _space, encoded = told["header"]["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(encoded).decode()) == ("Basic", 'ü:p:"')
    assert hosts_of_containerd({**entry, "cri_auth": False}) is None


def test_a_password_is_not_in_the_representation() -> None:
    registries = parse_registries([{"name": "r.example.org", "username": "u", "password": "hunter2"}])
    assert "hunter2" not in repr(registries)


@pytest.mark.parametrize(
    ("name", "key"),
    [("docker.io", "https://index.docker.io/v1/"), ("r.example.org:5000", "r.example.org:5000")],
)
def test_the_key_of_credentials_is_that_of_docker_login(name: str, key: str) -> None:
    assert parse_registries([{"name": name}])[0].credentials_key == key


def test_buildah_looks_for_short_names_where_the_others_do() -> None:
    assert told_buildah(search=["docker.io"]) == {"unqualified-search-registries": ["docker.io"]}
    assert told_buildah() is None


@pytest.mark.parametrize("name", ["docker.io", "r.example.org", "localhost", "r:5000", "10.0.0.1:80", "[::1]:5000"])
def test_names_of_registries(name: str) -> None:
    assert parse_registries([{"name": name}])[0].name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "registry",
        "https://r.example.org",
        "r.example.org/team",
        "u@r.example.org",
        "../x",
        "r.example.org:",
        "a b.c",
    ],
)
def test_what_is_no_name_of_a_registry(name: str) -> None:
    with pytest.raises(InvalidInput, match="not the name of a registry"):
        parse_registries([{"name": name}])


def test_docker_hub_has_one_name() -> None:
    with pytest.raises(InvalidInput, match=r"To do: write docker\.io"):
        parse_registries([{"name": "index.docker.io"}])


@pytest.mark.parametrize(
    "url",
    [
        "m.example.org",
        "ftp://m.example.org",
        "https://",
        "https://m.example.org?x",
        "https://m.example.org#x",
        "https://m.example.org/a b",
        "https://m.example.org/../x y",
        "https://[::1",
        "https://u:hunter2@m.example.org",
    ],
)
def test_what_is_no_url_of_a_mirror(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"not the URL of a mirror of docker\.io") as caught:
        parse_registries([{"name": "docker.io", "mirrors": [{"url": url}]}])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"name": "r.example.org"}, {"name": "r.example.org"}], "described twice: r.example.org"),
        ([{"name": "docker.io", "plain_http": True}], "Docker Hub does not speak plain HTTP"),
        ([{"name": "r:1", "plain_http": True, **CA}], "shows no certificate"),
        ([{"name": "r:1", "plain_http": True, "skip_verify": True}], "shows no certificate"),
        ([{"name": "r:1", "skip_verify": True, **CA}], "needs no authority"),
        ([{"name": "r:1", **CA, "ca_file": "/ca.pem"}], "given twice"),
        ([{"name": "r:1", "ca_file": "ca.pem"}], "not an absolute path"),
        ([{"name": "r:1", "username": "u"}], "not complete"),
        ([{"name": "r:1", "password": "p"}], "not complete"),
        ([{"name": "r:1", "username": "a:b", "password": "p"}], "without a colon"),
        ([{"name": "r:1", "cri_auth": True}], "no credentials to hand on"),
        ([{"name": "r:1", "mirrors": [{"url": "https://m:1", "capabilities": ["dial"]}]}], "no such capability: dial"),
        ([{"name": "r:1", "mirrors": [{"url": "http://m:1", **CA}]}], "shows no certificate"),
        (
            [{"name": "r:1", "mirrors": [{"url": "http://m:1"}]}, {"name": "s:1", "mirrors": [{"url": "https://m:1"}]}],
            "contradict each other: m:1",
        ),
        ([{"name": "r:1", "mirrors": [{"url": "https://m:1"}]}, {"name": "m:1", "plain_http": True}], "contradict"),
        (
            [
                {"name": "r:1", "mirrors": [{"url": "https://m:1", "skip_verify": False}]},
                {"name": "m:1", "skip_verify": True},
            ],
            "contradict",
        ),
    ],
)
def test_what_cannot_be_meant_is_said(entries: list[dict[str, t.Any]], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parse_registries(entries)
