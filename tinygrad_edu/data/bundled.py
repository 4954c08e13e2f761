"""The data sets that come with scikit-learn, so that nothing has to be downloaded."""

from importlib import import_module

from tinygrad_edu.data.table import Table

__all__ = ["load_breast_cancer", "load_diabetes", "load_digits", "load_iris", "load_wine"]


def _load(name: str) -> Table:
    try:
        sets = import_module("sklearn.datasets")
    except ImportError as error:
        raise ImportError(
            f"load_{name} reads a data set of scikit-learn, which is missing: pip install scikit-learn"
        ) from error
    found = getattr(sets, f"load_{name}")()
    classes = [str(word) for word in found["target_names"]] if "target_names" in found else None
    return Table(found.data, found.target, classes, [str(word) for word in found.feature_names])


def load_breast_cancer() -> Table:
    """Wisconsin breast cancer: 569 tumours, 30 measures of their cells; malignant (0) or benign (1).

    >>> train, test = load_breast_cancer().split()
    >>> train.X.shape, test.X.shape, train.feature_names[:2], train.class_names
    ((455, 30), (114, 30), ['mean radius', 'mean texture'], ['malignant', 'benign'])
    """
    return _load("breast_cancer")


def load_digits() -> Table:
    """Handwritten digits: 1797 images of 8x8 in rows of 64 grays from 0 to 16; the digit.

    >>> load_digits().X.reshape(-1, 1, 8, 8).shape
    (1797, 1, 8, 8)
    """
    return _load("digits")


def load_iris() -> Table:
    """Irises: 150 flowers, length and width of sepals and petals in cm; one of three species.

    >>> load_iris().class_names
    ['setosa', 'versicolor', 'virginica']
    """
    return _load("iris")


def load_diabetes() -> Table:
    """Diabetes: 442 patients, 10 measures, already scaled; how far the disease went in a year, a number.

    >>> load_diabetes().y[:3]
    array([151.,  75., 141.])
    """
    return _load("diabetes")


def load_wine() -> Table:
    """Wines: 178 of them, 13 chemical measures; which of three growers made it.

    >>> load_wine().feature_names[:4]
    ['alcohol', 'malic_acid', 'ash', 'alcalinity_of_ash']
    """
    return _load("wine")
