"""`benchmarks/systems.py` runs what the documents say and keeps its report."""

import json
import re

import pytest

from keras_stprivacy import benchmark

pytestmark = pytest.mark.any_backend


@pytest.fixture
def systems(program, tmp_path, monkeypatch):
    module = program("systems")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    module.RESULTS.mkdir()
    return module


@pytest.fixture
def asked(monkeypatch):
    """What protocols were asked for, in place of running them."""
    calls = []

    def protocol_of(name):
        def protocol(data, out, systems=None, settings=None, progress=None, **options):
            calls.append((name, data, systems, settings, options))
            return benchmark.BenchmarkReport(
                protocol=name,
                rows=[],
                attribute_names=("face",),
                class_names=("walk", "run"),
                groups={},
                reference="stprivacy",
                prevalence={},
                settings={"seeds": settings.seeds, "workers": settings.workers},
                failures={"vita": "no memory"} if failing else {},
                notes=[],
            )

        return protocol

    failing = []
    for name in ("known", "deployment", "ablations"):
        monkeypatch.setitem(benchmark.PROTOCOLS, name, protocol_of(name))
    monkeypatch.setattr(benchmark.BenchmarkReport, "save", _save)
    monkeypatch.setattr(benchmark.BenchmarkReport, "__str__", lambda self: "a table")
    return calls, failing


def _save(self, folder):
    folder.mkdir(parents=True)
    self.to_json(folder / "report.json")
    return [folder / "report.json"]


@pytest.mark.parametrize("name", ["known", "quick", "deployment", "ablations", "longer"])
def test_a_benchmark_keeps_its_report(systems, asked, tmp_path, name):
    calls, _ = asked
    out = tmp_path / "out"
    systems.main([name, "--out", str(out)])
    (protocol, data, names, settings, options) = calls.pop()
    quick = benchmark.Settings.quick(workers=2)
    whole = benchmark.Settings(workers=2)
    two = benchmark.Settings(attackers=("video_transformer", "mask"))
    some = ("video_transformer", "conv3d", "frame", "linear_probe")
    changed = {"vita": {"steps": 1200}, "spact": {"epochs": 6}}
    more = benchmark.Settings(seeds=1, attackers=some, system_settings=changed)
    expected = {
        "known": ("known", whole),
        "quick": ("known", quick),
        "deployment": (name, two),
        "ablations": (name, quick),
        "longer": ("known", more),
    }
    assert (protocol, settings) == expected[name]
    assert (data, options) == ("motion-digits", {})
    assert names == (("vita", "spact") if name == "longer" else None)
    kept = systems.RESULTS / f"benchmark_{name}.json"
    assert kept.read_bytes() == (out / "report.json").read_bytes()
    command = json.loads(kept.read_text())["settings"]["command"]
    assert set(command.split()) == {*systems.COMMANDS[name][0].split(), "--out", str(out)}


def test_what_failed_is_not_kept(systems, asked, tmp_path):
    _, failing = asked
    failing.append(True)
    said = "1 systems could not be measured, or not with every seed: vita"
    with pytest.raises(SystemExit, match=said):
        systems.main(["quick", "--out", str(tmp_path / "out")])
    assert not list(systems.RESULTS.iterdir())


def test_the_demo_keeps_its_report(systems, tmp_path, monkeypatch):
    script = tmp_path / "demo.py"
    script.write_text(
        "import pathlib, sys\n"
        "out = pathlib.Path(sys.argv[1])\n"
        "out.mkdir()\n"
        "(out / 'report.json').write_text('{\"rows\": []}')\n"
    )
    monkeypatch.setattr(systems, "DEMO", script)
    systems.main(["demo", "--out", str(tmp_path / "out")])
    assert (systems.RESULTS / "motion_digits_demo.json").read_text() == '{"rows": []}'


def test_the_documents_say_the_same_commands(systems):
    texts = [
        (systems.ROOT / "docs" / name).read_text(encoding="utf-8")
        for name in ("evaluation.md", "method.md")
    ]
    said = re.sub(r"\s+", " ", " ".join([*texts, (systems.ROOT / "README.md").read_text()]))
    for command, folder, kept in systems.COMMANDS.values():
        whole = command if command == "make demo" else f"{command} --out {folder}"
        assert whole in said, whole
        assert (systems.ROOT / "benchmarks" / "results" / kept).is_file()


def test_another_name_is_wrong_usage(systems, capsys):
    with pytest.raises(SystemExit, match="2"):
        systems.main(["other"])
    assert "invalid choice" in capsys.readouterr().err
