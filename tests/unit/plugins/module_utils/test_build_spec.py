# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each part of a build in the words of each builder."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    BuildSpec,
    RootRequest,
    Secret,
    SSHAgent,
    dockerfile_of_image,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import buildah_root_words, buildah_words
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import (
    buildctl_root_words,
    buildctl_words,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_builder import (
    nerdctl_build_words,
    nerdctl_root_words,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

NAME = "docker.io/library/app:v1"
PLAIN = BuildSpec(Reference.parse("app:v1"), "/srv/app", "/srv/app/Dockerfile")
AMD64, ARM_V7 = Platform.parse("linux/amd64"), Platform.parse("linux/arm/v7")


def nerdctl(*words: str, dockerfile: str = "/srv/app/Dockerfile", context: str = "/srv/app") -> list[str]:
    # Of platforms, nerdctl decides by itself where the image goes.
    output = () if "--platform" in words else ("--output", "type=image,unpack=true")
    return ["build", "--progress=rawjson", "--tag", NAME, "--file", dockerfile, *words, *output, context]


def buildctl(
    *words: str,
    opts: t.Sequence[str] = (),
    folders: t.Sequence[str] = ("context=/srv/app", "dockerfile=/srv/app"),
    filename: str = "Dockerfile",
) -> list[str]:
    options = sorted([f"filename={filename}", *opts])
    return [
        *("--progress=rawjson", "--frontend", "dockerfile.v0"),
        *(word for folder in folders for word in ("--local", folder)),
        *(word for option in options for word in ("--opt", option)),
        *words,
        *("--output", f"type=image,name={NAME},unpack=true"),
    ]


def buildah(*words: str, dockerfile: str = "/srv/app/Dockerfile", context: str = "/srv/app/") -> list[str]:
    return ["bud", "--layers", "--force-rm", "--format", "oci", "--tag", NAME, "--file", dockerfile, *words, context]


class Case(t.NamedTuple):
    """A change of the plain build, and what it makes of each command line; None: the builder refuses it."""

    name: str
    change: dict[str, t.Any]
    nerdctl: list[str]
    buildctl: list[str]
    buildah: list[str] | None


CASES = [
    Case("plain", {}, nerdctl(), buildctl(), buildah()),
    Case(
        "a Dockerfile elsewhere",
        {"dockerfile": "/scratch/x/My.Dockerfile"},
        nerdctl(dockerfile="/scratch/x/My.Dockerfile"),
        buildctl(folders=("context=/srv/app", "dockerfile=/scratch/x"), filename="My.Dockerfile"),
        buildah(dockerfile="/scratch/x/My.Dockerfile"),
    ),
    Case(
        "the root as context",
        {"context": "/"},
        nerdctl(context="/"),
        buildctl(folders=("context=/", "dockerfile=/srv/app")),
        buildah(context="/"),
    ),
    Case(
        "args",
        {"args": {"B": "x=y, \"z\" '$HOME'", "A": "", "D": "-x"}},
        nerdctl("--build-arg", "A=", "--build-arg", "B=x=y, \"z\" '$HOME'", "--build-arg", "D=-x"),
        buildctl(opts=["build-arg:A=", "build-arg:B=x=y, \"z\" '$HOME'", "build-arg:D=-x"]),
        buildah("--build-arg", "A=", "--build-arg", "B=x=y, \"z\" '$HOME'", "--build-arg", "D=-x"),
    ),
    Case(
        "target",
        {"target": "runtime"},
        nerdctl("--target", "runtime"),
        buildctl(opts=["target=runtime"]),
        buildah("--target", "runtime"),
    ),
    Case(
        "platform",
        {"platforms": (ARM_V7,)},
        nerdctl("--platform", "linux/arm/v7"),
        buildctl(opts=["platform=linux/arm/v7"]),
        buildah("--platform", "linux/arm/v7"),
    ),
    Case(
        "platforms",
        {"platforms": (AMD64, ARM_V7)},
        nerdctl("--platform", "linux/amd64,linux/arm/v7"),
        buildctl(opts=["platform=linux/amd64,linux/arm/v7"]),
        None,
    ),
    Case(
        "labels",
        {"labels": {"org.example.b": "2", "a": "x, y=z"}},
        nerdctl("--label", "a=x, y=z", "--label", "org.example.b=2"),
        buildctl(opts=["label:a=x, y=z", "label:org.example.b=2"]),
        buildah("--label", "a=x, y=z", "--label", "org.example.b=2"),
    ),
    Case(
        "network none",
        {"network": "none"},
        nerdctl("--network", "none"),
        buildctl(opts=["force-network-mode=none"]),
        buildah("--network", "none"),
    ),
    Case("etc_hosts", {"etc_hosts": {}}, nerdctl(), buildctl(), buildah()),
    Case(
        "etc_hosts of both families",
        {"etc_hosts": {"db": "192.0.2.7", "six": "2001:db8::7"}},
        nerdctl("--add-host", "db:192.0.2.7", "--add-host", "six:2001:db8::7"),
        buildctl(opts=["add-hosts=db=192.0.2.7,six=2001:db8::7"]),
        buildah("--add-host", "db:192.0.2.7", "--add-host", "six:2001:db8::7"),
    ),
    Case(
        "build_contexts",
        {"build_contexts": {"src": "/srv/src", "base": "docker-image://alpine:3.22", "lib": "/srv/lib"}},
        nerdctl(
            *("--build-context", "base=docker-image://alpine:3.22"),
            *("--build-context", "lib=/srv/lib", "--build-context", "src=/srv/src"),
        ),
        buildctl(
            folders=("context=/srv/app", "context-1=/srv/lib", "context-2=/srv/src", "dockerfile=/srv/app"),
            opts=[
                "context:base=docker-image://alpine:3.22",
                "context:lib=local:context-1",
                "context:src=local:context-2",
            ],
        ),
        buildah(
            *("--build-context", "base=docker-image://alpine:3.22"),
            *("--build-context", "lib=/srv/lib", "--build-context", "src=/srv/src"),
        ),
    ),
    Case(
        "cache_from",
        {"cache_from": ("type=registry,ref=r/b:c", "type=local,src=/a")},
        nerdctl("--cache-from", "type=registry,ref=r/b:c", "--cache-from", "type=local,src=/a"),
        buildctl("--import-cache", "type=registry,ref=r/b:c", "--import-cache", "type=local,src=/a"),
        buildah("--cache-from", "type=registry,ref=r/b:c", "--cache-from", "type=local,src=/a"),
    ),
    Case(
        "cache_to",
        {"cache_to": ("r/b:c",)},
        nerdctl("--cache-to", "r/b:c"),
        buildctl("--export-cache", "r/b:c"),
        buildah("--cache-to", "r/b:c"),
    ),
    Case("pull", {"pull": True}, nerdctl("--pull"), buildctl(opts=["image-resolve-mode=pull"]), buildah("--pull=true")),
    Case("nocache", {"nocache": True}, nerdctl("--no-cache"), buildctl("--no-cache"), buildah("--no-cache")),
    Case(
        "secrets",
        {"secrets": (Secret("token", "/scratch/secret-1"), Secret("cert", "/etc/cert"))},
        nerdctl("--secret", "id=token,src=/scratch/secret-1", "--secret", "id=cert,src=/etc/cert"),
        buildctl("--secret", "id=token,src=/scratch/secret-1", "--secret", "id=cert,src=/etc/cert"),
        buildah("--secret", "id=token,src=/scratch/secret-1", "--secret", "id=cert,src=/etc/cert"),
    ),
    Case(
        "ssh",
        {"ssh": (SSHAgent("default"), SSHAgent("git", ("/run/a.sock",)), SSHAgent("keys", ("/k/1", "/k/2")))},
        nerdctl("--ssh", "default", "--ssh", "git=/run/a.sock", "--ssh", "keys=/k/1,/k/2"),
        buildctl("--ssh", "default", "--ssh", "git=/run/a.sock", "--ssh", "keys=/k/1,/k/2"),
        buildah("--ssh", "default", "--ssh", "git=/run/a.sock", "--ssh", "keys=/k/1,/k/2"),
    ),
    Case(
        "allow",
        {"allow": ("network.host", "security.insecure")},
        nerdctl("--allow", "network.host", "--allow", "security.insecure"),
        buildctl("--allow", "network.host", "--allow", "security.insecure"),
        None,
    ),
    Case(
        "provenance",
        {"provenance": "max"},
        nerdctl("--attest", "type=provenance,mode=max"),
        buildctl(opts=["attest:provenance=mode=max"]),
        None,
    ),
    Case("sbom", {"sbom": True}, nerdctl("--attest", "type=sbom,"), buildctl(opts=["attest:sbom="]), None),
    Case(
        "sbom_generator",
        {"sbom": True, "sbom_generator": "docker.io/team/scanner:v1"},
        nerdctl("--attest", "type=sbom,generator=docker.io/team/scanner:v1"),
        buildctl(opts=["attest:sbom=generator=docker.io/team/scanner:v1"]),
        None,
    ),
    # What that asks for is not said to the client: see the builders' own tests.
    Case("fresh_contexts", {"fresh_contexts": True}, nerdctl(), buildctl(), buildah()),
    Case("inline_dockerfile", {"inline_dockerfile": True}, nerdctl(), buildctl(), buildah()),
    Case("network default", {"network": "default"}, nerdctl("--network", "default"), buildctl(), buildah()),
]
# Neither BuildKit nor buildah has a network of that name; nerdctl itself knows it.


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_in_the_words_of_nerdctl(case: Case) -> None:
    assert nerdctl_build_words(PLAIN._replace(**case.change)) == case.nerdctl


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_in_the_words_of_buildctl(case: Case) -> None:
    assert buildctl_words(PLAIN._replace(**case.change)) == case.buildctl


@pytest.mark.parametrize("case", [case for case in CASES if case.buildah is not None], ids=lambda case: case.name)
def test_in_the_words_of_buildah(case: Case) -> None:
    assert buildah_words(PLAIN._replace(**case.change)) == case.buildah


def test_every_part_of_a_build_is_pinned() -> None:
    pinned = {part for case in CASES for part in case.change} | {"reference"}
    assert pinned == set(BuildSpec._fields)


class TestRootFileSystems:
    """Outputs are made of the image that is there: no registry is asked, and nothing is built a second time."""

    ROOT = RootRequest(Reference.parse("app:v1"), (), "local", "/srv/.out", "/scratch/output-1")
    TWO = ROOT._replace(platforms=(AMD64, ARM_V7), kind="tar", dest="/srv/.out.tar")

    def test_the_dockerfile(self) -> None:
        assert self.ROOT.dockerfile == "/scratch/output-1/Dockerfile"
        assert dockerfile_of_image(self.ROOT.reference) == f"FROM {NAME}\n"

    def test_in_the_words_of_nerdctl(self) -> None:
        common = ["build", "--progress=plain", "--pull=false", "--file", "/scratch/output-1/Dockerfile"]
        assert nerdctl_root_words(self.ROOT) == [
            *common,
            *("--output", "type=local,dest=/srv/.out", "/scratch/output-1"),
        ]
        assert nerdctl_root_words(self.TWO) == [
            *(*common, "--platform", "linux/amd64,linux/arm/v7"),
            *("--output", "type=tar,dest=/srv/.out.tar", "/scratch/output-1"),
        ]

    def test_in_the_words_of_buildctl(self) -> None:
        common = [
            *("--progress=plain", "--frontend", "dockerfile.v0"),
            *("--local", "context=/scratch/output-1", "--local", "dockerfile=/scratch/output-1"),
            *("--opt", "filename=Dockerfile", "--opt", "image-resolve-mode=local"),
        ]
        assert buildctl_root_words(self.ROOT) == [*common, "--output", "type=local,dest=/srv/.out"]
        assert buildctl_root_words(self.TWO) == [
            *(*common, "--opt", "platform=linux/amd64,linux/arm/v7"),
            *("--output", "type=tar,dest=/srv/.out.tar"),
        ]

    def test_in_the_words_of_buildah(self) -> None:
        common = ["bud", "--layers", "--force-rm", "--pull-never", "--file", "/scratch/output-1/Dockerfile"]
        assert buildah_root_words(self.ROOT) == [*common, "--output", "type=local,dest=/srv/.out", "/scratch/output-1/"]
        one = self.ROOT._replace(platforms=(ARM_V7,))
        assert buildah_root_words(one)[len(common) :][:2] == ["--platform", "linux/arm/v7"]


def test_the_hosts_network_is_granted_with_it() -> None:
    """nerdctl does that by itself."""
    spec = PLAIN._replace(network="host")
    assert buildctl_words(spec) == buildctl("--allow", "network.host", opts=["force-network-mode=host"])
    assert buildctl_words(spec._replace(allow=("network.host",))) == buildctl_words(spec)
    assert nerdctl_build_words(spec) == nerdctl("--network", "host")
    assert buildah_words(spec) == buildah("--network", "host")


@pytest.mark.parametrize("words_of", [nerdctl_build_words, buildctl_words, buildah_words])
def test_equal_builds_give_equal_words(words_of: t.Callable[[BuildSpec], list[str]]) -> None:
    one = PLAIN._replace(args={"A": "1", "B": "2"}, labels={"a": "1", "b": "2"}, etc_hosts={"a": "::1"})
    same = PLAIN._replace(args={"B": "2", "A": "1"}, labels={"b": "2", "a": "1"}, etc_hosts={"a": "::1"})
    assert words_of(one) == words_of(same)


def test_all_at_once_the_options_of_buildctl_stay_together() -> None:
    whole: dict[str, t.Any] = {}
    for case in CASES:
        if case.name not in {"network default", "etc_hosts", "the root as context"}:
            whole.update(case.change)
    words = buildctl_words(PLAIN._replace(**whole))
    first = words.index("--opt")
    assert words[first:].count("--local") == 0
    assert words[-2:] == ["--output", f"type=image,name={NAME},unpack=true"]
    assert words.count("--opt") == 16


def test_a_label_is_added_to_those_that_are_there() -> None:
    spec = PLAIN._replace(labels={"a": "1"})
    assert spec.with_label("b", "2").labels == {"a": "1", "b": "2"}
    assert spec.labels == {"a": "1"}
