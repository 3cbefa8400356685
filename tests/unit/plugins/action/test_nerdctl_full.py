# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive of the controller is sent to a node that needs it, once, and to no other."""

from __future__ import annotations

import gzip
import hashlib
import pathlib
import typing as t

import pytest

pytest.importorskip("ansible.plugins.action", reason="action plugins run on the controller's Python")

from ansible.errors import AnsibleError
from ansible_collections.nephoran.container_build.plugins.action import nerdctl_full
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_controller import TEMPORARY, FakeController

NEEDED = {"failed": True, "msg": "no archive", "error": {"kind": "archive_needed"}}
DONE = {"changed": True}


class Controller(FakeController):
    """Runs the action plugin."""

    plugin = nerdctl_full
    module = "nephoran.container_build.nerdctl_full"

    def __init__(self, monkeypatch: pytest.MonkeyPatch, archive: pathlib.Path) -> None:
        super().__init__(monkeypatch)
        self.archive = archive

    def options(self, **changes: t.Any) -> dict[str, t.Any]:
        checksum = f"sha256:{hashlib.sha256(self.archive.read_bytes()).hexdigest()}"
        return {"version": "2.2.1", "src": str(self.archive), "checksum": checksum, **changes}


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Controller:
    archive = tmp_path / "nerdctl-full.tar.gz"
    archive.write_bytes(gzip.compress(b"archive"))
    return Controller(monkeypatch, archive)


def test_a_node_that_has_the_generation_is_sent_nothing(controller: Controller) -> None:
    controller.answers = [{"changed": False}]
    assert controller.run(**controller.options()) == {"changed": False}
    assert [set(call) for call in controller.calls] == [{"version", "checksum"}]
    assert controller.sent == []


def test_a_node_that_has_the_generation_needs_no_file(controller: Controller) -> None:
    controller.answers = [{"changed": False}]
    options = controller.options()
    controller.archive.unlink()
    assert controller.run(**options) == {"changed": False}


def test_a_node_that_needs_the_archive_is_sent_it_once(controller: Controller) -> None:
    controller.answers = [NEEDED, DONE]
    options = controller.options(remote_src="no", keep=3)
    assert controller.run(**options) == DONE
    remote = f"{TEMPORARY}/nerdctl-full.tar.gz"
    assert controller.sent == [(str(controller.archive), remote)]
    assert controller.calls[1] == {**options, "src": remote, "remote_src": True}
    assert controller.removed == [TEMPORARY]


def test_check_mode_sends_nothing(controller: Controller) -> None:
    controller.answers = [NEEDED, DONE]
    assert controller.run(check=True, **controller.options()) == DONE
    assert controller.sent == []
    assert controller.calls[1]["remote_src"] is False


def test_other_failures_are_the_module_s_own(controller: Controller) -> None:
    failure = {"failed": True, "msg": "read-only", "error": {"kind": "unavailable"}}
    controller.answers = [failure]
    assert controller.run(**controller.options()) == failure
    assert controller.sent == []


@pytest.mark.parametrize(
    "options",
    [
        {"url": "https://example.com/a"},
        {"src": "/srv/a", "remote_src": True},
        {"src": "/srv/a", "remote_src": "yes"},
        {"src": "/srv/a", "url": "https://example.com/a"},
        {"state": "absent"},
        {"state": "rolled_back"},
        {"version": "2.2.1", "checksum": "sha256:0"},
    ],
)
def test_what_needs_no_file_of_the_controller_is_left_to_the_module(
    controller: Controller, options: dict[str, t.Any]
) -> None:
    controller.answers = [DONE]
    assert controller.run(**options) == DONE
    assert controller.calls == [options]


def test_a_missing_file_is_named(controller: Controller) -> None:
    controller.answers = [NEEDED]
    result = controller.run(**controller.options(src="/none/archive.tar.gz"))
    assert result["failed"] is True
    assert result["msg"].startswith("The archive does not exist on the controller: /none/archive.tar.gz.")
    assert result["error"]["kind"] == "not_found"


@pytest.mark.parametrize("check", [False, True])
def test_a_wrong_file_is_not_sent(controller: Controller, check: bool) -> None:
    controller.answers = [NEEDED]
    options = controller.options()
    controller.archive.write_bytes(b"<html><title>Sign in</title>")
    result = controller.run(check=check, **options)
    assert result["failed"] is True
    assert "it is a web page" in result["msg"]
    assert controller.sent == []


