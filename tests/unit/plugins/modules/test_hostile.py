# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile references, labels, paths and Dockerfiles, through whole modules: words and values, never code or options."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.release import __version__ as core_version
from ansible_collections.nephoran.container_build.plugins.module_utils import _build_backends
from ansible_collections.nephoran.container_build.plugins.modules import (
    container_run,
    image_build,
    image_export,
    image_import,
    image_info,
    image_pull,
    image_push,
    image_remove,
    image_tag,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import BUILDKIT, FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_registry import FakeRegistry
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Call
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

APP, PUSHED = "docker.io/library/app:v1", "registry.example.com/app:v1"
TOOLS = {"nerdctl", "ctr", "buildctl", "buildah"}
BACKENDS = ("nerdctl", "buildctl", "buildah")
MARK = "h0stile"
Run = t.Callable[..., t.Any]

two_hundred = settings(max_examples=200, suppress_health_check=list(HealthCheck))

# Each holds the mark, so that it is known again in command lines.
PATTERNS = (
    *("-{}", "--{}", "--output=/{}", "-H tcp://{}", "--address={}", "-o", "--"),
    *("{}; touch /x", "$(touch {})", "`touch {}`", "{} | sh", "{}&", "{}>x", "'{}'", '"{}"', "{}\\", "~{}", "*{}?[a]"),
    *("{{{{ lookup('pipe', 'id') }}}}{}", "{{% for x in y %}}{}", "{{#{}", "${{{}}}", "%({})s", "!unsafe {}"),
    *("{}\n--privileged", "\n{}", "{}\r\n", "{}\0", "\x1b]0;{}\x07", "\x1b[2J{}", "{}\u202e", "{}\ud800", "\ufeff{}"),
    *(
        "../../{}",
        "/../{}",
        "//{}",
        "{}/",
        "./-{}",
        "{}:{}:{}",
        "{}@sha256:0",
        "{}@sha256:" + "0" * 64,
        "[::1]:5000/{}",
    ),
    *("{},type=local,dest=/", "a={}", "={}", "{}=", "type=registry,ref={}", "{} {}", " {}", "{} ", "\t{}", "", " "),
    *(
        "http://user:{}@registry/app",
        "docker://{}",
        "oci:/{}",
        "file:///{}",
        "sha256:" + "f" * 64,
        "UPPER{}",
        "{}" * 200,
    ),
)
# From this release on, ansible-core itself refuses text that is not Unicode, before a module sees it.
ONLY_UNICODE = tuple(map(int, core_version.split(".")[:2])) >= (2, 19)


def can_be_given(text: str) -> bool:
    """Tell whether ansible-core hands *text* to a module."""
    return not ONLY_UNICODE or text == text.encode("utf-8", "replace").decode("utf-8")


hostile = st.one_of(
    st.sampled_from(PATTERNS).map(lambda pattern: pattern.format(*[MARK] * pattern.count("{}"))),
    st.builds("{}{}{}".format, st.text(max_size=8), st.just(MARK), st.text(max_size=8)),
    st.builds(
        "{}{}{}".format, st.sampled_from(["-", "--", "-c", "\0", "\n", "{{", ";", "="]), st.just(MARK), st.text()
    ),
).filter(can_be_given)
# Nothing but what a file system takes as one name, so that whatever a module writes stays below the test's folder.
names = hostile.map(lambda text: text.replace("/", "_").replace("\0", "_")[:80]).filter(
    lambda text: text not in {"", "."}
)


class Site:
    """A node in memory with one image, and all modules that work on images."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path, run_module: Run) -> None:
        self.node = FakeNode(monkeypatch, folder / "node")
        for module in (
            *(container_run, image_export, image_import, image_info, image_pull, image_push, image_remove, image_tag),
            _build_backends,
        ):
            monkeypatch.setattr(module, "ModuleRunner", lambda _module: self.node.runner)
        monkeypatch.chdir(folder)
        # ansible-core itself ends with a traceback when it logs an option that is not Unicode.
        monkeypatch.setattr(AnsibleModule, "_log_invocation", lambda _module: None)
        registry = FakeRegistry(self.node.runner, self.node.containerd)
        self.node.runner.on("nerdctl", "run")
        self.image = self.node.images.manifest("linux/amd64", [b"layer"], stated=False)
        self.node.containerd.put("default", APP, self.image, self.node.images)
        registry.put(PUSHED, self.image, self.node.images)
        self.folder = folder
        self.context = folder / "context"
        self.context.mkdir()
        (self.context / "Dockerfile").write_text("FROM scratch\n")
        self._run_module = run_module

    def run(self, module: types.ModuleType, options: dict[str, t.Any], given: str) -> None:
        """Run *module*; require that it works or refuses in words, and starts nothing of what is *given*."""
        before = len(self.node.runner.calls)
        ended = self._run_module(module.main, options)
        assert "Traceback" not in str(ended.result)
        assert "exception" not in ended.result
        if ended.failed:
            assert ended.result["error"]["kind"] in {
                "invalid_input",
                "not_found",
                "unavailable",
                "refused",
                "tool_failed",
            }
            assert all(line.isprintable() for line in ended.result["msg"].split("\n"))
        for call in self.node.runner.calls[before:]:
            check(call, given)
        # As containerd does; what earlier examples built would be listed to all later ones.
        self.node.containerd.collect_garbage()

    def build(self, given: str, backend: str, **options: t.Any) -> None:
        where = {} if backend == "buildah" else {"buildkit_host": BUILDKIT}
        base = {"name": "app:v2", "path": str(self.context), "backend": backend, "rebuild": "always", **where}
        self.run(image_build, {**base, **options}, given)


def check(call: Call, given: str) -> None:
    """Require that *given* is no command, no option and no script in *call*."""
    if call.argv[0] in {"containerd", "buildkit"}:
        # A call of a daemon's interface, which has fields and not words.
        return
    assert call.argv[0] in TOOLS
    # Of "--" and the like, that it stands there itself: each option begins so.
    begins = str.startswith if MARK in given else str.__eq__
    for before, word in zip(call.argv, call.argv[1:]):
        if given.startswith("-") and begins(word, given):
            # The value of an option may begin as it likes: both parsers, pflag and urfave/cli, take the next word.
            assert before.startswith("--"), call.argv
        assert "\0" not in word


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, run_module: Run) -> Site:
    return Site(monkeypatch, tmp_path, run_module)


REFERENCES: dict[str, tuple[types.ModuleType, t.Callable[[str], dict[str, t.Any]]]] = {
    "import": (image_import, lambda text: {"name": [text]}),
    "rename": (image_import, lambda text: {"name": ["app:v1"], "rename": {"app:v1": text}}),
    "renamed": (image_import, lambda text: {"name": ["app:v1"], "rename": {text: "app:v2"}}),
    "source namespace": (image_import, lambda text: {"name": ["app:v1"], "source_namespace": text}),
    "namespace": (image_info, lambda text: {"namespace": text}),
    "info": (image_info, lambda text: {"name": [text]}),
    "tag": (image_tag, lambda text: {"name": "app:v1", "repository": [text]}),
    "tagged": (image_tag, lambda text: {"name": text, "repository": ["app:v3"]}),
    "tag's tag": (image_tag, lambda text: {"name": "app", "tag": text, "repository": ["app:v3"]}),
    "remove": (image_remove, lambda text: {"name": [text]}),
    "pull": (image_pull, lambda text: {"name": text}),
    "push": (image_push, lambda text: {"name": text}),
    "push to": (image_push, lambda text: {"name": "app:v1", "repository": text}),
    "platform": (image_pull, lambda text: {"name": PUSHED, "platform": text}),
    "run": (container_run, lambda text: {"image": text}),
}


@pytest.mark.parametrize("option", REFERENCES)
@given(text=hostile)
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_references(site: Site, option: str, text: str) -> None:
    module, options = REFERENCES[option]
    site.run(module, options(text), text)


@given(text=hostile, backend=st.sampled_from(BACKENDS), option=st.sampled_from(["name", "tag", "target", "namespace"]))
@two_hundred
def test_names_of_a_build(site: Site, text: str, backend: str, option: str) -> None:
    site.build(text, backend, **{"name": "app", option: text})


@given(key=hostile, value=hostile, backend=st.sampled_from(BACKENDS))
@two_hundred
def test_labels_of_a_build(site: Site, key: str, value: str, backend: str) -> None:
    site.build(value, backend, labels={key: "value", "key": value})
    site.build(key, backend, labels={key: value})


@given(key=hostile, value=hostile, module=st.sampled_from([image_import, image_pull]))
@two_hundred
def test_labels_of_records(site: Site, key: str, value: str, module: types.ModuleType) -> None:
    name: t.Any = ["app:v1"] if module is image_import else PUSHED
    site.run(module, {"name": name, "labels": {key: "value"}}, key)
    site.run(module, {"name": name, "labels": {"key": value}}, value)


@given(
    text=hostile,
    backend=st.sampled_from(BACKENDS),
    option=st.sampled_from(["args", "etc_hosts", "build_contexts", "cache_from", "cache_to", "allow", "platform"]),
)
@two_hundred
def test_further_options_of_a_build(site: Site, text: str, backend: str, option: str) -> None:
    value: t.Any = {"name": text, "host": text} if option in {"args", "etc_hosts", "build_contexts"} else [text]
    site.build(text, backend, **{option: value})


@given(name=names, backend=st.sampled_from(BACKENDS), content=st.binary(max_size=20))
@two_hundred
def test_paths_of_a_build(site: Site, name: str, backend: str, content: bytes) -> None:
    try:
        folder = site.folder / "hostile" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        (folder / "Dockerfile").write_text("FROM scratch\n")
    except (UnicodeEncodeError, OSError):
        # What no file can be called is only asked for.
        folder = pathlib.Path(site.folder, "hostile", name)
    site.build(name, backend, path=str(folder))
    site.build(name, backend, path=str(folder), dockerfile=name)
    site.build(name, backend, build_contexts={"more": str(folder)})
    site.build(name, backend, log_path=str(site.folder / "logs" / name))
    site.build(name, backend, secrets=[{"id": "token", "type": "file", "src": str(folder / name)}])
    site.build(name, backend, secrets=[{"id": name, "type": "value", "value": "x"}])


@given(name=names)
@two_hundred
def test_paths_of_archives(site: Site, name: str) -> None:
    path = str(site.folder / "archives" / name)
    site.run(image_export, {"name": ["app:v1"], "path": path}, name)
    site.run(image_import, {"path": path, "name": ["app:v1"], "namespace": "k8s.io"}, name)
    site.run(image_import, {"path": name}, name)


@given(
    text=st.one_of(hostile, st.text(max_size=200), st.lists(hostile).map("\n".join)), backend=st.sampled_from(BACKENDS)
)
@two_hundred
def test_dockerfiles(site: Site, text: str, backend: str) -> None:
    site.build(text or MARK, backend, dockerfile_content=text)


def test_the_check_finds_what_it_is_for() -> None:
    check(Call(("nerdctl", "build", "--label", f"-{MARK}=1", "/srv")), f"-{MARK}")
    for option in ("--", "-o", f"--{MARK}"):
        with pytest.raises(AssertionError):
            check(Call(("nerdctl", "build", option)), option)
    with pytest.raises(AssertionError):
        check(Call(("sh", "-c", "id")), "id")
