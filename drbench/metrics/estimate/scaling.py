"""Latents on a common scale, so that no estimate depends on their unit."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float


@final
@dataclass(frozen=True)
class Scaling:
    """Location and scale of each latent in a sample."""

    peak: Float[np.ndarray, "latent"]
    """Largest absolute value; dividing by it first keeps squares from overflowing."""
    centre: Float[np.ndarray, "latent"]
    """Mean, in units of the peak."""
    spread: Float[np.ndarray, "latent"]
    """Standard deviation in units of the peak; 0 for a constant latent."""

    @classmethod
    def of(cls, latents: Float[np.ndarray, "n latent"]) -> "Scaling":
        """Measure a sample."""
        columns = np.ascontiguousarray(latents.T)  # several times quicker than down the rows
        peak = np.maximum(columns.max(axis=1), -columns.min(axis=1))
        peak = np.where(peak > 0, peak, 1.0).astype(np.float64)
        relative = columns / peak[:, None]
        return cls(peak, relative.mean(axis=1), relative.std(axis=1))

    def apply(self, latents: Float[np.ndarray, "n latent"]) -> Float[np.ndarray, "n latent"]:
        """Latents with mean 0 and standard deviation 1 in the measured sample; constants give 0."""
        spread = np.where(self.spread > 0, self.spread, 1.0)
        scaled = np.asarray(latents / self.peak)
        scaled -= self.centre
        scaled /= spread
        return scaled

    def active(self, least: float) -> Bool[np.ndarray, "latent"]:
        """Latents whose standard deviation is at least `least` times the largest, and not 0."""
        deviation = self.peak * self.spread
        return (deviation > 0) & (deviation >= least * deviation.max())