def test_a_failure_to_send_leaves_no_folder(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    controller.answers = [NEEDED]

    class Full:
        def append(self, _sent: object) -> None:
            raise AnsibleError("No space left on device")

    monkeypatch.setattr(controller, "sent", Full())
    with pytest.raises(AnsibleError, match="No space left"):
        controller.run(**controller.options())
    assert controller.removed == [TEMPORARY]


def overlay_of(path: pathlib.Path, **changes: t.Any) -> dict[str, t.Any]:
    checksum = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    return {"component": "runc", "version": "1.4.3", "src": str(path), "checksum": checksum, **changes}


def test_overlays_are_sent_with_the_archive(controller: Controller, tmp_path: pathlib.Path) -> None:
    controller.answers = [NEEDED, DONE]
    runc, other = tmp_path / "runc.amd64", tmp_path / "more" / controller.archive.name
    other.parent.mkdir()
    runc.write_bytes(b"runc")
    other.write_bytes(b"other")
    on_node = {"component": "cni", "version": "1", "src": "/srv/cni.tgz", "remote_src": True, "checksum": "sha256:0"}
    overlays = [overlay_of(runc), overlay_of(other, component="containerd"), on_node]
    assert controller.run(**controller.options(overlays=overlays)) == DONE
    assert [set(each) & {"src", "remote_src"} for each in controller.calls[0]["overlays"]] == [
        set(),
        set(),
        {"src", "remote_src"},
    ]
    assert [(each["src"], each["remote_src"]) for each in controller.calls[1]["overlays"]] == [
        (f"{TEMPORARY}/runc.amd64", True),
        (f"{TEMPORARY}/2-nerdctl-full.tar.gz", True),
        ("/srv/cni.tgz", True),
    ]
    assert len(controller.sent) == 3


def test_an_overlay_of_the_controller_needs_no_archive_of_the_controller(
    controller: Controller, tmp_path: pathlib.Path
) -> None:
    controller.answers = [NEEDED, DONE]
    runc = tmp_path / "runc.amd64"
    runc.write_bytes(b"runc")
    options = {"version": "2.2.1", "checksum": "sha256:0", "url": "https://example.com/a"}
    assert controller.run(**options, overlays=[overlay_of(runc)]) == DONE
    assert controller.calls[1] == {
        **options,
        "overlays": [{**overlay_of(runc), "src": f"{TEMPORARY}/runc.amd64", "remote_src": True}],
    }


def test_a_wrong_overlay_is_not_sent(controller: Controller, tmp_path: pathlib.Path) -> None:
    controller.answers = [NEEDED]
    runc = tmp_path / "runc.amd64"
    runc.write_bytes(b"runc")
    overlays = [overlay_of(runc, checksum=f"sha256:{'0' * 64}")]
    result = controller.run(**controller.options(overlays=overlays))
    assert result["failed"] is True
    assert "checksum is wrong" in result["msg"]
    assert controller.sent == []


class TestAsked:
    """A node whose shell says that it has no such generation is not asked by the module."""

    @pytest.fixture
    def without(self, controller: Controller) -> Controller:
        controller.said = {"rc": 0, "stdout": "welcome\r\nnephoran: not there\r\n"}
        return controller

    def test_it_is_sent_the_archive_at_once(self, without: Controller) -> None:
        without.answers = [DONE]
        options = without.options(prefix="/opt/tools/")
        assert without.run(**options) == DONE
        assert len(without.sent) == len(without.calls) == 1
        digits = options["checksum"][len("sha256:") :][:12]
        assert f"test -d /opt/tools/lib/nerdctl-full/generations/2.2.1-{digits} " in without.asked[0]

    def test_the_generation_is_that_of_the_overlays_too(self, without: Controller, tmp_path: pathlib.Path) -> None:
        without.answers = [DONE, DONE]
        runc = tmp_path / "runc.amd64"
        runc.write_bytes(b"runc")
        without.run(**without.options())
        without.run(**without.options(overlays=[overlay_of(runc)]))
        assert len(set(without.asked)) == 2
        assert len(without.calls) == 2

    def test_check_mode_sends_nothing(self, without: Controller) -> None:
        without.answers = [DONE]
        assert without.run(check=True, **without.options()) == DONE
        assert (without.sent, without.calls[0]["remote_src"]) == ([], False)

    def test_a_wrong_file_is_not_sent(self, without: Controller) -> None:
        options = without.options()
        without.archive.write_bytes(b"<html><title>Sign in</title>")
        assert "it is a web page" in without.run(**options)["msg"]
        assert (without.sent, without.calls) == ([], [])

    @pytest.mark.parametrize(
        "said",
        [
            {"rc": 0, "stdout": ""},
            {"rc": 1, "stdout": "nephoran: not there\n"},
            {"rc": 0, "stdout": "nephoran: not there\nsh: cannot\n"},
        ],
    )
    def test_any_other_answer_leaves_it_to_the_module(self, without: Controller, said: dict[str, t.Any]) -> None:
        without.said = said
        without.answers = [{"changed": False}]
        assert without.run(**without.options()) == {"changed": False}
        assert without.sent == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"state": "rolled_back"},
            {"prefix": "$HOME/tools"},
            {"prefix": "tools"},
            {"version": "latest; reboot"},
            {"checksum": "md5:0"},
            {"checksum": None},
            {"overlays": [{"component": "runc"}]},
        ],
    )
    def test_what_the_module_has_to_read_is_not_asked_about(self, without: Controller, wrong: dict[str, t.Any]) -> None:
        without.answers = [{"failed": True, "msg": "the module's own"}]
        assert without.run(**without.options(**wrong))["msg"] == "the module's own"
        assert without.asked == []
