# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules builder_info and builder_prune from their options to their results."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.modules import builder_info, builder_prune
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_buildkit import LIST_WORKERS, workers_answer
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner

HOST = "unix:///run/buildkit/buildkitd.sock"
OTHER = "unix:///run/buildkit-k8s.io/buildkitd.sock"
LABEL = "org.mobyproject.buildkit.worker."
Run = t.Callable[..., t.Any]


class FakeBuildKit:
    """A daemon with a cache, which a prune empties of all that the filter names by its kind."""

    def __init__(self, runner: FakeRunner) -> None:
        self.records: list[dict[str, t.Any]] = []
        runner.on(*LIST_WORKERS, do=self._workers)
        runner.on("buildctl", "debug", "histories", stdout='{"record": {"Ref": "r1", "CreatedAt": {"seconds": 1}}}\n')
        runner.on("buildctl", "du", do=lambda call: Answer(json.dumps(self._matching(call) or None)))
        runner.on("buildctl", "prune", do=self._prune)

    def put(self, key: str, size: int, **fields: t.Any) -> None:
        self.records.append({"id": key, "size": size, "recordType": "regular", "description": f"step {key}", **fields})

    def _workers(self, call: Call) -> Answer:
        policy = {"filter": None, "all": True, "keepDuration": 60_000_000_000, "maxUsedSpace": 5}
        worker = {
            "id": "w1",
            "labels": {f"{LABEL}executor": "containerd", f"{LABEL}containerd.namespace": "default"},
            "platforms": [{"os": "linux", "architecture": "amd64"}],
            "gcPolicy": [policy],
            "buildkitVersion": {"version": "v0.26.3"},
        }
        return workers_answer(worker)

    def _matching(self, call: Call) -> list[dict[str, t.Any]]:
        kinds = [value.removeprefix("type==") for value in call.values_of("--filter")]
        return [each for each in self.records if not kinds or each["recordType"] in kinds]

    def _prune(self, call: Call) -> Answer:
        gone = [each for each in self._matching(call) if not each.get("shared")]
        self.records = [each for each in self.records if each not in gone]
        # BuildKit does not tell the kind of what is gone.
        return Answer("".join(json.dumps({**each, "recordType": ""}) + "\n" for each in gone))


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> FakeRunner:
    runner = FakeRunner()
    for module in (builder_info, builder_prune):
        monkeypatch.setattr(module, "ModuleRunner", lambda _module: runner)
    return runner


@pytest.fixture
def buildkit(runner: FakeRunner) -> FakeBuildKit:
    daemon = FakeBuildKit(runner)
    daemon.put("a", 10)
    daemon.put("b", 20, recordType="exec.cachemount")
    daemon.put("c", 40, shared=True)
    daemon.put("d", 80, inUse=True)
    return daemon


