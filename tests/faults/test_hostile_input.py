# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users and images bring may be secret or hostile: it is shown nowhere, evaluated nowhere, run nowhere."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from faults.builds import CONTEXT, build, options
from faults.lab_node import FOLDER, LabNode, run

TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'touch /tmp/evaluated') }}{{ 7 * 7 }}"
WATCH = """
import os, sys
word, stop = open(sys.argv[1], "rb").read(), sys.argv[2]
looks, found = 0, set()
while not os.path.exists(stop):
    looks += 1
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if word in open(f"/proc/{pid}/cmdline", "rb").read():
                found.add(open(f"/proc/{pid}/comm").read().strip())
        except OSError:
            continue
print(looks, *sorted(found))
"""
DOCKERFILE = f"""
FROM alpine:latest
COPY hostile /
LABEL hostile="{TEMPLATE}"
RUN cat /hostile
CMD ["cat", "/hostile"]
"""
# Where a secret might be left.
FOLDERS = "/tmp /var/tmp /root /run /var/log /var/lib/nephoran-container-build /srv/faults /home /etc"  # noqa: S108
HOSTILE = (
    "--help",
    "-v",
    "a\nb",
    "$(touch /tmp/run)",
    "a;touch /tmp/run",
    "`touch /tmp/run`",
    "../../etc/passwd",
    "a b",
    "",
)


@pytest.mark.fault(43)
@pytest.mark.parametrize("backend", ["nerdctl", "buildctl", "buildah"])
def test_a_secret_is_found_nowhere(installed: LabNode, backend: str) -> None:
    token = f"faults-{secrets.token_hex(16)}"
    folder = f"{FOLDER}/watch"
    installed.shell(f"rm -rf {folder} && mkdir -p {folder} {CONTEXT}")
    installed.write(f"{folder}/word", token.encode())
    installed.write(f"{folder}/watch.py", WATCH.encode())
    installed.shell(
        "systemd-run --quiet --collect --unit faults-watch --property StandardOutput=file:"
        f"{folder}/found python3 {folder}/watch.py {folder}/word {folder}/stop"
    )
    name = f"faults/secret-{backend}:1"
    dockerfile = (
        "FROM alpine:latest\nRUN --mount=type=secret,id=token wc -c /run/secrets/token && cat /run/secrets/token\n"
    )
    arguments = options(name, dockerfile, backend=backend, secrets=[{"id": "token", "type": "value", "value": token}])
    argv = installed.module_argv("image_build", arguments, "-vvv", "--diff")
    said = run(argv).output.replace(" ".join(argv), "")
    installed.shell(
        f"touch {folder}/stop && timeout 20 bash -c 'while systemctl is-active faults-watch; do sleep 0.2; done'"
    )
    looks, *processes = installed.shell(f"cat {folder}/found").split()
    assert "CHANGED" in said
    assert token not in said
    # Ansible itself is told the token on its own command line here, which is on the controller.
    assert int(looks) > 10
    assert processes == []
    installed.shell(f"rm -r {folder}")
    assert token not in installed.shell("journalctl --no-pager")
    # Given on standard input: sudo writes command lines into the journal.
    search = f"grep --recursive --files-with-matches --devices=skip --fixed-strings --file=- {FOLDERS}"
    left = installed.try_shell(search, token.encode())
    assert left.output.strip() == ""
    history = "buildah inspect --type image" if backend == "buildah" else "nerdctl image inspect --mode native"
    assert token not in installed.shell(f"{history} {name}")


@pytest.mark.fault(44)
def test_templates_in_labels_and_output_stay_text(installed: LabNode) -> None:
    installed.shell(f"rm -f /tmp/evaluated && mkdir -p {CONTEXT}")
    installed.write(f"{CONTEXT}/hostile", TEMPLATE.encode())
    installed.write(f"{CONTEXT}/Dockerfile", DOCKERFILE.encode())
    module = "nephoran.container_build"
    done = installed.tasks(
        [
            {
                f"{module}.image_build": {
                    "name": "faults/template:1",
                    "path": CONTEXT,
                    "nocache": True,
                    "rebuild": "always",
                },
                "register": "built",
            },
            {f"{module}.image_info": {"name": "faults/template:1", "namespaces": "default"}, "register": "info"},
            {f"{module}.container_run": {"image": "faults/template:1", "network": "none"}, "register": "ran"},
            {
                "ansible.builtin.assert": {
                    "that": [
                        "ran.stdout == expected",
                        "built | to_json is not search('}}49')",
                        "info | to_json is search('pipe')",
                    ]
                },
                "vars": {"expected": {"__ansible_unsafe": TEMPLATE}},
            },
            {"ansible.builtin.debug": {"var": "built"}},
            {"ansible.builtin.debug": {"msg": "{{ ran.stdout }} {{ info.images[0] }}"}},
        ]
    )
    assert done.status == 0, done.output[-3000:]
    assert TEMPLATE in done.output
    assert installed.shell("ls /tmp/evaluated 2> /dev/null || true") == ""


def _names(hostile: str) -> dict[str, dict[str, Any]]:
    return {
        "image_build": {"name": hostile, "path": CONTEXT},
        "image_import": {"name": [hostile]},
        "image_tag": {"name": hostile, "repository": ["faults/other:1"]},
        "image_remove": {"name": [hostile]},
        "image_export": {"name": hostile, "path": "/srv/faults/export.tar"},
        "image_pull": {"name": hostile},
        "container_run": {"image": hostile},
    }


@pytest.mark.fault(45)
@pytest.mark.parametrize("module", _names("").keys())
def test_hostile_names_are_refused(installed: LabNode, module: str) -> None:
    installed.shell(f"rm -f /tmp/run && mkdir -p {CONTEXT}")
    for hostile in HOSTILE:
        result = installed.module(module, _names(hostile)[module])
        assert result.get("failed"), (hostile, result)
        assert "Traceback" not in str(result), (hostile, result)
        assert result.get("error", {}).get("kind") in ("invalid_input", None), (hostile, result)
    assert installed.shell("ls /tmp/run 2> /dev/null || true") == ""


@pytest.mark.fault(45)
def test_a_context_may_have_any_name(installed: LabNode) -> None:
    path = f"{FOLDER}/$(touch /tmp/run) --help;"
    installed.shell(f"mkdir -p '{path}' && printf 'FROM scratch\\nCOPY Dockerfile /\\n' > '{path}/Dockerfile'")
    result = build(installed, "faults/named:1", path=path, dockerfile_content=None, dockerfile="Dockerfile")
    assert result.get("changed"), result
    assert installed.shell("ls /tmp/run 2> /dev/null || true") == ""
