"""Data: sets of items, loaders of batches, augmentation, and files of the learner's own."""

from tinygrad_edu.data import transforms
from tinygrad_edu.data.bundled import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from tinygrad_edu.data.collate import default_collate
from tinygrad_edu.data.dataset import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from tinygrad_edu.data.files import load_folder, load_npz
from tinygrad_edu.data.loader import DataLoader
from tinygrad_edu.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from tinygrad_edu.data.sheet import load_csv
from tinygrad_edu.data.standardize import Standardize
from tinygrad_edu.data.table import Table

__all__ = [
    "BatchSampler",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "Standardize",
    "Subset",
    "SubsetRandomSampler",
    "Table",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "load_breast_cancer",
    "load_csv",
    "load_diabetes",
    "load_digits",
    "load_folder",
    "load_iris",
    "load_npz",
    "load_wine",
    "random_split",
    "transforms",
]