class TestInfo:
    """builder_info."""

    @pytest.fixture
    def info(self, run_module: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
        monkeypatch.setattr(builder_info, "found_hosts", lambda: [OTHER, HOST])
        return lambda **options: run_module(builder_info.main, options)

    @pytest.mark.usefixtures("buildkit")
    def test_all_daemons(self, info: Run, runner: FakeRunner) -> None:
        result = info(timeout=9).result
        assert not result["changed"]
        assert [builder["buildkit_host"] for builder in result["builders"]] == [OTHER, HOST]
        builder = result["builders"][0]
        assert (builder["reachable"], builder["problem"], builder["version"]) == (True, "", "v0.26.3")
        assert builder["cache"] == {
            "records": 4,
            "size": 150,
            "reclaimable": 30,
            "shared": 40,
            "by_kind": {"exec.cachemount": 20, "regular": 130},
        }
        (worker,) = builder["workers"]
        assert (worker["executor"], worker["namespace"], worker["platforms"]) == (
            "containerd",
            "default",
            ["linux/amd64"],
        )
        (policy,) = worker["gc_policies"]
        assert policy == {
            "filters": [],
            "everything": True,
            "keep_duration": 60,
            "reserved_space": 0,
            "max_used_space": 5,
            "min_free_space": 0,
        }
        assert [build["ref"] for build in builder["running_builds"]] == ["r1"]
        assert builder["records"] is None
        assert {call.timeout for call in runner.calls} == {9}

    @pytest.mark.usefixtures("buildkit")
    def test_records(self, info: Run) -> None:
        records = info(buildkit_host=HOST, records=True).result["builders"][0]["records"]
        assert [record["id"] for record in records] == ["a", "b", "c", "d"]
        assert (records[1]["kind"], records[3]["in_use"]) == ("exec.cachemount", True)

    def test_a_daemon_that_does_not_answer(self, info: Run, runner: FakeRunner) -> None:
        runner.on(*LIST_WORKERS, rc=grpc.UNAVAILABLE, stderr="/run/buildkit/buildkitd.sock: No such file or directory")
        builder = info().result["builders"][0]
        assert (builder["reachable"], builder["workers"], builder["cache"]) == (False, [], None)
        assert "BuildKit does not answer on its socket" in builder["problem"]
        failed = info(buildkit_host=HOST)
        assert failed.failed
        assert failed.result["error"]["kind"] == "unavailable"

    def test_no_daemon(self, info: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(builder_info, "found_hosts", list)
        assert info().result["builders"] == []

    @pytest.mark.parametrize("options", [{"buildkit_host": "--help"}, {"timeout": 0}])
    def test_what_cannot_be_used(self, info: Run, runner: FakeRunner, options: dict[str, t.Any]) -> None:
        assert info(**options).result["error"]["kind"] == "invalid_input"
        assert runner.calls == []


class TestPrune:
    """builder_prune."""

    @pytest.fixture
    def prune(self, run_module: Run) -> Run:
        def run(*, check: bool = False, **options: t.Any) -> t.Any:
            return run_module(builder_prune.main, {"buildkit_host": HOST, **options}, check=check, diff=True)

        return run

    def test_once(self, prune: Run, buildkit: FakeBuildKit, runner: FakeRunner) -> None:
        buildkit.records.pop()
        checked = prune(check=True).result
        assert len(buildkit.records) == 3
        assert runner.commands("buildctl", "prune") == []
        result = prune().result
        assert result == {**checked, "command": result["command"], "invocation": result["invocation"]}
        assert result["changed"]
        assert (result["buildkit_host"], result["bytes_freed"]) == (HOST, 30)
        assert result["pruned"] == [
            {"id": "a", "kind": "regular", "size": 10, "shared": False, "last_used_at": "", "description": "step a"},
            {
                "id": "b",
                "kind": "exec.cachemount",
                "size": 20,
                "shared": False,
                "last_used_at": "",
                "description": "step b",
            },
        ]
        assert result["actions"] == [f"prune 2 records from {HOST} (30 bytes)"]
        assert result["diff"]["before"] == {HOST: {"records": 3, "bytes": 70}}
        assert result["diff"]["after"] == {HOST: {"records": 1, "bytes": 40}}
        again = prune().result
        assert (again["changed"], again["pruned"], again["actions"]) == (False, [], [])

    def test_filters(self, prune: Run, buildkit: FakeBuildKit) -> None:
        options = {"filters": ["type==exec.cachemount", "type==source.local"]}
        checked = prune(**options, check=True).result
        assert [record["id"] for record in checked["pruned"]] == ["b"]
        assert prune(**options).result["pruned"] == checked["pruned"]
        assert not prune(**options, check=True).result["changed"]

    def test_everything(self, prune: Run, buildkit: FakeBuildKit) -> None:
        checked = prune(all=True, check=True).result
        # What an image shares is removed, but frees nothing.
        assert {record["id"] for record in checked["pruned"]} == {"a", "b", "c"}
        assert checked["bytes_freed"] == 30

    @pytest.mark.usefixtures("buildkit")
    def test_limits(self, prune: Run) -> None:
        result = prune(keep_duration="7d", keep_storage="1.5KB").result
        assert result["command"][4:8] == ["--keep-duration", "604800s", "--keep-storage", "0.001536"]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"filters": ["--all"]}, "Not a filter of BuildKit"),
            ({"filters": [""]}, "Not a filter of BuildKit"),
            ({"keep_duration": "soon"}, "Not a duration"),
            ({"keep_storage": "much"}, "Not a size"),
            ({"buildkit_host": "nowhere"}, "Not an address of BuildKit"),
            ({"namespace": "--help"}, "Not a valid containerd namespace"),
            ({"timeout": -1}, "Not a time limit"),
        ],
    )
    def test_what_cannot_be_used(self, prune: Run, runner: FakeRunner, options: dict[str, t.Any], words: str) -> None:
        answer = prune(**options)
        assert words in answer.result["msg"]
        assert runner.calls == []

    @pytest.mark.parametrize(
        ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("48h", 172800), ("7d", 604800), ("2w", 1209600)]
    )
    def test_durations(self, text: str, seconds: int) -> None:
        assert builder_prune.read_duration(text) == seconds

    @pytest.mark.parametrize("text", ["", "0", "-1h", "1.5h", "1y", "1h30m", "٣h", "9" * 30, "999999w"])
    def test_no_durations(self, text: str) -> None:
        with pytest.raises(InvalidInput, match="Not a duration"):
            builder_prune.read_duration(text)

    @pytest.mark.parametrize("text", ["", "0", "-1", "ten", "1 bottle", "9" * 30])
    def test_no_sizes(self, text: str) -> None:
        with pytest.raises(InvalidInput, match="Not a size"):
            builder_prune.read_size(text)
