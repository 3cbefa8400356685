# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of containerd's interface, and what is made of its answers."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils import _protobuf as protobuf
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import (
    BlobMissing,
    Containerd,
    reference_labels,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    IntegrityError,
    NotFound,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._protobuf import Message
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, FakeRunner

SOCKET = "/run/containerd/containerd.sock"
NAME = "docker.io/library/app:v1"
CONTENT = b"{}"
TARGET = oci.Descriptor.of(oci.OCI_MANIFEST, CONTENT)
LAYER = oci.Descriptor(oci.OCI_LAYER, Digest.of(b"a layer"), 7)


class Asked:
    """A call that was recorded."""

    def __init__(self, runner: FakeRunner) -> None:
        (call,) = runner.calls
        self.method = next(word for word in call.argv if re.fullmatch(r"[a-z]+\.[A-Z]\w+", word))
        self.namespace = call.value_of("--namespace") if "--namespace" in call.argv else None
        self.request = Message(call.data or b"")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def containerd(runner: FakeRunner) -> Containerd:
    return Containerd(runner.dial(SOCKET, 7), SOCKET)


def record(name: str = NAME, digest: str = str(TARGET.digest), moment: bytes = b"") -> bytes:
    target = protobuf.text(1, TARGET.media_type) + protobuf.text(2, digest) + protobuf.number(3, TARGET.size)
    labels = protobuf.texts_by_name(2, {"a": "b"})
    return protobuf.text(1, name) + labels + protobuf.message(3, target) + protobuf.message(8, moment)


def test_namespaces(runner: FakeRunner, containerd: Containerd) -> None:
    names = (protobuf.message(1, protobuf.text(1, name)) for name in ("default", "k8s.io"))
    runner.on("containerd", do=Answer(messages=[b"".join(names)]))
    assert containerd.namespaces() == ["default", "k8s.io"]
    asked = Asked(runner)
    assert (asked.method, asked.namespace) == ("namespaces.List", None)


@pytest.mark.parametrize(("code", "gone"), [(0, True), (grpc.NOT_FOUND, True), (grpc.FAILED_PRECONDITION, False)])
def test_a_namespace_is_removed_if_it_is_empty(
    runner: FakeRunner, containerd: Containerd, code: int, gone: bool
) -> None:
    runner.on("containerd", rc=code)
    assert containerd.remove_namespace("staging") is gone
    assert Asked(runner).request.text(1) == "staging"


def test_images_that_match_a_filter(runner: FakeRunner, containerd: Containerd) -> None:
    images = protobuf.message(1, record()) + protobuf.message(1, record("sha256:00"))
    runner.on("containerd", do=Answer(messages=[images]))
    assert containerd.image_names("k8s.io", "name==a", "name==b") == [NAME, "sha256:00"]
    asked = Asked(runner)
    assert (asked.method, asked.namespace) == ("images.List", "k8s.io")
    assert asked.request.texts(1) == ["name==a", "name==b"]


@pytest.mark.parametrize(
    ("seconds", "nanoseconds", "updated"),
    [
        (1_795_519_995, 477_695_815, "2026-11-24T11:33:15.477695815Z"),
        (1_795_519_995, 500_000_000, "2026-11-24T11:33:15.5Z"),
        (1_795_519_995, 0, "2026-11-24T11:33:15Z"),
        (0, 0, ""),
    ],
)
def test_a_record(runner: FakeRunner, containerd: Containerd, seconds: int, nanoseconds: int, updated: str) -> None:
    moment = protobuf.number(1, seconds) + protobuf.number(2, nanoseconds)
    runner.on("containerd", do=Answer(messages=[protobuf.message(1, record(moment=moment))]))
    found = containerd.image_record("k8s.io", NAME)
    assert found is not None
    assert (found.name, found.target, found.labels, found.updated) == (NAME, TARGET, {"a": "b"}, updated)


def test_no_record(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd", rc=grpc.NOT_FOUND)
    assert containerd.image_record("k8s.io", NAME) is None


def test_a_record_of_something_that_is_no_digest(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd", do=Answer(messages=[protobuf.message(1, record(digest="sha256:short"))]))
    with pytest.raises(IntegrityError, match=f"target of {NAME}"):
        containerd.image_record("k8s.io", NAME)


def test_a_name_for_an_image(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd")
    assert containerd.create_image("k8s.io", NAME, TARGET, {"a": "b"})
    asked = Asked(runner)
    image = asked.request.message(1)
    assert (asked.method, image.text(1), image.texts_by_name(2)) == ("images.Create", NAME, {"a": "b"})
    target = image.message(3)
    assert (target.text(1), target.text(2), target.number(3)) == (TARGET.media_type, str(TARGET.digest), TARGET.size)


def test_a_name_that_is_taken_is_no_failure(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd", rc=grpc.ALREADY_EXISTS)
    assert not containerd.create_image("k8s.io", NAME, TARGET)


def test_a_name_that_goes_between_two_calls_is_given_again(runner: FakeRunner, containerd: Containerd) -> None:
    created = iter([Answer(rc=grpc.ALREADY_EXISTS), Answer()])
    runner.on("containerd", "images.Create", do=lambda _call: next(created))
    runner.on("containerd", "images.Update", rc=grpc.NOT_FOUND)
    containerd.put_image("k8s.io", NAME, TARGET, {})
    assert len(runner.commands("containerd", "images.Create")) == 2


def test_a_name_that_cannot_be_got_hold_of(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd", "images.Create", rc=grpc.ALREADY_EXISTS)
    runner.on("containerd", "images.Update", rc=grpc.NOT_FOUND, stderr="it comes and goes")
    with pytest.raises(ToolFailed, match="it comes and goes"):
        containerd.put_image("k8s.io", NAME, TARGET, {})


def test_labels_are_set_in_one_call(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd")
    containerd.label_image("k8s.io", NAME, {"b": "", "io.x/a": "1"})
    request = Asked(runner).request
    assert request.message(1).text(1) == NAME
    assert request.message(1).texts_by_name(2) == {"b": "", "io.x/a": "1"}
    # containerd 2 does not survive an image without a target.
    assert len(request.message(1).messages(3)) == 1
    # What is not named here stays.
    assert request.message(2).texts(1) == ["labels.b", "labels.io.x/a"]


@pytest.mark.parametrize("wait", [False, True])
def test_remove(runner: FakeRunner, containerd: Containerd, wait: bool) -> None:
    runner.on("containerd")
    containerd.remove_image("k8s.io", NAME, wait=wait)
    request = Asked(runner).request
    assert (request.text(1), bool(request.number(2))) == (NAME, wait)


def test_an_image_that_is_gone_already(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd", rc=grpc.NOT_FOUND, stderr="not found")
    containerd.remove_image("k8s.io", NAME, missing_ok=True)
    with pytest.raises(ToolFailed, match="could not be removed"):
        containerd.remove_image("k8s.io", NAME)


def test_containers_that_were_made_from_images(runner: FakeRunner, containerd: Containerd) -> None:
    ids = protobuf.message(1, protobuf.text(1, "one")) + protobuf.message(1, protobuf.text(1, "two"))
    runner.on("containerd", do=Answer(messages=[ids]))
    assert containerd.container_ids("k8s.io", [NAME, "sha256:00"]) == ["one", "two"]
    assert Asked(runner).request.texts(1) == [f"image=={NAME}", "image==sha256:00"]


def test_no_image_has_no_containers(runner: FakeRunner, containerd: Containerd) -> None:
    # Without a filter, containerd would list all.
    assert containerd.container_ids("k8s.io", []) == []
    assert runner.calls == []


def test_content_comes_in_parts(runner: FakeRunner, containerd: Containerd) -> None:
    parts = [protobuf.message(1, protobuf.text(1, digest)) for digest in ("sha256:a", "sha256:b", "sha256:c")]
    runner.on("containerd", do=Answer(messages=[parts[0] + parts[1], parts[2]]))
    assert containerd.content_digests("k8s.io") == frozenset({"sha256:a", "sha256:b", "sha256:c"})


def test_no_content(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd", do=Answer(messages=[]))
    assert containerd.content_digests("k8s.io") == frozenset()


def test_a_document_is_read_as_bytes(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd", do=Answer(messages=[protobuf.data(2, b"\xff{"), protobuf.data(2, b"}\r\n")]))
    assert containerd.read_content("k8s.io", str(TARGET.digest)) == b"\xff{}\r\n"


def test_a_missing_blob_is_an_error_of_its_own(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd", rc=grpc.NOT_FOUND, stderr="not found")
    with pytest.raises(BlobMissing, match=f"{TARGET.digest} in k8s.io") as caught:
        containerd.read_content("k8s.io", str(TARGET.digest))
    assert caught.value.digest == str(TARGET.digest)
    assert isinstance(caught.value, NotFound)


def test_a_document_is_written_with_what_it_references(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd")
    containerd.write_document("k8s.io", TARGET, CONTENT, {"containerd.io/gc.ref.content.config": "sha256:a"}, "a-lease")
    assert runner.calls[0].value_of("--lease") == "a-lease"
    asked = Asked(runner)
    request = asked.request
    assert asked.method == "content.Write"
    assert (request.number(1), request.number(3), request.text(4)) == (2, len(CONTENT), str(TARGET.digest))
    assert (request.number(5), request.data(6)) == (0, CONTENT)
    assert request.texts_by_name(7) == {"containerd.io/gc.ref.content.config": "sha256:a"}


@pytest.mark.parametrize("references", [{}, {"containerd.io/gc.ref.content.config": "sha256:a"}])
def test_a_document_that_is_there(runner: FakeRunner, containerd: Containerd, references: dict[str, str]) -> None:
    runner.on("containerd")
    runner.on("containerd", "content.Write", rc=grpc.ALREADY_EXISTS)
    containerd.write_document("k8s.io", TARGET, CONTENT, references, "a-lease")
    updates = [Message(call.data or b"") for call in runner.commands("containerd", "content.Update")]
    assert [update.message(1).texts_by_name(5) for update in updates] == ([references] if references else [])
    assert [update.message(2).texts(1) for update in updates] == [[f"labels.{key}"] for key in references]


def test_a_lease_lasts_as_long_as_the_block(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd")
    with containerd.lease("k8s.io", "a-lease"):
        names = [call.argv[-2:] for call in runner.calls]
    # One that was left over goes first, since it may expire at any moment.
    assert names == [("leases.Delete", "a-lease"), ("leases.Create", "a-lease")]
    created = Message(runner.calls[1].data or b"")
    expiry = dt.datetime.fromisoformat(created.texts_by_name(3)["containerd.io/gc.expire"].replace("Z", "+00:00"))
    assert dt.timedelta(hours=23) < expiry - dt.datetime.now(dt.timezone.utc) < dt.timedelta(hours=25)
    assert runner.calls[2].argv[-2:] == ("leases.Delete", "a-lease")


def test_a_lease_ends_though_the_block_fails(runner: FakeRunner, containerd: Containerd) -> None:
    ended = iter([Answer(rc=grpc.NOT_FOUND), Answer(rc=2, stderr="cannot clean up either")])
    runner.on("containerd")
    runner.on("containerd", "leases.Delete", do=lambda _call: next(ended))
    with pytest.raises(KeyError, match="the real reason"), containerd.lease("k8s.io", "a-lease"):
        raise KeyError("the real reason")
    assert next(ended, None) is None


def test_each_upload_has_a_key_of_its_own(runner: FakeRunner, containerd: Containerd) -> None:
    """containerd would append to what an earlier attempt left under the same key."""
    runner.on("containerd")
    containerd.share("k8s.io", LAYER)
    containerd.share("k8s.io", LAYER)
    first, second = (Message(call.data or b"").text(2) for call in runner.calls)
    assert first != second


def test_a_blob_is_shared_by_its_digest_and_its_size(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd")
    assert containerd.share("k8s.io", LAYER)
    request = Asked(runner).request
    assert (request.number(3), request.text(4), request.number(5)) == (7, str(LAYER.digest), 7)
    assert request.data(6) == b""


def test_a_blob_that_is_there_is_shared_already(runner: FakeRunner, containerd: Containerd) -> None:
    runner.on("containerd", rc=grpc.ALREADY_EXISTS)
    assert containerd.share("k8s.io", LAYER)
    assert len(runner.calls) == 1


@pytest.mark.parametrize("abort", [0, grpc.NOT_FOUND])
def test_a_blob_that_cannot_be_shared_leaves_nothing(runner: FakeRunner, containerd: Containerd, abort: int) -> None:
    runner.on("containerd", "content.Write", rc=grpc.OUT_OF_RANGE)
    runner.on("containerd", "content.Abort", rc=abort)
    assert not containerd.share("k8s.io", LAYER)
    write, aborted = (Message(call.data or b"") for call in runner.calls)
    assert aborted.text(1) == write.text(2)


@pytest.mark.parametrize(("code", "there"), [(0, True), (grpc.NOT_FOUND, False)])
def test_snapshots(runner: FakeRunner, containerd: Containerd, code: int, there: bool) -> None:
    runner.on("containerd", rc=code)
    assert containerd.snapshot_exists("k8s.io", "native", "sha256:chain") is there
    request = Asked(runner).request
    assert (request.text(1), request.text(2)) == ("native", "sha256:chain")


def test_the_names_of_references_are_those_of_containerd_s_clients() -> None:
    manifest, config = oci.Descriptor.of(oci.OCI_MANIFEST, b"m"), oci.Descriptor.of(oci.OCI_CONFIG, b"c")
    assert reference_labels([manifest, TARGET]) == {
        "containerd.io/gc.ref.content.m.0": str(manifest.digest),
        "containerd.io/gc.ref.content.m.1": str(TARGET.digest),
    }
    assert reference_labels([config, LAYER, LAYER]) == {
        "containerd.io/gc.ref.content.config": str(config.digest),
        "containerd.io/gc.ref.content.l.0": str(LAYER.digest),
        "containerd.io/gc.ref.content.l.1": str(LAYER.digest),
    }


CALLS: dict[str, t.Callable[[Containerd], object]] = {
    "The namespaces could not be listed": lambda containerd: containerd.namespaces(),
    "The namespace could not be removed": lambda containerd: containerd.remove_namespace("staging"),
    "The images could not be listed": lambda containerd: containerd.image_names("k8s.io"),
    "The image could not be looked up": lambda containerd: containerd.image_record("k8s.io", NAME),
    "The image could not be named": lambda containerd: containerd.put_image("k8s.io", NAME, TARGET, {}),
    "The image's labels could not be set": lambda containerd: containerd.label_image("k8s.io", NAME, {"a": "b"}),
    "The image could not be removed": lambda containerd: containerd.remove_image("k8s.io", NAME, missing_ok=True),
    "The containers could not be listed": lambda containerd: containerd.container_ids("k8s.io", [NAME]),
    "The content could not be listed": lambda containerd: containerd.content_digests("k8s.io"),
    "A blob could not be read": lambda containerd: containerd.read_content("k8s.io", str(TARGET.digest)),
    "A document could not be written": lambda containerd: containerd.write_document(
        "k8s.io", TARGET, CONTENT, {}, "a-lease"
    ),
    "A blob could not be shared": lambda containerd: containerd.share("k8s.io", LAYER),
    "The leases could not be listed": lambda containerd: containerd.lease_names("k8s.io"),
    "A lease could not be ended": lambda containerd: containerd.lease("k8s.io", "a-lease").__enter__(),
    "A snapshot could not be looked up": lambda containerd: containerd.snapshot_exists("k8s.io", "native", "x"),
}


@pytest.mark.parametrize("what", CALLS)
class TestFailures:
    """Every call says what failed, and why as far as that is known."""

    def fail(self, runner: FakeRunner, containerd: Containerd, what: str, code: int, said: str) -> ContainerBuildError:
        runner.on("containerd", rc=code, stderr=said)
        with pytest.raises(ContainerBuildError, match=what) as caught:
            CALLS[what](containerd)
        assert {call.timeout for call in runner.calls} == {7}
        return caught.value

    def test_containerd_s_own_words_are_told(self, runner: FakeRunner, containerd: Containerd, what: str) -> None:
        error = self.fail(runner, containerd, what, 13, "something broke")
        assert isinstance(error, ToolFailed)
        assert error.tail == "something broke"

    def test_nobody_answers(self, runner: FakeRunner, containerd: Containerd, what: str) -> None:
        error = self.fail(runner, containerd, what, grpc.UNAVAILABLE, "connection refused")
        assert isinstance(error, Unavailable)
        assert "containerd does not answer on its socket" in error.message
        assert "systemctl start containerd" in (error.remedy or "")

    def test_it_takes_too_long(self, runner: FakeRunner, containerd: Containerd, what: str) -> None:
        error = self.fail(runner, containerd, what, grpc.DEADLINE_EXCEEDED, "late")
        assert "raise the option timeout" in (error.remedy or "")

    def test_the_disk_is_full(self, runner: FakeRunner, containerd: Containerd, what: str) -> None:
        error = self.fail(runner, containerd, what, 2, "write /var/lib/containerd/x: no space left on device")
        assert "The file system is full" in error.message

    def test_an_answer_that_is_none(self, runner: FakeRunner, containerd: Containerd, what: str) -> None:
        runner.on("containerd", do=Answer(messages=[b"\xff"]))
        with pytest.raises(ContainerBuildError, match=what):
            CALLS[what](containerd)
