"""From nothing to a restored recording: collect music, train on it, restore with what was learned.

    python examples/from_query_to_restored.py FOLDER

No network is needed: a fake Internet Archive (``examples/fakes``) answers on this machine, over
real HTTPS, with synthesised music under several licences. All rules of the collector stay on. That
the Archive's hosts are found here is said by a Python object; no option or variable could say it.

The model is tiny and is trained for seconds. It shows the way, not what aliquot can do.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from fakes.catalogue import RATE, Song
from fakes.sources import Archive
from fakes.web import Authority, Web

from aliquot.audio import Waveform
from aliquot.cli import main as aliquot_here
from aliquot.collect.manifest import HELD_OUT, read_list
from aliquot.collect.network import Network
from aliquot.degrade.lowpass import Lowpass, lowpass

SETTINGS = Path(__file__).parent.parent / "settings" / "smoke.toml"
CUTOFF_HZ = 8_000.0
LICENCES = ("by", "cc0", "by-nc", "by", "pdm", "", "by", "by-nd", "by", "by-sa", "cc0", "by")
"""Of the recordings that the fake Archive has: eight of the twelve may be trained on."""


def told(*words: object) -> list[str]:
    """The words of a command, printed as one would type them."""
    texts = [str(word) for word in words]
    print("\n$ aliquot", *(text if " " not in text else f'"{text}"' for text in texts), flush=True)
    return texts


def aliquot(*words: object) -> None:
    """Run a command as a program of its own."""
    done = subprocess.run([sys.executable, "-m", "aliquot", *told(*words)], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def collect(network: Network, music: Path) -> None:
    """Run ``aliquot collect`` in this process, which alone knows where the hosts are."""
    words = told(
        "collect", "internet-archive", "collection:netlabels", "--hours", 0.006, "--out", music,
        "--contact", "you@example.org",
    )  # fmt: skip
    try:
        aliquot_here(words, obj=network)
    except SystemExit as end:
        if end.code:
            raise


def load(path: Path) -> Waveform:
    """A recording as ``(channels, samples)``."""
    samples: Waveform = soundfile.read(path, dtype="float32", always_2d=True)[0].T
    return samples


def level_above_db(samples: Waveform, cutoff_hz: float) -> float:
    """Level of what lies above a frequency, in dB of full scale."""
    length = samples.shape[1]
    spectrum = np.fft.rfft(samples * np.hanning(length), axis=1)
    high = spectrum[:, np.fft.rfftfreq(length, 1 / RATE) >= cutoff_hz]
    power = np.sum(np.abs(high) ** 2) / (0.375 * length**2 / 2) / samples.shape[0]
    return float(10 * np.log10(power + 1e-20))


def main() -> None:
    """Do it all in the folder named on the command line."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1])
    music, run, model = folder / "music", folder / "run", folder / "first.onnx"
    folder.mkdir(parents=True, exist_ok=True)

    fake = Archive([Song(number, licence) for number, licence in enumerate(LICENCES, 1)])
    with tempfile.TemporaryDirectory() as secrets:
        authority = Authority(Path(secrets), (fake.api, fake.files))
        with Web(authority, fake.apps()) as web:
            collect(web.network(), music)
    aliquot("data", "report", music)

    places = (f"data.music={music}", f"data.held_out={music / HELD_OUT}")
    aliquot("train", SETTINGS, *places, f"data.cache={folder / 'cache'}", "-o", run)
    aliquot("export", run, "-o", model, "--licence", "CC0-1.0")

    original = load(music / read_list(music / HELD_OUT)[0])  # never trained on
    dull, restored = folder / "dull.wav", folder / "restored.wav"
    soundfile.write(dull, lowpass(original, RATE, Lowpass("sinc", CUTOFF_HZ)).T, RATE)
    aliquot("restore", dull, "-o", restored, "--model", model, "--overwrite")

    print(f"\nLevel above {CUTOFF_HZ:.0f} Hz:")
    for name, samples in (
        ("original", original), ("dull", load(dull)), ("restored", load(restored)),
    ):  # fmt: skip
        print(f"  {name:9}{level_above_db(samples, CUTOFF_HZ):7.1f} dB")
    print(f"Listen and look: {folder}")


if __name__ == "__main__":
    main()
