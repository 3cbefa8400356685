# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which BuildKit daemon serves a namespace."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._buildkit_host import (
    buildkit_host,
    socket_candidates,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, Unavailable


def listening(root: pathlib.Path, *folders: str) -> None:
    for folder in folders:
        (root / folder).mkdir()
        (root / folder / "buildkitd.sock").touch()


def test_nerdctls_own_order() -> None:
    assert socket_candidates("k8s.io") == [
        "/run/buildkit-k8s.io/buildkitd.sock",
        "/run/buildkit-default/buildkitd.sock",
        "/run/buildkit/buildkitd.sock",
    ]


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (["buildkit"], "buildkit"),
        (["buildkit", "buildkit-default"], "buildkit-default"),
        (["buildkit", "buildkit-default", "buildkit-k8s.io"], "buildkit-k8s.io"),
        (["buildkit", "buildkit-other"], "buildkit"),
    ],
)
def test_the_namespaces_own_daemon_comes_first(tmp_path: pathlib.Path, there: list[str], chosen: str) -> None:
    listening(tmp_path, *there)
    assert buildkit_host(None, "k8s.io", str(tmp_path)) == f"unix://{tmp_path}/{chosen}/buildkitd.sock"


@pytest.mark.parametrize("given", [None, ""])
def test_without_any_the_places_are_told(tmp_path: pathlib.Path, given: str | None) -> None:
    with pytest.raises(Unavailable, match=r"No BuildKit daemon was found: namespace k8s\.io") as caught:
        buildkit_host(given, "k8s.io", str(tmp_path))
    assert f"{tmp_path}/buildkit-k8s.io/buildkitd.sock" in (caught.value.expected or "")
    assert "nephoran.container_build.buildkit" in (caught.value.remedy or "")


@pytest.mark.parametrize("given", ["unix:///run/x/buildkitd.sock", "tcp://builder:1234", "tcp://[2001:db8::1]:1234"])
def test_a_given_address_is_used_as_it_is(tmp_path: pathlib.Path, given: str) -> None:
    listening(tmp_path, "buildkit")
    assert buildkit_host(given, "k8s.io", str(tmp_path)) == given


@pytest.mark.parametrize(
    "given",
    ["/run/x", "unix://run/x", "http://x", "--help", "-x", "tcp://", "unix:///a b", "unix:///a\n", "unix:///a\0b", "ü"],
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="Not an address of BuildKit") as caught:
        buildkit_host(given, "k8s.io")
    assert str(caught.value).isprintable()
