"""capture: what a function does, as straight-line NumPy source, and its replay without the engine."""

from tinygrad_edu.program.captured import Captured, capture

__all__ = ["Captured", "capture"]
