"""The example that runs the graph by itself agrees with the pipeline."""

import numpy as np
import onnxruntime
import pytest
import run_onnx

from aliquot import weights
from aliquot.api import restore
from aliquot.audio import Waveform
from aliquot.dsp.bandwidth import estimate_bandwidth
from aliquot.dsp.noise import PERIOD_FRAMES, SEED


def test_the_example_agrees_with_the_pipeline(dull: Waveform) -> None:
    """Given the noise of the same places, sample for sample."""
    rng = np.random.Generator(np.random.Philox(SEED))
    cycle = rng.standard_normal((2, PERIOD_FRAMES * 512), dtype=np.float32)
    noise = np.concatenate([cycle[:, -3 * 512 :], cycle], axis=1)  # frames begin 3 hops before
    size = 2048 + (-(-dull.shape[1] // 512) + 3 - 1) * 512
    session = onnxruntime.InferenceSession(weights.find("default").path)
    known = estimate_bandwidth(dull, 44_100).long_term
    assert known is not None
    long_term = known.at(44_100, 2048)
    example = run_onnx.restore(session, dull, 44_100, 8_000.0, noise[:, :size], long_term)
    expected = restore(dull, 44_100, cutoff_hz=8_000.0).samples
    assert np.abs(expected - dull).max() > 1e-4
    np.testing.assert_allclose(example, expected, atol=2e-5)


def test_the_example_needs_no_noise_of_ours(dull: Waveform) -> None:
    session = onnxruntime.InferenceSession(weights.find("default").path)
    example = run_onnx.restore(session, dull, 44_100, 8_000.0)
    expected = restore(dull, 44_100, cutoff_hz=8_000.0).samples
    added, wanted = (float(np.sum((x - dull) ** 2)) for x in (example, expected))
    assert added == pytest.approx(wanted, rel=0.2)
