"""Where PyTorch keeps its data sets and loaders: `from tinygrad_edu.utils.data import DataLoader`."""

from tinygrad_edu.utils import data

__all__ = ["data"]
