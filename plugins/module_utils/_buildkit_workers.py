# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildKit's workers: what a daemon says of them, on its socket and through buildctl.

Source: ``ListWorkers`` of the service ``moby.buildkit.v1.Control`` (``api/services/control/control.proto``,
``api/types/worker.proto`` and ``solver/pb/ops.proto`` of BuildKit v0.26.3), and ``cmd/buildctl/debug/workers.go``.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.plugins.module_utils import _protobuf as protobuf
from ansible_collections.nephoran.container_build.plugins.module_utils._call_failure import Daemon, call_failure
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError

CANNOT_LIST_WORKERS = "BuildKit's workers could not be listed"

_METHOD = "/moby.buildkit.v1.Control/ListWorkers"
_LABEL = "org.mobyproject.buildkit.worker."
_NANOSECONDS = 1_000_000_000


@dataclasses.dataclass(frozen=True)
class GCPolicy:
    """A rule by which BuildKit itself keeps its cache small; they apply in their order.

    Attributes:
        filters: which records it is for; all if empty.
        everything: whether it is for what BuildKit keeps for itself, too.
        keep_duration: seconds for which it leaves what builds used.
        reserved_space: bytes below which it removes nothing.
        max_used_space: bytes above which it removes; 0: no such limit.
        min_free_space: bytes of the file system that it wants free; 0: no such limit.
    """

    filters: tuple[str, ...]
    everything: bool
    keep_duration: int
    reserved_space: int
    max_used_space: int
    min_free_space: int


@dataclasses.dataclass(frozen=True)
class Worker:
    """One worker of a BuildKit daemon.

    Attributes:
        id: the worker's id.
        executor: ``containerd`` or ``oci``.
        namespace: containerd's namespace that it builds in; empty for an OCI worker.
        snapshotter: where it unpacks.
        platforms: what it can build for, ``os/arch[/variant]``.
        version: of BuildKit.
        gc_policies: how it keeps its cache small.
    """

    id: str
    executor: str
    namespace: str
    snapshotter: str
    platforms: tuple[str, ...]
    version: str
    gc_policies: tuple[GCPolicy, ...] = ()


def ask_workers(channel: grpc.Channel, host: str) -> list[Worker]:
    """Return the workers of the daemon at *host*, which *channel* leads to.

    Raises:
        Unavailable: the daemon does not answer.
        ToolFailed: it refused, or did not answer in time.
        IntegrityError: its answer is none of this kind.
    """
    try:
        answers = channel.call(_METHOD, b"", {})
    except grpc.GrpcError as error:
        daemon = Daemon("BuildKit", "buildkit", host, "buildkit_host")
        raise call_failure(error, CANNOT_LIST_WORKERS, host, daemon) from error
    try:
        return [_worker(record) for answer in answers for record in protobuf.Message(answer).messages(1)]
    except protobuf.ProtobufError as error:
        raise _unknown("BuildKit's", host, str(error)) from error


def read_workers(stdout: str, host: str) -> list[Worker]:
    """Return the workers that ``buildctl debug workers --format '{{json .}}'`` printed of the daemon at *host*.

    Raises:
        IntegrityError: that is not what buildctl prints.
    """
    try:
        return [_parse_worker(document) for document in json.loads(stdout or "[]") or ()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unknown("buildctl's", host, stdout) from error


def _unknown(whose: str, host: str, tail: str) -> IntegrityError:
    return IntegrityError(
        f"{whose} description of the workers is not what this collection knows", subject=host, tail=tail
    )


def _worker(record: protobuf.Message) -> Worker:
    return _make_worker(
        record.text(1),
        record.texts_by_name(2),
        ((each.text(2), each.text(1), each.text(3)) for each in record.messages(3)),
        record.message(5).text(2),
        (
            GCPolicy(
                filters=tuple(policy.texts(4)),
                everything=bool(policy.number(1)),
                keep_duration=policy.number(2) // _NANOSECONDS,
                # Before 0.17 this was keepBytes, the only limit.
                reserved_space=policy.number(3),
                max_used_space=policy.number(5),
                min_free_space=policy.number(6),
            )
            for policy in record.messages(4)
        ),
    )


def _parse_worker(document: t.Mapping[str, t.Any]) -> Worker:
    return _make_worker(
        document["id"],
        document.get("labels") or {},
        (
            (each.get("os", ""), each.get("architecture", ""), each.get("variant", ""))
            for each in document.get("platforms") or ()
        ),
        (document.get("buildkitVersion") or {}).get("version", ""),
        map(_parse_policy, document.get("gcPolicy") or ()),
    )


def _parse_policy(policy: t.Mapping[str, t.Any]) -> GCPolicy:
    return GCPolicy(
        filters=tuple(policy.get("filter") or ()),
        everything=bool(policy.get("all")),
        keep_duration=policy.get("keepDuration", 0) // _NANOSECONDS,
        # BuildKit before 0.17 has but one limit.
        reserved_space=policy.get("reservedSpace", policy.get("keepBytes", 0)),
        max_used_space=policy.get("maxUsedSpace", 0),
        min_free_space=policy.get("minFreeSpace", 0),
    )


def _make_worker(
    worker_id: str,
    labels: t.Mapping[str, str],
    platforms: t.Iterable[tuple[str, str, str]],
    version: str,
    policies: t.Iterable[GCPolicy],
) -> Worker:
    return Worker(
        id=worker_id,
        executor=labels.get(_LABEL + "executor", ""),
        namespace=labels.get(_LABEL + "containerd.namespace", ""),
        snapshotter=labels.get(_LABEL + "snapshotter", ""),
        platforms=tuple("/".join(filter(None, platform)) for platform in platforms),
        version=version,
        gc_policies=tuple(policies),
    )
