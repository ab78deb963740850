"""Measure the default model on the validation music and the dev split; write the benchmark page.

    python benchmarks/quality.py --music ../shared/music

Runs ``aliquot evaluate`` on two sets, behind filters trained on, filters never trained on and
codecs, earlier releases beside the default one, and writes ``benchmarks/results/quality-*.json``.
Rows of earlier releases, whose files never change, are kept if the baselines score as they did;
``--everything`` measures them again.
From these come ``docs/benchmarks.md`` and the tables of the model card; what the card says of the
file and its training comes from the file, the settings and the log. ``--pages`` makes the pages
again from what is there.
"""

import argparse
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from aliquot import weights

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TASKS = "cutoff-4000,cutoff-5500,cutoff-8000,cutoff-11000"
CODECS = "mp3-64,mp3-128,vorbis-q0"
RUNS = {
    "valid": ("valid", None),
    "dev": ("train", ROOT / "settings" / "dev-split.txt"),
    "strangers": ("strangers", None),
    "voices": ("voices", None),
}
FAMILIES = {"trained": "Filters: trained.", "held-out": "Filters: held-out.", "codecs": "Codecs."}
"""Groups of filters, or codecs instead, and what their tables are called."""
COLUMNS = (
    ("lsd", 3), ("lsd_hf", 3), ("lsd_lf", 3), ("envelope_db", 1), ("treble_bias_db", 1),
    ("bias_p90_db", 1), ("texture", 2), ("low_snr_db", 1), ("snr_db", 1), ("side_db", 1),
    ("coherence", 3),
)  # fmt: skip
NAME = weights.aliases()["default"]
EARLIER = [name for name in weights.releases() if name != NAME]
CARD = ROOT / "docs" / "models" / f"{NAME}.md"


