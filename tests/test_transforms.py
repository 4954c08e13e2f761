"""Augmentation: what each transform may do to an image, that it draws anew for each, and what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors
from tinygrad_edu.data.transforms import (
    Compose,
    GaussianNoise,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomShift,
)

IMAGES = np.random.default_rng(0).random((50, 3, 6, 5)).astype(np.float32)

RANDOM: dict[str, Callable[[Any], Any]] = {
    "flip": lambda g: RandomHorizontalFlip(generator=g),
    "crop": lambda g: RandomCrop(4, padding=1, generator=g),
    "shift": lambda g: RandomShift(2, generator=g),
    "rotation": lambda g: RandomRotation(30, generator=g),
    "noise": lambda g: GaussianNoise(0.1, generator=g),
    "several": lambda g: Compose([RandomShift(1, generator=g), GaussianNoise(0.1, generator=g)]),
}
TRANSFORMS = [*RANDOM.values(), lambda _: Normalize([0.1, 0.2, 0.3], 2.0)]


@pytest.mark.parametrize("name", RANDOM)
def test_draws_come_again_with_the_seed_and_are_new_each_time(name: str) -> None:
    first = RANDOM[name](np.random.default_rng(0))
    drawn = first(IMAGES)
    assert not np.array_equal(drawn, first(IMAGES))
    np.testing.assert_array_equal(drawn, RANDOM[name](np.random.default_rng(0))(IMAGES))
    tg.manual_seed(3)
    drawn = RANDOM[name](None)(IMAGES)
    tg.manual_seed(3)
    np.testing.assert_array_equal(drawn, RANDOM[name](None)(IMAGES))


@pytest.mark.parametrize("name", RANDOM)
def test_each_image_has_a_draw_of_its_own_and_its_channels_share_it(name: str) -> None:
    image = IMAGES[0, 0]
    drawn = RANDOM[name](np.random.default_rng(0))(np.broadcast_to(image, (20, 3, *image.shape)))
    assert len(np.unique(drawn, axis=0)) > 1
    if name in ("flip", "crop", "shift", "rotation"):
        np.testing.assert_array_equal(drawn[:, 0], drawn[:, 2])


@pytest.mark.parametrize("make", TRANSFORMS)
def test_tensors_arrays_and_gray_images_alike(make: Any) -> None:
    before = IMAGES.copy()
    drawn = make(np.random.default_rng(0))(IMAGES)
    assert drawn.dtype == np.float32
    assert not np.shares_memory(drawn, IMAGES)
    tensor = make(np.random.default_rng(0))(Tensor(IMAGES))
    assert isinstance(tensor, Tensor)
    np.testing.assert_array_equal(tensor.numpy(), drawn)
    np.testing.assert_array_equal(IMAGES, before)
    assert make(np.random.default_rng(0))(IMAGES.astype(np.float64)).dtype == np.float64


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)
def test_gray_images_need_no_axis_of_channels(make: Any) -> None:
    gray = make(np.random.default_rng(0))(IMAGES[:, 0])
    np.testing.assert_array_equal(gray, make(np.random.default_rng(0))(IMAGES[:, :1])[:, 0])


def test_flip_is_left_for_right_half_of_the_times() -> None:
    drawn = RandomHorizontalFlip(generator=np.random.default_rng(0))(np.tile(IMAGES[:1], (1000, 1, 1, 1)))
    flipped = (drawn == IMAGES[0, :, :, ::-1]).all(axis=(1, 2, 3))
    assert ((drawn == IMAGES[0]).all(axis=(1, 2, 3)) ^ flipped).all()
    assert 400 < flipped.sum() < 600
    np.testing.assert_array_equal(RandomHorizontalFlip(0)(IMAGES), IMAGES)
    np.testing.assert_array_equal(RandomHorizontalFlip(1)(IMAGES), IMAGES[..., ::-1])
    assert RandomHorizontalFlip()(IMAGES.astype(np.uint8)).dtype == np.uint8


@pytest.mark.parametrize("size", [(2, 3), (8, 7)])
def test_crops_are_all_the_windows_of_the_padded_image(size: tuple[int, int]) -> None:
    padded = np.pad(IMAGES[0], ((0, 0), (1, 1), (1, 1)))
    windows = {
        padded[:, top : top + size[0], left : left + size[1]].tobytes()
        for top in range(8 - size[0] + 1)
        for left in range(7 - size[1] + 1)
    }
    crop = RandomCrop(size, padding=1, generator=np.random.default_rng(0))
    drawn = {image.tobytes() for image in crop(np.tile(IMAGES[:1], (1000, 1, 1, 1)))}
    assert drawn == windows
    assert RandomCrop(4)(IMAGES).shape == (50, 3, 4, 4)


def test_shifts_go_as_far_as_said_in_every_direction() -> None:
    dot = np.zeros((1000, 1, 7, 7), np.float32)
    dot[:, :, 3, 3] = 1
    drawn = RandomShift(2, generator=np.random.default_rng(0))(dot)
    _, _, y, x = np.nonzero(drawn)
    assert len(y) == 1000
    assert {*zip(y.tolist(), x.tolist(), strict=True)} == {(a, b) for a in range(1, 6) for b in range(1, 6)}


@pytest.mark.parametrize("degrees", [-180.0, -37.0, 0.0, 12.5, 45.0, 90.0])
@pytest.mark.parametrize("shape", [(6, 5), (7, 7), (1, 4)])
def test_rotation_is_scipys(degrees: float, shape: tuple[int, int]) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    image = np.random.default_rng(1).random(shape)
    ours = RandomRotation((degrees, degrees))(image[None])[0]
    theirs = ndimage.rotate(image, degrees, reshape=False, order=1, mode="grid-constant")
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_a_quarter_turn_is_counter_clockwise() -> None:
    square = np.arange(9.0).reshape(1, 3, 3)
    np.testing.assert_allclose(RandomRotation((90, 90))(square), np.rot90(square, axes=(1, 2)), atol=1e-12)


def test_rotation_angles_are_those_allowed() -> None:
    bar = np.zeros((500, 41, 41))
    bar[:, 20, 21:] = 1  # to the right of the middle
    drawn = RandomRotation(30, generator=np.random.default_rng(0))(bar)
    mass = drawn.sum(axis=(1, 2))
    up = 20 - (drawn.sum(axis=2) @ np.arange(41)) / mass
    right = (drawn.sum(axis=1) @ np.arange(41)) / mass - 20
    angles = np.degrees(np.arctan2(up, right))
    assert abs(angles).max() < 31
    assert angles.min() < -25
    assert angles.max() > 25


def test_noise_has_the_deviation_said() -> None:
    noise = GaussianNoise(0.5, np.random.default_rng(0))(np.zeros((10, 1, 100, 100)))
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 0.5) < 0.01
    np.testing.assert_array_equal(GaussianNoise(0)(IMAGES), IMAGES)


def test_normalize_has_a_mean_for_each_channel_or_one_for_all() -> None:
    mean, std = IMAGES.mean(axis=(0, 2, 3)), IMAGES.std(axis=(0, 2, 3))
    normal = Normalize(mean, std)(IMAGES)
    np.testing.assert_allclose(normal.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(normal.std(axis=(0, 2, 3)), 1, rtol=1e-6)
    np.testing.assert_allclose(Normalize(0.5, 0.25)(IMAGES), (IMAGES - 0.5) * 4)


@pytest.mark.parametrize("make", TRANSFORMS)
@pytest.mark.parametrize("shape", [(), (5,), (5, 5), (1, 1, 1, 5, 5)])
def test_what_is_no_batch_of_images_is_refused(make: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(errors.DataError, match=r"takes a batch of images.*image\[None\]"):
        make(None)(np.ones(shape))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RandomRotation(5)(IMAGES.astype(np.uint8)), "RandomRotation takes floats.*uint8.*x / 255"),
        (lambda: GaussianNoise()(np.ones((1, 2, 2), int)), "GaussianNoise takes floats"),
        (lambda: Normalize(0, 1)(np.ones((1, 2, 2), np.uint8)), "Normalize takes floats"),
        (lambda: Normalize([0, 0], [1, 1])(IMAGES), "has 2 means, 2 stds, and the images 3 channels"),
        (lambda: Normalize(0, [1, 0, 1]), r"above 0: \[1, 0, 1\] given"),
        (lambda: RandomCrop(9, padding=1)(IMAGES), r"no window of \(9, 9\) fits into images of \(8, 7\)"),
        (lambda: RandomHorizontalFlip(1.5), "p is a probability"),
        (lambda: GaussianNoise(-1), "sigma is a standard deviation"),
        (lambda: RandomShift(-1), "pixels"),
        (lambda: RandomCrop(3, padding=-1), "padding"),
        (lambda: RandomCrop(0), "size"),
    ],
)
def test_what_a_transform_cannot_do(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_history_is_not_dropped_in_silence() -> None:
    with pytest.raises(TypeError, match=r"records no gradients: give it x\.detach\(\)"):
        RandomShift(1)(Tensor(IMAGES, requires_grad=True))


def test_a_loader_and_a_transform() -> None:
    loader = tg.data.DataLoader(tg.data.TensorDataset(IMAGES, np.arange(50)), 16)
    augment = Compose([RandomShift(1), RandomHorizontalFlip()])
    assert [augment(x).shape for x, _ in loader] == [(16, 3, 6, 5)] * 3 + [(2, 3, 6, 5)]
