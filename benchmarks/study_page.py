"""The page of the study: tables from the result files of `benchmarks/study.py`."""

import json
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "study.md"
PICTURES = ROOT / "docs" / "study"
NOTES = Path(__file__).with_name("study_notes.md")
"""What the tables mean, in words; the figures in them are put in by :func:`figures`."""
SETS = {"valid": ("valid", None), "dev": ("train", ROOT / "settings" / "dev-split.txt")}
MEASURED = (
    ("snr_db", 2), ("lsd", 2), ("lsd_kuleshov", 2), ("lsd_hf", 2), ("envelope_db", 1),
    ("texture", 2), ("treble_bias_db", 1),
)  # fmt: skip
TASKS = ("x2", "x4", "x6", "x4-16k")
OWN_SETTING = "x4-16k"
ADVERSARY = ("music-gan", "music-plain")


def rows_of(task: str, name: str) -> dict[str, dict[str, Any]]:
    """Rows by method; runs by their names, `:raw` for raw ones."""
    path = RESULTS / f"study-{task}-{name}.json"
    rows: dict[str, dict[str, Any]] = {}
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else rows


def table(task: str, name: str) -> list[str]:
    """One table: baselines, then runs; of several seeds mean and spread."""
    rows = rows_of(task, name)
    if not rows:
        return []
    groups: dict[str, list[dict[str, Any]]] = {}
    for method, row in rows.items():
        run, colon, mode = method.partition(":")
        key = run.rsplit("-s", 1)[0].replace(f"-{task}", "") + colon + mode
        groups.setdefault(key, []).append(row)
    lines = [
        f"### {task}, {name}",
        "",
        f"| method | seeds | {' | '.join(metric for metric, _ in MEASURED)} |",
        f"|---|{'--:|' * (1 + len(MEASURED))}",
    ]
    for method, found in groups.items():
        cells = []
        for metric, digits in MEASURED:
            values = [row[metric] for row in found if row[metric] is not None]
            if not values:
                cells.append("-")
                continue
            spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.{digits}f}{spread}")
        lines.append(f"| {method} | {len(found)} | {' | '.join(cells)} |")
    return [*lines, ""]


def pairs(set_name: str) -> list[str]:
    """What the adversary changes at x4, seed by seed: `music-gan` less its twin."""
    rows = rows_of("x4", set_name)
    lines = [
        f"| {set_name} | {' | '.join(metric for metric, _ in MEASURED)} |",
        f"|---|{'--:|' * len(MEASURED)}",
    ]
    for mode in (":raw", ""):
        changes = []
        for seed in (1, 2, 3):
            both = [
                rows.get(f"{method}-x4-s{seed}{mode}") for method in ("music-gan", "music-plain")
            ]
            if both[0] and both[1]:
                changes.append([both[0][metric] - both[1][metric] for metric, _ in MEASURED])
                cells = [f"{value:+.{MEASURED[i][1]}f}" for i, value in enumerate(changes[-1])]
                lines.append(f"| seed {seed}{mode} | {' | '.join(cells)} |")
        if len(changes) > 1:
            means, spreads = np.mean(changes, axis=0), np.std(changes, axis=0, ddof=1)
            cells = [
                f"{mean:+.{digits}f} ± {spread:.{digits}f}"
                for mean, spread, (_, digits) in zip(means, spreads, MEASURED, strict=True)
            ]
            lines.append(f"| mean{mode} | {' | '.join(cells)} |")
    return [*lines, ""]


def sanity() -> list[str]:
    """AudioUNet's SNR against its own input and against sinc interpolation."""
    lines = ["| | spline | sinc | AudioUNet, raw | over spline | over sinc |", "|---|" + "--:|" * 5]
    for task in ("x4", OWN_SETTING):
        for name in SETS:
            rows = rows_of(task, name)
            found = [rows.get(key) for key in ("spline", "degraded", f"audiounet-{task}-s1:raw")]
            if all(found):
                spline, sinc, net = (row["snr_db"] for row in found if row)
                lines.append(
                    f"| {task}, {name} | {spline:.2f} | {sinc:.2f} | {net:.2f} | "
                    f"{net - spline:+.2f} | {net - sinc:+.2f} |"
                )
    return [*lines, ""]


