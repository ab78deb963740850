"""What a run sounds and looks like on the way: WAV files and spectrogram pictures."""

from pathlib import Path

import soundfile

from aliquot.plots import spectrogram_plot
from aliquot.training.methods import Preview


def show(preview: Preview, folder: Path, name: str) -> None:
    """Write ``<name>.png`` with three spectrograms, and ``<name>-restored.wav``.

    Originals and degraded excerpts are the same at every step: they are written once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = name.rsplit("-", 1)[1]
    files = {
        f"original-{number}.wav": preview.original,
        f"degraded-{number}.wav": preview.degraded,
        f"{name}-restored.wav": preview.restored,
    }
    for file, samples in files.items():
        if file.startswith("step") or not (folder / file).is_file():
            soundfile.write(folder / file, samples.T, preview.sample_rate, subtype="FLOAT")
    panels = [(title, getattr(preview, title)) for title in ("original", "degraded", "restored")]
    spectrogram_plot(panels, preview.sample_rate, folder / f"{name}.png")
