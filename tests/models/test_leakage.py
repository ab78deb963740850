"""Leakage of band powers against that of filtered waveforms."""

import numpy as np
import torch

from aliquot.dsp.stft import stft
from aliquot.models.config import SpectralConfig
from aliquot.models.leakage import ROUNDING, leakage
from aliquot.models.spectral import Spectral


def test_empty_bands_hold_what_a_window_lets_through() -> None:
    """White noise below 4 kHz by a brick wall: within 1 dB from 4.4 kHz down to the floor."""
    network = Spectral(SpectralConfig())
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal(1 << 18))
    spectrum[int(4_000 / 22_050 * spectrum.size) :] = 0
    samples = np.fft.irfft(spectrum)[None, 4_096:-4_096].astype(np.float32)
    power = np.abs(stft(samples)[0].astype(np.complex128)) ** 2 / (0.375 * 2048)
    measured = power.mean(axis=0) @ network.analysis.numpy()
    below = (torch.arange(1025) < 4_000 / 22_050 * 1024).float() @ network.analysis
    modelled = (below @ leakage(network.triangles, network.analysis)).numpy()
    above = network.band_centres.numpy() > 4_400 / 22_050 * 1024
    above &= modelled > 2 * ROUNDING
    measured_db, modelled_db = 10 * np.log10(measured[above]), 10 * np.log10(modelled[above])
    assert measured_db.max() - measured_db.min() > 40
    assert np.abs(measured_db - modelled_db).mean() < 1
