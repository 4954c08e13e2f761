"""Augmentation: images a little changed at random each time, so that a network learns what stays the same.

Every transform takes a batch, (N, channels, height, width) or (N, height, width) for gray images, as an array or a
Tensor, changes each image by a draw of its own, and returns a new batch of the same kind and dtype. The draws come from
`generator=`, else from that of `manual_seed`. Names and arguments follow https://pytorch.org/vision/stable/transforms.html
where it has them; there, images come one by one.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_edu.errors import DataError
from tinygrad_edu.graph import wrap
from tinygrad_edu.random import chosen
from tinygrad_edu.tensor import Tensor

__all__ = [
    "Compose",
    "GaussianNoise",
    "Normalize",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomShift",
]

Images = Any  # (N, channels, height, width)


class Compose:
    """One transform after the other.

    >>> Compose([Normalize(1.0, 2.0), RandomHorizontalFlip(p=1)])(np.array([[[1.0, 5.0]]]))
    array([[[2., 0.]]])
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, images: Any) -> Any:
        for transform in self.transforms:
            images = transform(images)
        return images


class _Transform(ABC):
    """What the transforms of images have in common: `changed` gets an array with an axis of channels."""

    only_floats = False

    def __call__(self, images: Any) -> Any:
        name = type(self).__name__
        if isinstance(images, Tensor):
            if images.requires_grad:
                raise TypeError(f"{name} changes data and records no gradients: give it x.detach()")
            return wrap(self(images.data.array), None)
        images = np.asarray(images)
        if images.ndim not in (3, 4):
            raise DataError(
                f"{name} takes a batch of images, (N, height, width) or (N, channels, height, width), not an array of"
                f" shape {images.shape}: of one image make a batch, image[None]"
            )
        if self.only_floats and images.dtype.kind != "f":
            raise DataError(f"{name} takes floats, and these images are {images.dtype}: of bytes make x / 255 first")
        changed = self.changed(images if images.ndim == 4 else images[:, None])
        return changed if images.ndim == 4 else changed[:, 0]

    @abstractmethod
    def changed(self, images: Images) -> Images:
        """The images after the transform."""


class Normalize(_Transform):
    """(x - mean) / std, with one mean and one std for all channels or for each.

    The numbers are those of the training set; `Standardize` finds them. DataError for a std that is not above 0.

    >>> Normalize(mean=[0.5], std=[0.25])(np.array([[[0.0, 1.0]]]))
    array([[[-2.,  2.]]])
    """

    only_floats = True

    def __init__(self, mean: Any, std: Any) -> None:
        self.mean, self.std = np.reshape(mean, (-1, 1, 1)), np.reshape(std, (-1, 1, 1))
        if not (np.asarray(std) > 0).all():
            raise DataError(f"std divides, so it is above 0: {std} given; for a constant channel write 1")

    def changed(self, images: Images) -> Images:
        """The images after the transform."""
        if {len(self.mean), len(self.std)} - {1, images.shape[1]}:
            raise DataError(
                f"Normalize has {len(self.mean)} means, {len(self.std)} stds, and the images {images.shape[1]} channels"
            )
        return (images - self.mean.astype(images.dtype)) / self.std.astype(images.dtype)


