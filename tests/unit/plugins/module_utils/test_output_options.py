# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs as a user asks for them."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildSpec, Output
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._output_options import (
    pushed_names,
    read_outputs,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference


@pytest.fixture
def spec(tmp_path: pathlib.Path) -> BuildSpec:
    for name in ("context", "named", "elsewhere"):
        (tmp_path / name).mkdir()
    context = str(tmp_path / "context")
    return BuildSpec(
        Reference.parse("app:v1"),
        context,
        f"{context}/Dockerfile",
        build_contexts={"named": str(tmp_path / "named"), "base": "docker-image://alpine"},
    )


def read(spec: BuildSpec, *outputs: dict[str, t.Any]) -> tuple[Output, ...]:
    given = [{"dest": None, "name": [], "push": False, **output} for output in outputs]
    return read_outputs({"outputs": given, "tag": "v7"}, spec)


def test_each_kind(spec: BuildSpec, tmp_path: pathlib.Path) -> None:
    dest = str(tmp_path / "elsewhere")
    assert read(
        spec,
        {"type": "local", "dest": f"{dest}//folder/"},
        {"type": "tar", "dest": f"{dest}/root.tar"},
        {"type": "oci", "dest": f"{dest}/oci.tar"},
        {"type": "docker", "dest": f"{dest}/docker.tar"},
        {"type": "image", "name": ["app", "registry.example.com/app:v8"]},
        {"type": "image", "push": True},
    ) == (
        Output("local", f"{dest}/folder"),
        Output("tar", f"{dest}/root.tar"),
        Output("oci", f"{dest}/oci.tar"),
        Output("docker", f"{dest}/docker.tar"),
        Output("image", names=(Reference.parse("app:v7"), Reference.parse("registry.example.com/app:v8"))),
        Output("image", push=True),
    )


REFUSED: dict[str, tuple[dict[str, t.Any], str]] = {
    "relative": ({"type": "tar", "dest": "out.tar"}, "Not a path that an output"),
    "a comma": ({"type": "tar", "dest": "/srv/a,b"}, "Not a path that an output"),
    "a colon": ({"type": "oci", "dest": "/srv/a:b"}, "Not a path that an output"),
    "the root": ({"type": "local", "dest": "//"}, "root folder"),
    "no folder": ({"type": "tar", "dest": "/no/such/folder/x.tar"}, "does not exist"),
    "an image in a file": ({"type": "image", "dest": "/srv/x"}, "lands in the store"),
    "a file with names": ({"type": "tar", "dest": "/srv/x", "name": ["app"]}, "Only an output of type image"),
    "a file that is pushed": ({"type": "tar", "dest": "/srv/x", "push": True}, "Only an output of type image"),
    "a digest": ({"type": "image", "name": [f"app@sha256:{'0' * 64}"]}, "by its digest"),
    "no name": ({"type": "image", "name": ["--help"]}, "must not begin"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_an_output(spec: BuildSpec, case: str) -> None:
    output, said = REFUSED[case]
    with pytest.raises(InvalidInput, match=said):
        read(spec, output)


@pytest.mark.parametrize("inside", ["context", "context/out", "named/x/..", ".", "link/out"])
def test_an_output_would_change_the_context(spec: BuildSpec, tmp_path: pathlib.Path, inside: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "context")
    (tmp_path / "named" / "x").mkdir()
    with pytest.raises(InvalidInput, match="neither in a build context"):
        read(spec, {"type": "local", "dest": f"{tmp_path}/{inside}"})


def test_outputs_leave_each_other_alone(spec: BuildSpec, tmp_path: pathlib.Path) -> None:
    folder, beside = str(tmp_path / "elsewhere"), str(tmp_path / "elsewhere-too")
    assert len(read(spec, {"type": "local", "dest": folder}, {"type": "local", "dest": beside})) == 2
    for dest in (folder, f"{folder}/x.tar"):
        with pytest.raises(InvalidInput, match="nor in another output"):
            read(spec, {"type": "local", "dest": folder}, {"type": "tar", "dest": dest})


def test_an_archive_for_docker_holds_one_platform(spec: BuildSpec, tmp_path: pathlib.Path) -> None:
    both = spec._replace(platforms=(Platform.parse("linux/amd64"), Platform.parse("linux/arm64")))
    output = {"dest": str(tmp_path / "elsewhere" / "x.tar")}
    assert read(both, {"type": "oci", **output})
    with pytest.raises(InvalidInput, match="holds one platform"):
        read(both, {"type": "docker", **output})


class TestPushes:
    APP, OTHER = Reference.parse("registry.example.com/app:v1"), Reference.parse("mirror.example.com/app:v1")
    NOTHING: t.ClassVar[dict[str, t.Any]] = {
        "push": False,
        "base_digest": "ignore",
        "auth_file": None,
        "username": None,
        "insecure": False,
    }

    def test_nothing(self) -> None:
        assert pushed_names(self.NOTHING, self.APP, [Output("image", names=(self.OTHER,))]) == ()

    def test_each_name_once(self) -> None:
        outputs = [Output("image", names=(self.OTHER, self.APP), push=True), Output("image", push=True)]
        assert pushed_names(self.NOTHING, self.APP, outputs) == (self.OTHER, self.APP)
        assert pushed_names({**self.NOTHING, "push": True}, self.APP, outputs) == (self.APP, self.OTHER)

    @pytest.mark.parametrize("option", [{"auth_file": "/x"}, {"username": "me"}, {"insecure": True}])
    def test_a_way_to_a_registry_that_nobody_goes(self, option: dict[str, t.Any]) -> None:
        with pytest.raises(InvalidInput, match=f"nothing is pushed.*{next(iter(option))}"):
            pushed_names({**self.NOTHING, **option}, self.APP, [])

    def test_the_registries_of_bases_are_reached_too(self) -> None:
        check = {**self.NOTHING, "base_digest": "check", "auth_file": "/x", "insecure": True}
        assert pushed_names(check, self.APP, []) == ()
        with pytest.raises(InvalidInput, match="nothing is pushed"):
            pushed_names({**check, "auth_file": None, "insecure": False, "username": "me"}, self.APP, [])

    def test_a_user_is_known_to_one_registry(self) -> None:
        outputs = [Output("image", names=(self.APP, self.OTHER), push=True)]
        with pytest.raises(InvalidInput, match=r"several registries.*mirror\.example\.com and registry"):
            pushed_names({**self.NOTHING, "username": "me"}, self.APP, outputs)
        assert pushed_names({**self.NOTHING, "auth_file": "/x"}, self.APP, outputs) == (self.APP, self.OTHER)
