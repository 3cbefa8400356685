# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FROM instructions, as BuildKit reads them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._dockerfile_bases import bases_of
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform

HOST = Platform.parse("linux/amd64")
ARM64 = Platform.parse("linux/arm64")


def bases(dockerfile: str, *platforms: Platform, contexts: dict[str, str] | None = None, **args: str) -> list[str]:
    return [
        f"{base.reference.familiar()} {base.platform}"
        for base in bases_of(dockerfile, args, platforms, contexts or {}, HOST)
    ]


class Case(t.NamedTuple):
    """A Dockerfile, the images it begins with, and values of its arguments."""

    dockerfile: str
    images: list[str]
    args: dict[str, str] = {}  # noqa: RUF012 - nobody changes it


CASES = {
    "one": Case("FROM alpine:3.22\n", ["alpine:3.22"]),
    "no tag": Case("from alpine", ["alpine:latest"]),
    "a registry": Case("FROM registry.example.com/team/base:v1 AS x", ["registry.example.com/team/base:v1"]),
    "scratch": Case("FROM scratch\nCOPY . /", []),
    "stages": Case(
        "FROM golang AS Build\nRUN make\nFROM build AS test\nFROM alpine\nCOPY --from=build /a /a",
        ["golang:latest", "alpine:latest"],
    ),
    "the same image twice": Case("FROM alpine\nFROM alpine AS b", ["alpine:latest"]),
    "a stage of a later name is an image": Case("FROM later\nFROM alpine AS later", ["later:latest", "alpine:latest"]),
    "tabs": Case("FROM\talpine\tas\tx", ["alpine:latest"]),
    "a continued line": Case("FROM \\\n# a comment\n\n  alpine \\\n  AS x\nFROM x", ["alpine:latest"]),
    "another escape": Case("# syntax=docker/dockerfile:1\n# escape=`\nFROM `\n alpine", ["alpine:latest"]),
    "no directive after a comment": Case("# words\n# escape=`\nFROM \\\n alpine", ["alpine:latest"]),
    "a byte order mark": Case("\ufeffFROM alpine", ["alpine:latest"]),
    "a here-document": Case(
        "FROM alpine\nRUN <<EOF\nFROM not-me\nEOF\nCOPY <<-'A' <<B /\nFROM nor-me\n\tA\nFROM x\nB\nFROM debian",
        ["alpine:latest", "debian:latest"],
    ),
    "an argument's default": Case("ARG BASE=alpine TAG='3.22'\nFROM ${BASE}:$TAG", ["alpine:3.22"]),
    "an argument": Case("ARG TAG=1\nFROM alpine:$TAG", ["alpine:2"], {"TAG": "2"}),
    "an argument that is not declared": Case("FROM alpine:${TAG:-3}", ["alpine:3"], {"TAG": "2"}),
    "arguments build on each other": Case("ARG A=1\nARG B=${A}.5\nFROM alpine:$B", ["alpine:1.5"]),
    "an argument of a stage": Case("FROM alpine\nARG TAG=2\nFROM debian:${TAG:-1}", ["alpine:latest", "debian:1"]),
    "alternatives": Case(
        "ARG EMPTY=\nFROM a${EMPTY:-x}\nFROM b${EMPTY-x}\nFROM c${NONE-x}\nFROM d${EMPTY+x}\nFROM e${EMPTY:+x}",
        ["ax:latest", "b:latest", "cx:latest", "dx:latest", "e:latest"],
    ),
    "quotes": Case('FROM "alpine:3.22"', ["alpine:3.22"]),
    "a digest": Case(f"FROM alpine@sha256:{'0' * 64}", [f"alpine@sha256:{'0' * 64}"]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_images_that_stages_begin_with(name: str) -> None:
    case = CASES[name]
    assert bases(case.dockerfile, **case.args) == [f"{image} linux/amd64" for image in case.images]


def test_each_platform_has_its_own_base() -> None:
    dockerfile = "FROM --platform=$BUILDPLATFORM golang AS build\nFROM base-$TARGETARCH$TARGETVARIANT"
    assert bases(dockerfile) == ["golang:latest linux/amd64", "base-amd64:latest linux/amd64"]
    assert bases(dockerfile, ARM64, Platform.parse("linux/arm/v7")) == [
        "golang:latest linux/amd64",
        "base-arm64:latest linux/arm64",
        "base-armv7:latest linux/arm/v7",
    ]
    assert bases("FROM --platform=linux/arm64 alpine") == ["alpine:latest linux/arm64"]


def test_named_contexts_take_the_place_of_images() -> None:
    contexts = {"alpine": "docker-image://mirror.example.com/alpine:3", "debian": "/srv/root", "golang": "target:x"}
    assert bases("FROM alpine\nFROM debian\nFROM golang", contexts=contexts) == [
        "mirror.example.com/alpine:3 linux/amd64"
    ]


@pytest.mark.parametrize(
    ("dockerfile", "said"),
    [
        ("FROM", "names no image.*FROM "),
        ("FROM $BASE", "names no image"),
        ("FROM a b", "names no image.*a b"),
        ("FROM --frob=x alpine", "names no image"),
        ("FROM UPPER", "lower case"),
        ("ARG A=1.2\nFROM alpine:${A%.*}", "not known here.*base_digest"),
        ("FROM --platform=x/y/z/w alpine", "Not a valid platform"),
    ],
)
def test_what_cannot_be_told(dockerfile: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"(?s){said}"):
        bases(dockerfile)
