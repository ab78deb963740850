"""Several processes under torchrun train as one does with the whole batch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = Path(__file__).parents[2] / "settings"
SMALL = {
    "audiounet": ("audiounet.width=0.05", "audiounet.layers=3"),
    "music-gan": (
        *("music_gan.width=0.05", "music_gan.layers=3"),
        *("discriminators.width=2", "discriminators.windows=[512]", "adversary.warmup=4"),
    ),
}


@pytest.mark.parametrize("method", SMALL)
def test_two_processes_train_as_one_with_the_whole_batch(
    collection: Path, tmp_path: Path, method: str
) -> None:
    """The losses of the founding methods differ by rounding only, the adversary's included.

    A batch of two is one example for each process: what is not additive over examples shows.
    """

    def losses(out: Path, *launcher: str) -> list[dict[str, float]]:
        words = [
            *(f"data.music={collection}", f"data.held_out={collection}/held-out.txt"),
            *(f"data.cache={collection}/cache", "wave.samples=4096", "optim.batch=2"),
            *("optim.steps=20", "optim.warmup=2", "run.workers=0", "run.validation_examples=2"),
            *("run.threads=1", "run.previews=0", *SMALL[method]),
        ]
        command = [*launcher, "-m", "aliquot", "train", str(SETTINGS / f"{method}.toml"), *words]
        done = subprocess.run(
            [*command, "-o", str(out), "--quiet"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        return [{name: v for name, v in row.items() if name != "seconds"} for row in rows]

    one = losses(tmp_path / "one", sys.executable)
    launcher = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2")
    two = losses(tmp_path / "two", *launcher, "--master-port=29620")
    assert len(one) == len(two) == 3
    for row, other in zip(one, two, strict=True):
        assert other == pytest.approx(row, abs=1e-3), (row, other)
    assert ("adversary_total" in one[1]) == (method == "music-gan")