def span(values: list[float], digits: int) -> str:
    """From the lowest to the highest, or the one that all are."""
    low, high = (f"{round(value, digits) + 0.0:.{digits}f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def figures() -> dict[str, str]:
    """What the notes say in numbers, from the result files."""
    names = ("study-curves", "study-cost")
    curves, costs = (json.loads((RESULTS / f"{name}.json").read_text()) for name in names)
    sets = [rows_of("x4", name) for name in SETS]

    def raw(method: str, metric: str) -> list[float]:
        keys = [f"{method}-x4-s{seed}:raw" for seed in (1, 2, 3)]
        return [float(rows[key][metric]) for rows in sets for key in keys if key in rows]

    def share(metric: str) -> list[float]:
        pairs = zip(raw("music-gan", metric), raw("music-plain", metric), strict=True)
        return [100 * (1 - gan / plain) for gan, plain in pairs]

    def change(metric: str) -> list[float]:
        pairs = zip(raw("music-gan", metric), raw("music-plain", metric), strict=True)
        return [gan - plain for gan, plain in pairs]

    alone = ("audiounet", "hetherly", "music-plain")
    quiet = [-bias for name in alone for bias in raw(name, "treble_bias_db")]
    kept = [snr for name in (*alone, "music-gan") for snr in raw(name, "low_snr_db")]
    fill = [rows["noise-fill"] for rows in sets]
    spline, sinc, net = (
        [rows[key]["snr_db"] for rows in sets]
        for key in ("spline", "degraded", "audiounet-x4-s1:raw")
    )
    runs = [row for name, row in curves.items() if name.split("-x4-s")[0] in alone]
    slow = [costs[name] / costs["aliquot-1"] for name in ("audiounet", "music-gan")]
    others = {}
    for task in ("x2", "x6"):
        for label, methods in (("gan", ["music-gan"]), ("plain", ["audiounet", "hetherly"])):
            keys = [f"{method}-{task}-s1:raw" for method in methods]
            found = [rows_of(task, name)[key]["envelope_db"] for name in SETS for key in keys]
            others[f"{label}_{task}"] = span(found, 1)
    return others | {
        "seeds": str(len(raw("music-gan", "snr_db")) // len(sets)),
        "lsd_share": span(share("lsd_hf"), 0),
        "envelope_share": span(share("envelope_db"), 0),
        "louder": span(change("treble_bias_db"), 1),
        "texture_change": span(change("texture"), 2),
        "snr_loss": span([-value for value in change("snr_db")], 2),
        "plain_quiet": span(quiet, 0),
        "gan_quiet": span([-bias for bias in raw("music-gan", "treble_bias_db")], 0),
        "gan_envelope": span(raw("music-gan", "envelope_db"), 1),
        "fill_envelope": span([row["envelope_db"] for row in fill], 1),
        "gan_lsd": f"{np.mean(raw('music-gan', 'lsd_hf')):.2f}",
        "fill_lsd": f"{np.mean([row['lsd_hf'] for row in fill]):.2f}",
        "best_step": span([row["best_step"] for row in runs], 0),
        "best_db": span([row["best_db"] for row in runs], 2),
        "last_db": span([row["last_db"] for row in runs], 2),
        "kept": span(kept, 0),
        "slow": span(slow, 0),
        "over_spline": span([a - b for a, b in zip(net, spline, strict=True)], 2),
        "over_sinc": span([a - b for a, b in zip(net, sinc, strict=True)], 2),
        "sinc_gain": span([a - b for a, b in zip(sinc, spline, strict=True)], 2),
    }


def page() -> None:
    """Write `docs/study.md` from the results."""
    budgets = json.loads((RESULTS / "study-minutes.json").read_text())
    costs = json.loads((RESULTS / "study-cost.json").read_text())
    lines = [
        "# Does the GAN help?",
        "",
        "Written by `python benchmarks/study.py page`; do not edit. To repeat it: see the script.",
        "",
        *NOTES.read_text(encoding="utf-8").format(**figures()).splitlines(),
        "",
        "## Runs",
        "",
        "Minutes of training (processor time over two), two CPU cores, narrow sizes: "
        + ", ".join(f"{name} {minutes:g}" for name, minutes in budgets.items())
        + ".",
        "",
        "Seconds per second of mono audio, one thread: "
        + ", ".join(f"{name} {seconds:g}" for name, seconds in costs.items())
        + ".",
        "",
        *(
            line
            for picture in sorted(PICTURES.glob("x4-*.png"))
            for line in (f"![{picture.stem[3:]}, from 12 kHz](study/{picture.name})", "")
        ),
        'Excerpt: "School of Quirks" by Zander Noriega, CC-BY-SA-3.0; founding methods raw.',
        "",
        "`degraded` is sinc interpolation (soxr) of the low-rate samples. Runs named `:raw` return",
        "what the network returns, as in their papers; else the given band is kept and only the",
        "treble is the network's.",
        "",
        "## What the adversary changes",
        "",
        "`music-gan` less `music-plain`, which are one run up to half of the budget. Better is:",
        "SNR up, distances down, texture and bias nearer to 1 and to 0.",
        "",
        *(line for name in SETS for line in pairs(name)),
        "## AudioUNet against its input, SNR in dB",
        "",
        *sanity(),
        "## All methods",
        "",
    ]
    for task in TASKS:
        for name in SETS:
            lines += table(task, name)
    PAGE.write_text("\n".join(lines), encoding="utf-8")
