"""Write what the released model makes of a synthesised clip: ``make golden``.

Kept are levels per band and second, not samples: a change of the weights or of any step on the way
shows, the rounding of another processor does not.
"""

import json
from pathlib import Path

import numpy as np
import synthesise

from aliquot import weights
from aliquot.api import restore
from aliquot.degrade.lowpass import Lowpass, lowpass
from aliquot.dsp.stft import stft

RATE = 44_100
CUTOFFS_HZ = (3_000.0, 5_500.0, 11_000.0)
PATH = Path(__file__).with_name("levels.json")


def levels_db(cutoff_hz: float) -> list[list[float]]:
    """Levels of left and right above a cut-off: rows of 12 bands for each second and channel."""
    clip = 0.5 * synthesise.pop(3.0, RATE)
    dull = lowpass(clip.astype(np.float32), RATE, Lowpass("sinc", cutoff_hz))
    added = restore(dull, RATE, cutoff_hz=cutoff_hz).samples - dull
    power = np.abs(stft(added, 2048, 512)) ** 2
    edges = np.linspace(cutoff_hz * 2048 / RATE, 1000, 13).astype(int)[:-1]
    bands = np.add.reduceat(power[..., :1000], edges, axis=2)
    seconds = [part.mean(axis=1) for part in np.array_split(bands, 3, axis=1)]
    rows = 10 * np.log10(np.concatenate(seconds) + 1e-12)
    return [[round(float(value), 3) for value in row] for row in rows]


def measured() -> dict[str, object]:
    """Everything the golden file holds."""
    release = weights.find("default")
    return {
        "release": release.name,
        "sha256": release.sha256,
        "levels_db": {f"{cutoff:.0f}": levels_db(cutoff) for cutoff in CUTOFFS_HZ},
    }


def main() -> None:
    new = measured()
    if PATH.is_file():
        old = json.loads(PATH.read_text(encoding="utf-8"))["levels_db"]
        changes = [np.abs(np.array(old[key]) - new["levels_db"][key]) for key in old]
        print(f"largest change {max(c.max() for c in changes):.3f} dB")
        print(f"mean change {np.mean([c.mean() for c in changes]):.3f} dB")
    PATH.write_text(json.dumps(new, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
