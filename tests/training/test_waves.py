"""The founding methods: examples, steps, resuming, export and restoring, on tiny networks."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import synthesise
import torch

from aliquot import api
from aliquot.config import load
from aliquot.engine import load_enhancer
from aliquot.errors import ConfigError, InputError
from aliquot.export import TOLERANCE, export, load_network
from aliquot.models.audiounet import AudioUNetConfig
from aliquot.models.discriminators import DiscriminatorConfig
from aliquot.models.hetherly import HetherlyConfig
from aliquot.models.musicgan import MusicGanConfig
from aliquot.training import checkpoint
from aliquot.training.loop import Trainer
from aliquot.training.settings import AdversarySettings, Settings, WaveSettings
from aliquot.training.stages import Stage
from aliquot.training.wavemethod import WaveMethod, below, spectral_errors

METHODS = ("audiounet", "hetherly", "music-gan")


@pytest.fixture(params=METHODS)
def settings(request: pytest.FixtureRequest, tiny: Settings) -> Settings:
    """A run of twelve steps of a tiny network; that of music-gan has an adversary from step 6."""
    return waves_of(tiny, request.param)


def waves_of(tiny: Settings, method: str) -> Settings:
    return replace(
        tiny,
        method=method,
        audiounet=AudioUNetConfig(layers=2, width=0.03),
        hetherly=HetherlyConfig(layers=3, first=4, limit=8),
        music_gan=MusicGanConfig(layers=2, width=0.03),
        discriminators=DiscriminatorConfig(width=1, scales=1, windows=(512,)),
        adversary=AdversarySettings(weight=0.1 if method == "music-gan" else 0.0, warmup=6),
        wave=WaveSettings(samples=2_048, families=("decimate", "brickwall")),
        optim=replace(tiny.optim, steps=12),
    )


def state(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {
        f"{key}.{name}": value.clone()
        for key, module in trainer.modules.items()
        for name, value in module.state_dict().items()
    }


def test_an_example_holds_every_fourth_sample_of_what_was_low_passed(settings: Settings) -> None:
    method = WaveMethod(settings)
    examples = method.examples(method.stages[0], held_out=False)
    example, again = examples[3], examples[3]
    np.testing.assert_array_equal(example.degraded, again.degraded)
    assert example.degraded.shape == example.original.shape == (1, 2_048)
    assert not example.degraded[:, 1::4].any()
    assert not example.degraded[:, 2::4].any()
    assert example.degraded[:, ::4].any()
    assert example.limit == pytest.approx(20_000 / 24_000)
    spline = (
        WaveMethod(settings).modules["network"].spline(torch.from_numpy(example.degraded[None]))
    )
    low, high = (
        np.abs(np.fft.rfft(wave * np.hanning(2_048)))[:150]
        for wave in (spline[0, 0].numpy(), example.original[0])
    )
    assert np.corrcoef(low, high)[0, 1] > 0.98


def test_errors_are_one_for_the_spline_and_blind_above_the_limit() -> None:
    generator = torch.Generator().manual_seed(0)
    original = torch.randn(2, 1, 512, generator=generator)
    given = below(original, torch.tensor([0.25, 0.25]))
    limit = torch.tensor([0.5, 1.1])
    assert float(spectral_errors(given, original, given, limit)["error"]) == pytest.approx(1)
    assert float(spectral_errors(original, original, given, limit)["error"]) < 1e-4
    hidden = original.clone()
    hidden[0] += torch.randn(1, 512, generator=generator)
    hidden[0] = below(hidden[:1], limit[:1])[0] + (original[:1] - below(original[:1], limit[:1]))[0]
    seen = spectral_errors(hidden, original, given, limit)["error"]
    hidden[0] = (original[:1] + (hidden[:1] - below(hidden[:1], limit[:1])))[0] * 1.0
    assert float(spectral_errors(hidden, original, given, limit)["error"]) < 0.1 * float(seen)


def test_snr_is_the_ratio_of_powers_in_decibels() -> None:
    original = torch.randn(1, 1, 4_096, generator=torch.Generator().manual_seed(0))
    found = spectral_errors(1.1 * original, original, 0 * original, torch.tensor([1.1]))
    assert float(found["snr_db"]) == pytest.approx(20, abs=0.01)


def test_a_resumed_run_is_the_uninterrupted_one_to_the_last_bit(
    settings: Settings, tmp_path: Path
) -> None:
    whole = Trainer(settings, tmp_path / "whole")
    whole.train(lambda row: None)
    for _ in range(12):
        Trainer(settings, tmp_path / "parts").train(lambda row: None, max_seconds=0)
    parts = Trainer(settings, tmp_path / "parts")
    assert parts.step == whole.step == 12
    for name, value in state(whole).items():
        assert torch.equal(value, state(parts)[name]), name


def test_one_batch_can_be_learned_by_heart(settings: Settings, tmp_path: Path) -> None:
    """Dropout and adversary off: the error falls tenfold."""
    calm = replace(
        settings,
        audiounet=AudioUNetConfig(layers=2, width=0.25, dropout=0.0),
        hetherly=HetherlyConfig(layers=3, first=32, limit=128),
        music_gan=MusicGanConfig(layers=2, width=0.25),
        adversary=AdversarySettings(),
        wave=replace(settings.wave, samples=512),
        optim=replace(settings.optim, learning_rate=1e-3, weight_decay=0.0, steps=1_000),
    )
    trainer = Trainer(calm, tmp_path)
    batch = next(trainer.batches())
    first = trainer.update(batch)["error"]
    last = first
    for _ in range(400):
        last = min(last, trainer.update(batch)["error"])
        if last < 0.09 * first:
            break
    assert last < 0.1 * first


def test_the_adversary_joins_after_its_warm_up(tiny: Settings, tmp_path: Path) -> None:
    trainer = Trainer(waves_of(tiny, "music-gan"), tmp_path)
    before = state(trainer)
    terms = []
    for batch, _ in zip(trainer.batches(), range(12), strict=True):
        terms.append(trainer.update(batch))
        if trainer.step == 6:
            for name, value in state(trainer).items():
                if name.startswith("adversary"):
                    assert torch.equal(value, before[name])
    assert "adversary_total" not in terms[5]
    assert {"adversary_total", "adversarial", "features"} <= set(terms[6])
    after = state(trainer)
    assert any(not torch.equal(after[n], v) for n, v in before.items() if n.startswith("adversary"))


def test_an_adversary_may_join_a_run_that_was_begun_without(tiny: Settings, tmp_path: Path) -> None:
    settings = waves_of(tiny, "music-gan")
    alone = replace(settings, adversary=AdversarySettings())
    first = Trainer(alone, tmp_path)
    first.train(lambda row: None, max_seconds=0)
    learned = state(first)
    second = Trainer(settings, tmp_path)
    assert second.step == 1
    kept = state(second)
    assert all(torch.equal(kept[name], value) for name, value in learned.items())
    second.train(lambda row: None)
    third = Trainer(settings, tmp_path)  # and goes on with what it has learned by then
    assert third.step == second.step == 12
    assert all(torch.equal(state(third)[name], v) for name, v in state(second).items())
    assert any(name.startswith("adversary") for name in state(third))


def test_an_exported_network_restores_above_the_cutoff_only_unless_raw(
    settings: Settings, tmp_path: Path
) -> None:
    trainer = Trainer(settings, tmp_path / "run")
    with torch.no_grad():
        torch.nn.init.normal_(trainer.model.last.weight, std=0.1)
    trainer.average = {n: v.clone() for n, v in trainer.model.state_dict().items()}
    trainer.save()
    model = tmp_path / "model.onnx"
    made = export(tmp_path / "run", model, {"name": "model", "licence": "MIT"})
    assert made.kind == "waveform"
    assert made.difference < TOLERANCE
    clip = synthesise.pop(2.0, 48_000)[:, :90_001]
    given = api.restore(clip, 48_000, cutoff_hz=6_000, strength=0, model=str(model)).samples
    restored = api.restore(clip, 48_000, cutoff_hz=6_000, model=str(model)).samples
    raw = api.restore(clip, 48_000, cutoff_hz=6_000, model=str(model), raw=True).samples
    assert restored.shape == raw.shape == clip.shape

    def change(out: np.ndarray, low_hz: float, high_hz: float) -> float:
        power = np.abs(np.fft.rfft(out - given, axis=1)) ** 2
        bins = slice(int(low_hz * 90_001 / 48_000), int(high_hz * 90_001 / 48_000))
        return float(10 * np.log10(power[:, bins].sum() / (90_001**2) + 1e-30))

    assert change(restored, 0, 5_400) < -80
    assert change(restored, 6_200, 20_000) > -60
    assert change(raw, 0, 5_400) > -60
    load_enhancer.cache_clear()


def test_a_run_of_an_older_version_is_exported_though_its_recipe_has_other_keys(
    settings: Settings, tmp_path: Path
) -> None:
    Trainer(settings, tmp_path).save()
    found = checkpoint.read(tmp_path)
    assert found is not None
    tensors, facts = found
    facts["settings"]["data"]["no_longer_known"] = 0.2
    checkpoint.save(tmp_path, tensors, facts)
    network, _ = load_network(tmp_path)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, tensors[f"ema.{name}"])
    facts["settings"][settings.method.replace("-", "_")]["no_longer_known"] = 0.2
    checkpoint.save(tmp_path, tensors, facts)
    with pytest.raises(ConfigError, match="no_longer_known"):
        load_network(tmp_path)


def test_blocks_and_grid_do_not_matter_to_a_waveform_model(tiny: Settings, tmp_path: Path) -> None:
    settings = waves_of(tiny, "audiounet")
    trainer = Trainer(settings, tmp_path / "run")
    with torch.no_grad():
        torch.nn.init.normal_(trainer.model.last.weight, std=0.1)
    trainer.average = {n: v.clone() for n, v in trainer.model.state_dict().items()}
    trainer.save()
    export(tmp_path / "run", tmp_path / "model.onnx", {"name": "model"})
    from aliquot.pipeline import Processing, Restorer

    clip = synthesise.pop(3.0, 48_000)

    def run(size: int, grid: int) -> np.ndarray:
        restorer = Restorer(
            48_000, 2, 6_000, model=str(tmp_path / "model.onnx"),
            processing=Processing(core_frames=16, grid_frames=grid),
        )  # fmt: skip
        parts = [restorer.process(clip[:, i : i + size]) for i in range(0, clip.shape[1], size)]
        return np.concatenate([*parts, restorer.flush()], axis=1)

    whole = run(clip.shape[1], 0)
    assert np.abs(run(10_007, 0) - whole).max() <= 1e-6
    assert np.abs(run(10_007, 3) - whole).max() <= 1e-5
    load_enhancer.cache_clear()


def test_music_that_ends_too_low_is_refused(settings: Settings) -> None:
    wanting = replace(settings, wave=replace(settings.wave, least_bandwidth_hz=21_000.0))
    method = WaveMethod(wanting)
    with pytest.raises(ConfigError, match=r"least_bandwidth_hz 21000 Hz \(the best 20000\)"):
        method.examples(Stage("waves", 0, wanting.optim), held_out=False)


def test_a_spectral_model_has_no_raw_result() -> None:
    with pytest.raises(ConfigError, match="--raw"):
        load_enhancer("default", raw=True)


def test_previews_of_a_waveform_method_are_written(tiny: Settings, tmp_path: Path) -> None:
    settings = waves_of(tiny, "hetherly")
    Trainer(replace(settings, run=replace(settings.run, previews=1)), tmp_path).train(
        lambda row: None
    )
    restored, rate = soundfile.read(tmp_path / "previews" / "step-000012-0-restored.wav")
    assert (restored.size, rate) == (2_048, 48_000)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("audiounet.layers=9", r"\[audiounet\] layers must"),
        ("hetherly.layers=0", r"\[hetherly\] layers must"),
        ("audiounet.factor=0", r"\[audiounet\] factor must be at least 2, got 0"),
        ("music_gan.factor=1", r"\[music_gan\] factor must be at least 2, got 1"),
        ("music_gan.width=0.0", r"\[music_gan\] width, .* must be above 0, got 0"),
        ("hetherly.first=0", r"\[hetherly\] .* must be above 0, got 0"),
        ("audiounet.dropout=1.0", r"\[audiounet\] dropout must lie in \[0, 1\), got 1"),
        ("discriminators.width=0", r"\[discriminators\] width must be at least 1, got 0"),
        ("run.precision=half", r"\[run\] precision must be one of .*bfloat16.*, got 'half'"),
        ('degrade.codecs=["mp3-9"]', r"mp3 kbps: got 9; use 32 to 320"),
        ('degrade.codecs=["wma-64"]', r"unknown codec 'wma-64'; write mp3-KBPS"),
    ],
)
def test_a_value_that_a_section_refuses_is_an_error_that_names_it(
    override: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(ConfigError, match=message):
        load(Settings, tmp_path / "a.toml", [override])


def test_other_discriminators_do_not_take_up_a_run(tiny: Settings, tmp_path: Path) -> None:
    settings = waves_of(tiny, "music-gan")
    Trainer(settings, tmp_path).save()
    other = replace(settings, discriminators=replace(settings.discriminators, width=2))
    with pytest.raises(ConfigError, match="a run with other discriminators"):
        Trainer(other, tmp_path)


def test_in_bfloat16_networks_are_rough_and_the_spline_is_not(settings: Settings) -> None:
    full = WaveMethod(settings)
    half = WaveMethod(replace(settings, run=replace(settings.run, precision="bfloat16")))
    for name, module in half.modules.items():
        module.load_state_dict(full.modules[name].state_dict())
    examples = full.examples(full.stages[0], held_out=True)
    example = examples[1]
    degraded = torch.from_numpy(example.degraded)[None]
    original = torch.from_numpy(example.original)[None]
    network, twin = full.modules["network"].eval(), half.modules["network"].eval()
    with torch.no_grad():
        for layer in (network.last, twin.last):
            torch.nn.init.constant_(layer.weight, 0.05)
        restored, given = full.restored(network, degraded)
        rough, same = half.restored(twin, degraded)
        torch.testing.assert_close(same, given, rtol=0, atol=0)
        assert rough.dtype == torch.float32
        error = (rough - restored).square().mean() / (restored - given).square().mean()
        assert 1e-9 < float(error) < 1e-3  # bfloat16 has eight bits
        if settings.method == "music-gan":
            rough_scores = half.judgement(original).scores
            assert all(scores.dtype == torch.float32 for scores in rough_scores)
            for scores, wanted in zip(rough_scores, full.judgement(original).scores, strict=True):
                torch.testing.assert_close(scores, wanted, rtol=0.1, atol=0.02)


def test_music_may_go_through_a_codec_before_it_loses_its_treble(settings: Settings) -> None:
    """The original stays what it was; what is given carries the codec's artefacts."""
    coded = replace(
        settings, degrade=replace(settings.degrade, codec_share=1.0, codecs=("mp3-32",))
    )
    plain, lossy = (
        WaveMethod(s).examples(Stage("waves", 0, s.optim), held_out=True)[2]
        for s in (replace(settings, wave=replace(settings.wave, families=("decimate",))),
                  replace(coded, wave=replace(settings.wave, families=("decimate",))))
    )  # fmt: skip
    np.testing.assert_array_equal(plain.original, lossy.original)
    kept, wanted = lossy.degraded[:, ::4], plain.degraded[:, ::4]
    snr = 10 * np.log10(np.sum(wanted**2) / np.sum((kept - wanted) ** 2))
    assert 3 < snr < 40  # in step to the sample, and not the same