def measure(music: Path, chosen: argparse.Namespace) -> None:
    """Run the evaluations."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    for family in chosen.families.split(","):
        for name in chosen.sets.split(","):
            folder, only = RUNS[name]
            path = RESULTS / f"quality-{name}-{family}.json"
            stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            kept = {} if chosen.everything else earlier_in(stored)
            missing = [release for release in EARLIER if release not in kept.values()]
            coded = family == "codecs"
            words = ["--set", str(music / folder), "--tasks", CODECS if coded else TASKS]
            words += [] if coded else ["--family", family]
            words += [word for model in (chosen.model, *missing) for word in ("--model", model)]
            words += ["--jobs", str(chosen.jobs), "--json-out", str(path)]
            words += ["--only", str(only)] if only else []
            print(f"# {name}, {family} families", flush=True)
            done = subprocess.run(
                [sys.executable, "-m", "aliquot", "evaluate", *words], check=False
            )
            assert done.returncode in (0, 1), "nothing was measured"  # 1: some files failed
            measured = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(joined(measured, stored, kept), indent=1) + "\n")


def earlier_in(stored: dict[str, Any]) -> dict[str, str]:
    """Releases that have rows in stored results, known by their hash: method to release."""
    releases = {weights.find(name).sha256: name for name in EARLIER}
    models = stored.get("models", {})
    return {method: releases[sha] for method, sha in models.items() if sha in releases}


def joined(
    measured: dict[str, Any], stored: dict[str, Any], kept: dict[str, str]
) -> dict[str, Any]:
    """New results with earlier releases' rows out of stored ones.

    Raises:
        ValueError: If a baseline has not the scores that it had: all must be measured again.
    """
    for part in ("rows", "files"):
        old = {key(row): row for row in stored.get(part, ())}
        for row in measured[part]:
            twin = old.get(key(row))
            same = twin is None or row["lsd"] is None or abs(twin["lsd"] - row["lsd"]) < 2e-3
            if kept and row["method"] in ("noise-fill", "copy-up", "oracle") and not same:
                raise ValueError(f"scores have changed; use --everything: {twin} is now {row}")
        for row in stored.get(part, ()):
            if row["method"] in kept:
                measured[part].append(row | {"method": kept[row["method"]]})
        # Ours, earlier releases', and the baselines behind them, task by task.
        rank = {"default": 0, **{name: 1 + place for place, name in enumerate(reversed(EARLIER))}}
        tasks = list(dict.fromkeys(row["task"] for row in measured[part]))
        measured[part].sort(
            key=lambda row: (tasks.index(row["task"]), rank.get(row["method"], len(rank)))
        )
    measured["models"] |= {kept[name]: stored["models"][name] for name in kept}
    return measured


def key(row: dict[str, Any]) -> tuple[str | None, ...]:
    """What a row is of."""
    return row["task"], row["method"], row["family"], row.get("file")


def rows_of(name: str, family: str) -> list[dict[str, Any]]:
    """The rows of one evaluation.

    What was the default when it was made goes by its own name, if it is not the default any more,
    and not at all if it is withdrawn.
    """
    path = RESULTS / f"quality-{name}-{family}.json"
    if not path.is_file():
        return []
    stored = json.loads(path.read_text(encoding="utf-8"))
    names = earlier_in(stored)
    if stored["models"]["default"] == weights.find("default").sha256:
        names["default"] = "default"
    gone = [method for method in stored["models"] if method not in names]
    return [
        row | {"method": names.get(row["method"], row["method"])}
        for row in stored["rows"]
        if row["family"] is None and row["method"] not in gone
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as Markdown."""
    names = ["task", "method", "files", *(name for name, _ in COLUMNS), "worst file"]
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * 2}{'--:|' * (len(names) - 3)}---|"]
    for row in rows:
        cells = ["-" if row[n] is None else f"{row[n]:.{digits}f}" for n, digits in COLUMNS]
        method = f"**{row['method']}**" if row["method"] == "default" else row["method"]
        cells.append(Path(row["worst"]).stem)
        lines.append(f"| {row['task']} | {method} | {row['files']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def against(rows: list[dict[str, Any]], other: str, metric: str) -> str:
    """The model's mean of a metric over tasks against another method's, in per cent."""
    ours = [row[metric] for row in rows if row["method"] == "default"]
    theirs = [row[metric] for row in rows if row["method"] == other]
    return f"{100 * (sum(ours) / sum(theirs) - 1):+.0f} %"


def in_words(name: str) -> str:
    """What the tables say, computed from them."""
    trained, held = rows_of(name, "trained"), rows_of(name, "held-out")
    if not any(row["method"] == "default" for row in trained):
        return f"Measured before {NAME} was released; not yet with it."
    place = [row for row in trained if row["task"].startswith("cutoff")]
    loss = []
    for row in [row for row in held if row["method"] == "default"]:
        twin = next(r for r in trained if (r["task"], r["method"]) == (row["task"], "default"))
        loss.append(row["envelope_db"] / twin["envelope_db"] - 1)
    measured = {row["method"] for row in place}
    others = [name for name in ("noise-fill", "copy-up", *EARLIER) if name in measured]
    parts = []
    for metric in ("envelope_db", "lsd_hf"):
        changes = [f"{against(place, other, metric)} against {other}" for other in others]
        parts.append(f"`{metric}` {', '.join(changes)}")
    text = f"In place (4, 5.5, 8, 11 kHz): {'; '.join(parts)}."
    if loss:
        share = 100 * sum(loss) / len(loss)
        text += f" Filter families never trained on change `envelope_db` by {share:+.1f} %."
    return text


def tables() -> str:
    """All tables, with a line of words before each set."""
    parts = []
    for name in RUNS:
        if not rows_of(name, "trained"):
            continue
        parts += [f"### {name}", "", in_words(name), ""]
        for family, heading in FAMILIES.items():
            if rows_of(name, family):
                parts += [heading, "", table(rows_of(name, family)), ""]
    return "\n".join(parts)


def write_pages() -> None:
    """The benchmark page, and the tables in the card."""
    text = tables()
    page = (
        "# Benchmarks\n\nWritten by `python benchmarks/quality.py`; do not edit. Definitions: "
        "[metrics.md](metrics.md). The rows named `default` are the released model with the "
        "cut-off that it found itself.\n\n"
    )
    (ROOT / "docs" / "benchmarks.md").write_text(page + text.rstrip() + "\n", encoding="utf-8")
    card = replaced(CARD.read_text(encoding="utf-8"), "facts", facts())
    CARD.write_text(replaced(card, "tables", text.rstrip()), encoding="utf-8")


def replaced(page: str, name: str, text: str) -> str:
    """A page with other text between its marks of a name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def facts() -> str:
    """What the file, the settings and the log say of the released model, as Markdown."""
    content, name = weights.read("default")
    release = weights.find(name)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    settings = tomllib.loads((ROOT / "settings" / "aliquot.toml").read_text(encoding="utf-8"))
    log = CARD.with_name(f"{name}-log.jsonl")
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    levels, waves = settings["levels"], settings["optim"]
    assert levels["steps"] + waves["steps"] == rows[-1]["step"], "the log is of another run"
    assert int(told["steps"]) <= rows[-1]["step"], "the log is of another run"
    begun = settings["run"].get("weights")
    network = "`models/spectral.py` at the commit below"
    if "parameters" in told:  # files written before it was noted lack it
        network += f", {int(told['parameters']):,} parameters"
    table = {
        "file": f"`src/aliquot/released/{release.file}`, {len(content):,} bytes",
        "sha256": f"`{release.sha256}`",
        "network": network,
        "settings": "`settings/aliquot.toml`",
        "trained at commit": f"`{told['commit']}`",
        "training": (f"begun with `{begun}`; " if begun else "")
        + f"{levels['steps']:,} steps of {levels['batch']} pieces on band powers, then "
        f"{waves['steps']:,} of {waves['batch']} on waveforms, "
        f"{rows[-1]['seconds'] / 60:.0f} minutes on two shared CPU cores; "
        f"weights of step {int(told['steps']):,}; log: [{log.name}]({log.name})",
        "levels raised by": f"{told['level_db']} dB",
        "licence of the weights": release.licence,
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {key} | {row} |" for key, row in table.items())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", type=Path, help="Folder with manifest.csv, train and valid.")
    parser.add_argument("--model", default="default")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--sets", default="valid,dev", help=f"Of {list(RUNS)}.")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="Measure earlier releases again, instead of keeping their rows.",
    )
    parser.add_argument("--pages", action="store_true", help="Only write the pages again.")
    chosen = parser.parse_args()
    if not chosen.pages:
        measure(chosen.music, chosen)
    write_pages()


if __name__ == "__main__":
    main()
