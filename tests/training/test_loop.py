import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from aliquot.config import load
from aliquot.errors import ConfigError, ModelError
from aliquot.models.spectral import Spectral
from aliquot.training import checkpoint
from aliquot.training.loop import Trainer
from aliquot.training.optimizers import optimizers_of
from aliquot.training.parallel import pick_device
from aliquot.training.settings import OptimSettings, Settings
from aliquot.training.stages import learning_rate

ROOT = Path(__file__).parent.parent.parent


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def write_settings(path: Path, tiny: Settings, steps: int) -> None:
    path.write_text(
        f"""
        [model]
        width = 8
        expansion = 1
        dilations = [1]
        input_bands = 16
        output_bands = 16
        [data]
        music = "{tiny.data.music}"
        held_out = "{tiny.data.held_out}"
        cache = "{tiny.data.cache}"
        loss_frames = 12
        [optim]
        batch = 2
        steps = {steps}
        [run]
        workers = 0
        validation_examples = 2
        """
    )


@pytest.mark.parametrize("matrices", ["adamw", "muon"])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_last_bit(
    tiny: Settings, tmp_path: Path, matrices: str
) -> None:
    tiny = replace(tiny, optim=replace(tiny.optim, matrices=matrices))
    whole = Trainer(tiny, tmp_path / "whole")
    whole.train(lambda row: None)
    first = Trainer(tiny, tmp_path / "parts")
    first.train(lambda row: None, max_seconds=0)  # stops after one step
    assert first.step == 1
    second = Trainer(tiny, tmp_path / "parts")
    second.train(lambda row: None)
    assert second.step == whole.step == 12
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(second)[name]), name
    for name, value in whole.average.items():
        assert torch.equal(value, second.average[name]), name


def test_a_run_killed_without_warning_resumes_from_its_last_checkpoint(
    tiny: Settings, tmp_path: Path
) -> None:
    """The child dies in step 5; the checkpoint of step 4, the first stage's last, carries on."""
    whole = Trainer(tiny, tmp_path / "whole")
    whole.train(lambda row: None)
    done = os.fork()
    if done == 0:
        victim = Trainer(tiny, tmp_path / "killed")
        update = victim.update

        def deadly(batch: list[torch.Tensor]) -> dict[str, float]:
            if victim.step == 5:
                os.kill(os.getpid(), signal.SIGKILL)
            return update(batch)

        victim.update = deadly  # type: ignore[method-assign]
        victim.train(lambda row: None)
        os._exit(0)
    _, status = os.waitpid(done, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    again = Trainer(tiny, tmp_path / "killed")
    assert again.step == 4
    again.train(lambda row: None)
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(again)[name]), name


def test_dropout_draws_the_same_after_a_pause(tiny: Settings, tmp_path: Path) -> None:
    settings = replace(tiny, model=replace(tiny.model, dropout=0.5))
    whole = Trainer(settings, tmp_path / "whole")
    whole.train(lambda row: None)
    for _ in range(12):
        torch.rand(3)
        Trainer(settings, tmp_path / "parts").train(lambda row: None, max_seconds=0)
    parts = Trainer(settings, tmp_path / "parts")
    assert parts.step == 12
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(parts)[name]), name


def test_two_processes_train_as_one_with_the_whole_batch(tiny: Settings, tmp_path: Path) -> None:
    """Under torchrun: the logged losses of twelve steps differ by rounding only."""
    settings = tmp_path / "tiny.toml"
    write_settings(settings, tiny, steps=20)

    def losses(out: Path, *launcher: str) -> list[float]:
        command = [*launcher, "-m", "aliquot", "train", str(settings), "-o", str(out), "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        return [value for row in rows for key, value in row.items() if "total" in key]

    one = losses(tmp_path / "one", sys.executable)
    launcher = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2")
    two = losses(tmp_path / "two", *launcher, "--master-port=29611")
    assert len(one) == len(two) == 3
    assert two == pytest.approx(one, abs=1e-3)


def test_previews_are_pictures_and_sound(tiny: Settings, tmp_path: Path) -> None:
    settings = replace(tiny, run=replace(tiny.run, previews=1))
    Trainer(settings, tmp_path).train(lambda row: None)
    names = {path.name for path in (tmp_path / "previews").iterdir()}
    assert names == {
        "original-0.wav", "degraded-0.wav",
        "step-000008-0.png", "step-000008-0-restored.wav",
        "step-000012-0.png", "step-000012-0-restored.wav",
    }  # fmt: skip
    original, degraded, restored = (
        soundfile.read(tmp_path / "previews" / name)[0]
        for name in ("original-0.wav", "degraded-0.wav", "step-000012-0-restored.wav")
    )
    assert original.shape == degraded.shape == restored.shape
    assert np.abs(degraded - original).max() > 0
    assert np.abs(restored - degraded).max() > 0


def test_training_lowers_the_loss_on_one_batch(tiny: Settings, tmp_path: Path) -> None:
    settings = replace(tiny, optim=replace(tiny.optim, learning_rate=5e-3, steps=60, decay=0.01))
    trainer = Trainer(settings, tmp_path)
    trainer.step = tiny.levels.steps
    batch = next(trainer.batches())
    first = trainer.update(batch)["total"]
    for _ in range(40):
        last = trainer.update(batch)["total"]
    assert last < 0.75 * first


def test_a_run_leaves_a_log_settings_and_the_best_weights(tiny: Settings, tmp_path: Path) -> None:
    Trainer(tiny, tmp_path).train(lambda row: None)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    validations = [row for row in rows if "valid_total" in row]
    assert [row["step"] for row in validations] == [4, 8, 12]
    found = checkpoint.read(tmp_path / "best")
    assert found is not None
    tensors, facts = found
    assert facts["settings"] == checkpoint.as_facts(tiny)
    assert set(checkpoint.part(tensors, "ema."))
    assert "valid_texture" in validations[1]
    assert "valid_texture" not in validations[0]
    best = min(validations[1:], key=lambda row: row["valid_total"])
    assert facts["step"] == best["step"]


def test_a_run_of_another_model_is_not_overwritten(tiny: Settings, tmp_path: Path) -> None:
    Trainer(tiny, tmp_path).train(lambda row: None, max_seconds=0)
    other = replace(tiny, model=replace(tiny.model, width=16))
    with pytest.raises(ConfigError, match="another model"):
        Trainer(other, tmp_path)


def test_a_run_of_another_optimizer_is_not_taken_up(tiny: Settings, tmp_path: Path) -> None:
    Trainer(tiny, tmp_path / "run").train(lambda row: None, max_seconds=0)
    other = replace(tiny, optim=replace(tiny.optim, matrices="muon"))
    with pytest.raises(ConfigError, match=r"run holds a run without optim\.matrices=muon; choose"):
        Trainer(other, tmp_path / "run")


def test_every_weight_has_one_optimizer_and_muon_the_matrices(tiny: Settings) -> None:
    network = Spectral(tiny.model)
    adamw, muon = optimizers_of(network, replace(tiny.optim, matrices="muon"))
    owned = [p for one in (adamw, muon) for group in one.param_groups for p in group["params"]]
    assert {id(p) for p in owned} == {id(p) for p in network.parameters()}
    assert len(owned) == len(list(network.parameters()))
    assert {p.ndim for group in muon.param_groups for p in group["params"]} == {2}
    assert [type(one) for one in optimizers_of(network, tiny.optim)] == [type(adamw)]


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match=r"checkpoint\.safetensors is damaged"):
        checkpoint.read(tmp_path)


