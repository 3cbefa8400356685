# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links are made where nothing else stands, and ours alone are touched."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._links import (
    Found,
    LinkPlan,
    Skipped,
    find_links,
    link_folders,
    make_links,
    plan_links,
    remove_links,
    wanted_links,
)

from .conftest import Node

WANTED = {"/p/bin/ctr": "/p/lib/nerdctl-full/current/bin/ctr"}
[(PATH, TARGET)] = WANTED.items()
NOTHING = Found({}, {})


def test_what_is_missing_is_made() -> None:
    assert plan_links(WANTED, NOTHING, {}) == LinkPlan(create=WANTED)


def test_what_is_right_stays() -> None:
    assert plan_links(WANTED, Found(WANTED, {}), {}) == LinkPlan(right=(PATH,))


def test_ours_that_leads_elsewhere_is_made_again() -> None:
    found = Found({PATH: "/p/lib/nerdctl-full/generations/1.0.0-000000000001/bin/ctr"}, {})
    assert plan_links(WANTED, found, {}) == LinkPlan(create=WANTED)


def test_ours_that_nothing_wants_is_removed() -> None:
    assert plan_links({}, Found(WANTED, {}), {}) == LinkPlan(remove=(PATH,))


@pytest.mark.parametrize("what", ["a file", "a link to /usr/bin/ctr"])
def test_what_is_somebody_else_s_stays(what: str) -> None:
    plan = plan_links(WANTED, Found({}, {PATH: what}), {})
    assert plan == LinkPlan(skipped=(Skipped(PATH, f"{what} of somebody else is there"),))


def test_what_is_withheld_is_not_made() -> None:
    assert plan_links(WANTED, NOTHING, {PATH: "because"}) == LinkPlan(skipped=(Skipped(PATH, "because"),))


def test_what_is_withheld_later_stays_and_is_said() -> None:
    plan = plan_links(WANTED, Found(WANTED, {}), {PATH: "because"})
    assert plan.right == (PATH,)
    assert not plan.create
    assert not plan.remove
    assert plan.skipped[0].reason.startswith("because; an earlier run linked it")


def test_commands_and_plugins_have_their_folders(node: Node) -> None:
    layout, cni = node.layout, str(node.cni_bin_dir)
    assert link_folders(layout, [cni, cni]) == [layout.commands, layout.plugins, cni]
    assert wanted_links(layout, ["ctr"], ["bridge"], [cni]) == {
        f"{layout.prefix}/bin/ctr": f"{layout.base}/current/bin/ctr",
        f"{layout.prefix}/libexec/cni/bridge": f"{layout.base}/current/libexec/cni/bridge",
        f"{cni}/bridge": f"{layout.base}/current/libexec/cni/bridge",
    }


def test_making_finding_and_removing_agree(node: Node) -> None:
    layout = node.layout
    wanted = wanted_links(layout, ["ctr", "runc"], ["bridge"], [str(node.cni_bin_dir)])
    bin_dir = pathlib.Path(layout.commands)
    bin_dir.mkdir(parents=True)
    (bin_dir / "other").symlink_to("/usr/bin/other")
    (bin_dir / "file").write_text("precious")
    (bin_dir / "runc").symlink_to(f"{layout.base}/elsewhere")
    folders = link_folders(layout, [str(node.cni_bin_dir)])

    make_links(plan_links(wanted, find_links(layout, folders), {}))
    found = find_links(layout, folders)
    assert found.ours == wanted
    assert found.others == {f"{bin_dir}/other": "a link to /usr/bin/other", f"{bin_dir}/file": "a file"}

    remove_links(found.ours)
    assert sorted(os.listdir(bin_dir)) == ["file", "other"]


def test_what_came_meanwhile_is_not_replaced(node: Node) -> None:
    path = pathlib.Path(node.layout.commands) / "ctr"
    plan = LinkPlan(create={str(path): "/anywhere"})
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        make_links(plan)
    assert path.read_text() == "precious"