class RandomHorizontalFlip(_Transform):
    """The mirror image, left for right, with probability `p`.

    >>> RandomHorizontalFlip(p=1)(np.array([[[1, 2, 3]]]))
    array([[[3, 2, 1]]])
    """

    def __init__(self, p: float = 0.5, generator: np.random.Generator | None = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability, from 0 to 1, not {p}")
        self.p, self.generator = p, generator

    def changed(self, images: Images) -> Images:
        """The images after the transform."""
        mirrored = chosen(self.generator).random(len(images)) < self.p
        return np.where(mirrored[:, None, None, None], images[..., ::-1], images)


class RandomCrop(_Transform):
    """A window of `size` (one number, or height and width) at a random place, after `padding` zeros on each side.

    DataError where the window is larger than the padded image.

    >>> RandomCrop((1, 2))(np.ones((4, 3, 3))).shape
    (4, 1, 2)
    """

    def __init__(
        self, size: int | tuple[int, int], padding: int = 0, generator: np.random.Generator | None = None
    ) -> None:
        self.size = (size, size) if isinstance(size, int) else size
        if min(self.size) < 1 or padding < 0:
            raise ValueError(f"size is from 1 pixel up, padding from 0: {size} and {padding} given")
        self.padding, self.generator = padding, generator

    def changed(self, images: Images) -> Images:
        """The images after the transform."""
        return _random_windows(images, self.size, self.padding, chosen(self.generator))


class RandomShift(_Transform):
    """The image moved by up to `pixels` up or down and left or right; zeros come in from the sides.

    >>> shifted = RandomShift(1)(np.ones((100, 3, 3)))
    >>> sorted(set(shifted.sum(axis=(1, 2)).tolist()))
    [4.0, 6.0, 9.0]
    """

    def __init__(self, pixels: int, generator: np.random.Generator | None = None) -> None:
        if pixels < 0:
            raise ValueError(f"pixels is how far at most, from 0 up, not {pixels}")
        self.pixels, self.generator = pixels, generator

    def changed(self, images: Images) -> Images:
        """The images after the transform."""
        return _random_windows(images, images.shape[2:], self.pixels, chosen(self.generator))


def _random_windows(images: Images, size: tuple[int, int], padding: int, generator: np.random.Generator) -> Images:
    sides = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(images, sides)
    if size[0] > padded.shape[2] or size[1] > padded.shape[3]:
        raise DataError(f"no window of {size} fits into images of {padded.shape[2:]}, padding included")
    windows = sliding_window_view(padded, size, axis=(2, 3))
    top, left = (generator.integers(0, windows.shape[axis], len(images)) for axis in (2, 3))
    return windows[np.arange(len(images)), :, top, left]


class RandomRotation(_Transform):
    """The image turned about its middle, counter-clockwise, by an angle between -degrees and degrees, or between two.

    Each new pixel is interpolated linearly between the four that its place was among; outside of the image are zeros.

    >>> RandomRotation((90, 90))(np.array([[[1.0, 2.0], [3.0, 4.0]]])).round(6)
    array([[[2., 4.],
            [1., 3.]]])
    """

    only_floats = True

    def __init__(self, degrees: float | tuple[float, float], generator: np.random.Generator | None = None) -> None:
        self.degrees = degrees if isinstance(degrees, tuple | list) else (-degrees, degrees)
        self.generator = generator

    def changed(self, images: Images) -> Images:
        """The images after the transform."""
        number, channels, height, width = images.shape
        angle = np.deg2rad(chosen(self.generator).uniform(*self.degrees, (number, 1, 1)))
        y, x = np.ogrid[:height, :width]
        y, x = y - (height - 1) / 2, x - (width - 1) / 2  # from the middle
        # Where the numbers of each new pixel were, in an image with a frame of zeros.
        from_y = np.sin(angle) * x + np.cos(angle) * y + (height + 1) / 2
        from_x = np.cos(angle) * x - np.sin(angle) * y + (width + 1) / 2
        from_y, from_x = np.clip(from_y, 0, height + 1), np.clip(from_x, 0, width + 1)
        top, left = np.minimum(from_y.astype(int), height), np.minimum(from_x.astype(int), width)
        down, right = from_y - top, from_x - left
        framed = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
        first = np.arange(number * channels).reshape(number, channels, 1, 1) * framed[0, 0].size
        corner = first + (top * (width + 2) + left)[:, None]  # the upper left of the four, counted through all images
        out = np.zeros_like(images)
        for step_y, share_y in ((0, 1 - down), (1, down)):
            for step_x, share_x in ((0, 1 - right), (1, right)):
                share = (share_y * share_x)[:, None].astype(images.dtype)
                out += share * framed.take(corner + (step_y * (width + 2) + step_x))
        return out


class GaussianNoise(_Transform):
    """Normal noise of standard deviation `sigma` added to every number.

    >>> noisy = GaussianNoise(0.5, np.random.default_rng(0))(np.zeros((10, 100, 100), np.float32))
    >>> noisy.dtype, bool(abs(noisy.std() - 0.5) < 0.01)
    (dtype('float32'), True)
    """

    only_floats = True

    def __init__(self, sigma: float = 0.1, generator: np.random.Generator | None = None) -> None:
        if not sigma >= 0:
            raise ValueError(f"sigma is a standard deviation, from 0 up, not {sigma}")
        self.sigma, self.generator = sigma, generator

    def changed(self, images: Images) -> Images:
        """The images after the transform."""
        precise = np.float64 if images.dtype == np.float64 else np.float32  # there are no draws in float16
        noise: Any = chosen(self.generator).standard_normal(images.shape, precise)
        return images + (self.sigma * noise).astype(images.dtype, copy=False)