def test_the_rate_warms_up_stays_and_falls() -> None:
    optim = OptimSettings(learning_rate=1.0, steps=1_000, warmup=10, decay=0.5)
    assert learning_rate(optim, 0) == pytest.approx(0.1)
    assert learning_rate(optim, 400) == 1.0
    assert learning_rate(optim, 750) == pytest.approx(0.5)
    assert learning_rate(optim, 999) == pytest.approx(0.02)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no GPU"):
        pick_device("cuda")


def test_train_by_command_resumes_and_names_a_wrong_key(tiny: Settings, tmp_path: Path) -> None:
    settings = tmp_path / "tiny.toml"
    write_settings(settings, tiny, steps=2)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "aliquot", "train", str(settings), *words, "--quiet"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    out = str(tmp_path / "run")
    assert run("-o", out).returncode == 0
    assert run("-o", out, "optim.steps=3").returncode == 0
    assert checkpoint.read_facts(Path(out) / "checkpoint.safetensors")["step"] == 3
    wrong = run("-o", out, "optim.learning_rat=1")
    assert wrong.returncode == 2
    assert "did you mean 'learning_rate'" in wrong.stderr


def test_a_run_begins_with_the_weights_of_a_file_or_of_another_run(
    tiny: Settings, tmp_path: Path
) -> None:
    earlier = Trainer(tiny, tmp_path / "earlier")
    earlier.train(lambda row: None)
    checkpoint.save_weights(tmp_path / "earlier", tmp_path / "earlier.safetensors")
    for source in ("earlier", "earlier.safetensors"):
        run = replace(tiny.run, weights=str(tmp_path / source), seed=2)
        later = Trainer(replace(tiny, run=run), tmp_path / f"after-{source}")
        assert later.step == 0
        for name, value in earlier.average.items():
            assert torch.equal(value, weights(later)[name]), name
            assert torch.equal(value, later.average[name]), name
        later.train(lambda row: None)
        resumed = Trainer(replace(tiny, run=run), tmp_path / f"after-{source}")
        assert torch.equal(resumed.average["maps"], later.average["maps"])
        assert not torch.equal(resumed.average["maps"], earlier.average["maps"])


def test_weights_that_cannot_be_begun_with_are_named(tiny: Settings, tmp_path: Path) -> None:
    text = tmp_path / "text.safetensors"
    text.write_text("no weights")
    for path in (tmp_path / "missing.safetensors", text, tmp_path):
        run = replace(tiny.run, weights=str(path))
        with pytest.raises(ModelError, match=rf"cannot read run\.weights={path}"):
            Trainer(replace(tiny, run=run), tmp_path / "run")
    Trainer(tiny, tmp_path / "other").train(lambda row: None, max_seconds=0)
    run = replace(tiny.run, weights=str(tmp_path / "other"))
    wider = replace(tiny, run=run, model=replace(tiny.model, width=16))
    with pytest.raises(ModelError, match="another network"):
        Trainer(wider, tmp_path / "run")


def test_the_recipe_begins_with_weights_of_its_own_network() -> None:
    recipe = load(Settings, ROOT / "settings" / "aliquot.toml", ())
    network = Spectral(recipe.model)
    before = network.maps.detach().clone()
    checkpoint.begin_with(ROOT / recipe.run.weights, network, dict(network.state_dict()))
    assert not torch.equal(before, network.maps)