@pytest.mark.parametrize("workers", [0, 1])
def test_a_recording_that_breaks_while_training_is_named_in_one_line(
    tiny: Settings, tmp_path: Path, workers: int
) -> None:
    """It was whole when the manifest was made; nothing is unpacked, so it is found on the way."""
    manifest = Path(tiny.data.music) / "manifest.csv"
    (tmp_path / "train").mkdir()
    for number in range(4):
        path = tmp_path / "train" / f"piece-{number}.flac"
        soundfile.write(path, synthesise.pop(5.0, 44_100).T * 0.5, 44_100)
        if number < 3:
            content = path.read_bytes()
            half = len(content) // 2
            path.write_bytes(content[: half // 8] + bytes(half) + content[half // 8 + half :])
    (tmp_path / "manifest.csv").write_text(manifest.read_text().replace(".ogg", ".flac"))
    (tmp_path / "held-out.txt").write_text("train/piece-3.flac\n")
    settings = waves_of(tiny, "audiounet")
    data = replace(
        settings.data, music=str(tmp_path), held_out=f"{tmp_path}/held-out.txt", unpack=False
    )
    run = replace(settings.run, workers=workers)
    with pytest.raises(InputError) as caught:
        Trainer(replace(settings, data=data, run=run), tmp_path / "run").train(lambda row: None)
    assert re.search(r"piece-[012]\.flac (is damaged|cannot be read).*; copy", str(caught.value))
    assert "\n" not in str(caught.value)


def test_filters_have_the_orders_of_the_settings(settings: Settings) -> None:
    chosen = replace(
        settings,
        degrade=replace(settings.degrade, orders=(3, 4)),
        wave=replace(settings.wave, families=("butterworth",)),
    )
    examples = WaveMethod(chosen).examples(Stage("waves", 0, chosen.optim), held_out=False)
    assert {spec.order for spec in examples.filters} == {3, 4}


def test_held_out_music_that_ends_too_low_is_said_to_be_that(
    settings: Settings, tmp_path: Path
) -> None:
    manifest = Path(settings.data.music) / "manifest.csv"
    rows = manifest.read_text().replace("piece-3.ogg,5.0,44100,20000", "piece-3.ogg,5.0,44100,9000")
    (tmp_path / "manifest.csv").write_text(rows)
    (tmp_path / "train").symlink_to(manifest.parent / "train")
    narrow = replace(settings, data=replace(settings.data, music=str(tmp_path)))
    method = WaveMethod(narrow)
    method.examples(method.stages[0], held_out=False)
    with pytest.raises(ConfigError, match=r"held-out.txt holds out reaches .*\(the best 9000\)"):
        method.examples(method.stages[0], held_out=True)


def test_averages_stay_where_they_are_when_a_run_is_taken_up(
    settings: Settings, tmp_path: Path
) -> None:
    """On a GPU they must not come back as tensors of the CPU."""
    Trainer(settings, tmp_path).save()
    trainer = Trainer(settings, tmp_path)
    before = dict(trainer.average)
    trainer.resume()
    assert all(trainer.average[name] is value for name, value in before.items())
