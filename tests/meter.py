"""Ears for tests that owe nothing to FFmpeg's filters: loudness by pyloudnorm, peaks and bands by SciPy."""

from __future__ import annotations

import math
import wave
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy import signal

RATE = 48_000
Samples: TypeAlias = NDArray[np.float64]


def listened(path: Path) -> Samples:
    """The sound of a file as its samples, a row for each moment and a column for each channel."""
    with av.open(str(path)) as container:
        pieces = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(pieces, axis=1).T.astype(np.float64)


def loudness(samples: Samples) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770)."""
    return float(pyloudnorm.Meter(RATE).integrated_loudness(samples))


def true_peak(samples: Samples) -> float:
    """The highest peak in dB, also between samples."""
    return level(float(np.abs(signal.resample_poly(samples, 8, 1)).max()))


def level(amplitude: float) -> float:
    return 20 * math.log10(max(amplitude, 1e-12))


def tone_level(samples: Samples, hertz: float, begin: float, end: float) -> float:
    """How loud one tone is between two times, in dB."""
    part = samples[int(begin * RATE) : int(end * RATE), 0]
    wave_of = np.exp(-2j * np.pi * hertz * np.arange(len(part)) / RATE)
    return level(2 * abs(complex(np.mean(part * wave_of))))


def begins(samples: Samples, above: float = 2_000, share: float = 0.1) -> float:
    """When something high is first heard, in seconds."""
    high = signal.sosfiltfilt(signal.butter(6, above, "highpass", fs=RATE, output="sos"), samples[:, 0])
    return float(np.argmax(np.abs(high) > share * np.abs(high).max())) / RATE


def voice(seconds: float, amplitude: float = 0.5) -> Samples:
    """Something like speech: hissing syllables with pauses, far from steady (a crest factor over 10 dB)."""
    times = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(7).normal(0, 0.3, len(times))
    high = signal.sosfilt(signal.butter(4, 3_000, "highpass", fs=RATE, output="sos"), noise)
    spoken = high * np.abs(np.cos(2 * np.pi * 2 * times)) ** 3 * (times % 1.2 < 0.9)
    scaled: Samples = spoken / np.abs(spoken).max() * amplitude
    return scaled


def tone(seconds: float, hertz: float = 220, amplitude: float = 0.3) -> Samples:
    times = np.arange(int(seconds * RATE)) / RATE
    sounding: Samples = amplitude * np.sin(2 * np.pi * hertz * times)
    return sounding


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def recorded(path: Path, samples: Samples, channels: int = 1, rate: int = RATE) -> Path:
    """A WAV file of 16 bits with the same in every channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        whole = (np.clip(samples, -1, 1) * 32_767).astype("<i2")
        file.writeframes(np.repeat(whole, channels).tobytes())
    return path
