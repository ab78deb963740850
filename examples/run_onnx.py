"""Run a released model with NumPy and onnxruntime alone: what a port to another language does.

    python examples/run_onnx.py MODEL.onnx IN.wav OUT.wav CUTOFF_HZ

IN.wav is 44.1 or 48 kHz and ends at CUTOFF_HZ. The graph holds everything learned; around it stand
a short-time Fourier transform, its inverse, and white noise (any will do: here it is drawn anew,
where aliquot takes it from a table by position, so results differ in their noise; it measures the
long-term spectrum a little more carefully too).
"""

import os
import sys

import numpy as np
import soundfile

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # or newer builds report to their makers
import onnxruntime


def restore(
    session: onnxruntime.InferenceSession,
    samples: np.ndarray,
    rate: int,
    cutoff_hz: float,
    noise: np.ndarray | None = None,
    long_term: np.ndarray | None = None,
) -> np.ndarray:
    """Add the high band to ``(2, samples)``.

    ``noise`` is ``(2, more than samples)``. ``long_term`` is the mean power of every bin over the
    whole recording, of which ``samples`` may be a part; zeros say that it is not known.
    """
    facts = session.get_modelmeta().custom_metadata_map
    size, hop, context = (int(facts[key]) for key in ("window", "hop", "context_frames"))
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)

    # The graph restores all frames but `context` on both sides, so silence stands around the sound.
    length = samples.shape[1]
    frames = -(-length // hop) + size // hop - 1  # all that touch the sound
    before = context * hop + size - hop
    after = (frames + 2 * context - 1) * hop + size - before - length
    # Its first and last 4 ms are eased: sound that breaks off would be a click, and made brighter.
    rise = 0.5 - 0.5 * np.cos(np.pi * np.minimum((np.arange(length) + 0.5) / 192, 1.0))
    eased = samples * (rise * rise[::-1]).astype(np.float32)
    left, right = np.pad(eased, ((0, 0), (before, after)))
    middle_side = np.stack([left + right, left - right]) / 2

    def transform(waves: np.ndarray) -> np.ndarray:
        cut = np.lib.stride_tricks.sliding_window_view(waves, size, axis=1)[:, ::hop]
        spectrum = np.fft.rfft(cut * window, axis=2)
        return np.stack([spectrum.real, spectrum.imag], axis=1)[None].astype(np.float32)

    if noise is None:
        noise = np.random.default_rng(0).standard_normal((2, size + (frames - 1) * hop))
    spectrum = transform(middle_side)
    if long_term is None:  # mean power of every bin, 1 for white noise of unit variance
        power = np.square(spectrum[0, :, :, context:-context]).sum(axis=1).mean(axis=(0, 1))
        long_term = power / (0.375 * size)
    feed = {
        "spectrum": spectrum,
        "cutoff_bin": np.array([cutoff_hz * size / rate], np.float32),
        "noise": transform(noise.astype(np.float32)),
    }
    inputs = {value.name for value in session.get_inputs()}
    if "long_term" in inputs:
        feed["long_term"] = long_term[None].astype(np.float32)
    if "frame" in inputs:  # the number of the first frame; 0 begins with the first sample
        feed["frame"] = np.array([-before // hop], np.float32)
    high = session.run(["high"], feed)[0][0]  # (mid and side, real and imaginary, frames, bins)

    waves = np.fft.irfft(high[:, 0] + 1j * high[:, 1], axis=2) * window
    out = np.zeros((2, size + (frames - 1) * hop))
    for frame in range(frames):
        out[:, frame * hop : frame * hop + size] += waves[:, frame]
    out = out[:, size - hop : size - hop + length] / (0.375 * size / hop)
    return samples + np.stack([out[0] + out[1], out[0] - out[1]])


def main() -> None:
    model, source, target, cutoff_hz = sys.argv[1:]
    samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
    if rate not in (44_100, 48_000) or samples.shape[1] > 2:
        raise SystemExit(f"{source}: must be mono or stereo at 44100 or 48000 Hz, it is {rate} Hz")
    stereo = np.broadcast_to(samples, (samples.shape[0], 2)).T
    session = onnxruntime.InferenceSession(model)
    restored = restore(session, np.ascontiguousarray(stereo), rate, float(cutoff_hz))
    soundfile.write(target, restored[: samples.shape[1]].T, rate, subtype="FLOAT")


if __name__ == "__main__":
    main()
