# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the parts of a build together for the backend that was chosen, and its result into the words of the module.

What only some tasks need is imported where they do: a task that finds nothing to build takes no longer than its start,
of which each file is a part.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_context import PersistentHashCache
from ansible_collections.nephoran.container_build.plugins.module_utils._build_delivery import (
    BuildDelivery,
    Delivered,
    Workshop,
    platform_to_bring,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_options import read_build_request
from ansible_collections.nephoran.container_build.plugins.module_utils._build_record import STATE_DIR, BuildRecords
from ansible_collections.nephoran.container_build.plugins.module_utils._built_images import (
    BuildahImages,
    ContainerdImages,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import connect
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace
from ansible_collections.nephoran.container_build.plugins.module_utils._image_build import (
    NEVER,
    BuildRequest,
    ImageBuild,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import DEFAULT_ADDRESS, ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._output_options import CHECK
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_finish import ImagePlace
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_outputs import BuildOutputs
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_places import Registries
    from ansible_collections.nephoran.container_build.plugins.module_utils._git import Git
    from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import ImageSource
    from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
    from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import RegistryAccess
    from ansible_collections.nephoran.container_build.plugins.module_utils._remote_image import RemoteImage

DEFAULT_NAMESPACE = "default"


def build_image(module: AnsibleModule) -> dict[str, t.Any]:
    """Build an image and all that is to be made of it, and return the module's result.

    Raises:
        ContainerBuildError: an option cannot be used, or a step failed.
    """
    # In check mode nothing is kept, not even what would only make the next run faster.
    with PersistentHashCache.open(STATE_DIR, read_only=module.check_mode) as cache:
        request = _read_request(module, cache)
        if module.params["base_digest"] == CHECK:
            request = _with_bases(module, request)
        records = BuildRecords()
        outputs = _outputs(request, records, cache)
        alone = module.params["backend"] == "buildah" and module.params["namespace"] is None
        build = _build_for_buildah_alone if alone else _build_for_containerd
        namespace, delivered, place = build(module, request, records)
        pushed: t.Mapping[str, str] = {}
        if outputs is not None:
            from ansible_collections.nephoran.container_build.plugins.module_utils._build_finish import (  # noqa: PLC0415
                FollowUp,
                finish,
            )

            names = dict.fromkeys(name for output in request.outputs for name in output.names)
            follow_up = FollowUp(outputs, tuple(names), request.pushes)
            finished = finish(delivered, follow_up, place(), check=module.check_mode)
            delivered, pushed = finished.delivered, finished.pushed
    return {**_result(module, request, namespace, delivered), "pushed": dict(pushed)}


def _outputs(request: BuildRequest, records: BuildRecords, cache: PersistentHashCache) -> BuildOutputs | None:
    """Return what is to be made of the image beside itself; None if nothing is."""
    if not (request.outputs or request.pushes):
        return None
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_outputs import BuildOutputs  # noqa: PLC0415

    outputs = BuildOutputs(request.outputs, records, cache, only_missing=request.rebuild == NEVER)
    outputs.refuse_taken_places()
    return outputs


def _build_for_containerd(
    module: AnsibleModule, request: BuildRequest, records: BuildRecords
) -> tuple[str, Delivered, t.Callable[[], ImagePlace]]:
    params = module.params
    namespace = validate_namespace(params["namespace"] or DEFAULT_NAMESPACE)
    runner = ModuleRunner(module)
    store = connect(module, runner)
    store.require_namespace(namespace, may_be_made=True)

    @functools.cache
    def workshop() -> Workshop:
        if params["backend"] == "buildah":
            return _buildah_workshop(module, runner, request)
        if params["builders"]:
            from ansible_collections.nephoran.container_build.plugins.module_utils._remote_builder import (  # noqa: PLC0415
                remote_workshop,
            )

            return remote_workshop(module, runner, store, namespace, request)
        return _buildkit_workshop(module, runner, store, namespace, request)

    delivery = BuildDelivery(request, store, namespace, params["pinned"], workshop, records)
    registries = _registries(module, request, store.nerdctl)

    def place() -> ImagePlace:
        from ansible_collections.nephoran.container_build.plugins.module_utils._build_places import (  # noqa: PLC0415
            ContainerdPlace,
        )

        return ContainerdPlace(request, store, namespace, workshop, records, registries, module.tmpdir)

    return namespace, delivery.run(module.check_mode), place


def _build_for_buildah_alone(
    module: AnsibleModule, request: BuildRequest, records: BuildRecords
) -> tuple[str, Delivered, t.Callable[[], ImagePlace]]:
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import BuildWatch  # noqa: PLC0415
    from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import (  # noqa: PLC0415
        Buildah,
        BuildahBuilder,
    )

    params = module.params
    if params["pinned"] is not None:
        raise InvalidInput(
            "An image in buildah's store cannot be pinned",
            subject=f"pinned: {params['pinned']}",
            remedy="set namespace to k8s.io, or leave pinned out",
        )
    runner = ModuleRunner(module)
    buildah = Buildah(runner, request.timeout)
    # Only registries are asked, so it does not matter whether a containerd is there.
    nerdctl = Nerdctl(runner, params["address"] or DEFAULT_ADDRESS, request.timeout)
    registries = _registries(module, request, nerdctl)
    builder = BuildahBuilder(buildah, BuildWatch(params["progress_id"]))
    builder.refuse(request.spec)
    build = ImageBuild(request, BuildahImages(buildah), records)
    with build.looked_at(check=module.check_mode) as look:
        planned = look.planned
        if module.check_mode or not planned.reasons:
            delivered = Delivered(planned.plan, planned.reasons, look.image, None, planned.plan.changed)
        else:
            outcome = build.apply(builder, look)
            delivered = Delivered(planned.plan, planned.reasons, outcome.image, outcome.report, outcome.changed)

    def place() -> ImagePlace:
        from ansible_collections.nephoran.container_build.plugins.module_utils._build_places import (  # noqa: PLC0415
            BuildahPlace,
        )

        return BuildahPlace(request, buildah, registries, module.tmpdir)

    return "", delivered, place


def _with_bases(module: AnsibleModule, request: BuildRequest) -> BuildRequest:
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_bases import with_bases  # noqa: PLC0415
    from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import (  # noqa: PLC0415
        NerdctlRegistry,
    )
    from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import (  # noqa: PLC0415
        registry_access,
    )

    # Who pushes tells the name and the password to the registry that is pushed to, not to those of bases.
    params = {**module.params, "username": None, "password": None}
    nerdctl = Nerdctl(ModuleRunner(module), params["address"] or DEFAULT_ADDRESS, request.timeout)

    def find(reference: Reference) -> RemoteImage | None:
        access = registry_access(params, reference.domain, module.tmpdir)
        return NerdctlRegistry(nerdctl, access).find(reference)

    spec = request.prepare(request.spec) if request.prepare is not None else request.spec
    with open(spec.dockerfile, "rb") as file:
        return with_bases(request, file.read(), find)


def _registries(module: AnsibleModule, request: BuildRequest, nerdctl: Nerdctl) -> Registries:
    accesses: dict[str, RegistryAccess] = {}
    if request.pushes:
        from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import (  # noqa: PLC0415
            registry_access,
        )

        accesses = {name.domain: registry_access(module.params, name.domain, module.tmpdir) for name in request.pushes}

    def registry_of(reference: Reference) -> tuple[NerdctlRegistry, RegistryAccess]:
        from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import (  # noqa: PLC0415
            NerdctlRegistry,
        )

        access = accesses[reference.domain]
        return NerdctlRegistry(nerdctl, access), access

    return registry_of


def _read_request(module: AnsibleModule, cache: PersistentHashCache) -> BuildRequest:
    params = module.params
    if params["backend"] == "buildah" and params["buildkit_host"]:
        raise InvalidInput(
            "buildah builds without BuildKit", subject="buildkit_host", remedy="leave it out, or choose another backend"
        )

    def git() -> Git:
        from ansible_collections.nephoran.container_build.plugins.module_utils._git import Git  # noqa: PLC0415

        return Git(ModuleRunner(module), positive_timeout(params["timeout"]))

    request = read_build_request(params, module.tmpdir, cache, git)
    if params["builders"]:
        from ansible_collections.nephoran.container_build.plugins.module_utils._remote_builder import refuse_remotely  # noqa: PLC0415

        refuse_remotely(params, request.outputs)
    return request


def _buildah_workshop(module: AnsibleModule, runner: ModuleRunner, request: BuildRequest) -> Workshop:
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import BuildWatch  # noqa: PLC0415
    from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import (  # noqa: PLC0415
        Buildah,
        BuildahBuilder,
    )

    buildah = Buildah(runner, request.timeout)

    def source() -> ImageSource:
        from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import BuildahSource  # noqa: PLC0415

        image = buildah.find(request.spec.reference)
        if image is None:
            raise NotFound("The image is gone from buildah's store", subject=str(request.spec.reference))
        return BuildahSource(buildah, image, module.tmpdir)

    builder = BuildahBuilder(buildah, BuildWatch(module.params["progress_id"]))
    return Workshop(builder, BuildahImages(buildah), source)


def _buildkit_workshop(
    module: AnsibleModule, runner: ModuleRunner, store: ImageStore, namespace: str, request: BuildRequest
) -> Workshop:
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import BuildWatch  # noqa: PLC0415
    from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import (  # noqa: PLC0415
        Buildctl,
        BuildctlBuilder,
    )
    from ansible_collections.nephoran.container_build.plugins.module_utils._buildkit_host import buildkit_host  # noqa: PLC0415
    from ansible_collections.nephoran.container_build.plugins.module_utils._lost_steps import (  # noqa: PLC0415
        BuilderThatCleansUp,
        LostSteps,
        containerd_witness,
    )
    from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_builder import (  # noqa: PLC0415
        NerdctlBuilder,
    )

    host = buildkit_host(module.params["buildkit_host"], namespace)
    buildctl = Buildctl(runner, host)
    worker = buildctl.containerd_worker()
    if worker is None:
        from ansible_collections.nephoran.container_build.plugins.module_utils._remote_builder import (  # noqa: PLC0415
            workshop_without_containerd,
        )

        return workshop_without_containerd(module, buildctl, store, namespace, request)
    images = ContainerdImages(store, worker.namespace)

    def source() -> ImageSource:
        from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import NamespaceSource  # noqa: PLC0415

        state = store.find(worker.namespace, request.spec.reference, platform_to_bring(request.spec))
        if state is None:
            raise NotFound("The image is gone from the builder's namespace", subject=str(request.spec.reference))
        return NamespaceSource(store, state, module.tmpdir)

    address = module.params["address"] or DEFAULT_ADDRESS
    watch = BuildWatch(module.params["progress_id"], containerd_witness(address))
    builder = (
        BuildctlBuilder(buildctl, watch)
        if module.params["backend"] == "buildctl"
        else NerdctlBuilder(store.nerdctl, worker.namespace, buildctl, watch)
    )
    lost_steps = LostSteps(store.containerd, store.ctr, address, worker.namespace)
    return Workshop(BuilderThatCleansUp(builder, lost_steps), images, source)


def _result(module: AnsibleModule, request: BuildRequest, namespace: str, delivered: Delivered) -> dict[str, t.Any]:
    report, image = delivered.report, delivered.image
    return {
        "changed": delivered.changed,
        "image": str(request.spec.reference),
        "image_id": image.image_id if image else "",
        "digest": image.digest if image else "",
        "inputs_digest": request.inputs.digest,
        "rebuild_reasons": list(delivered.reasons),
        "namespace": namespace,
        "backend": module.params["backend"],
        "command": list(report.command) if report else [],
        "steps": [step._asdict() for step in report.steps] if report else [],
        "stdout": report.stdout if report else "",
        "stderr": report.stderr if report else "",
        "log_path": module.params["log_path"] or "" if report else "",
        "actions": delivered.plan.action_lines(),
        "diff": delivered.plan.diff(str(request.spec.reference)),
    }
