"""Files of the learner's own and the bundled sets: what comes out, and what is said of a file that is not right."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Tensor, data, errors
from tinygrad_edu.data import Standardize, Table, load_csv, load_folder, load_npz


def csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "data.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# CSV


def test_features_labels_and_their_names(tmp_path: Path) -> None:
    table = load_csv(csv(tmp_path, "age,height,kind\n3,0.5,cat\n\n4,1e-1,dog\n,,\n-5, 2 ,cat\n"), target="kind")
    assert table.X.dtype == np.float64
    assert table.X.tolist() == [[3, 0.5], [4, 0.1], [-5, 2]]
    assert table.y.dtype == np.int64
    assert table.y.tolist() == [0, 1, 0]
    assert (table.feature_names, table.class_names) == (["age", "height"], ["cat", "dog"])


@pytest.mark.parametrize(
    ("text", "options", "X", "y", "names"),
    [
        ("1,2\n3,4\n", {}, [[1, 2], [3, 4]], None, None),
        ("1,2,7\n3,4,8\n", {"target": -1}, [[1, 2], [3, 4]], [7, 8], None),
        ("a,b\n1,2\n", {"target": "a"}, [[2]], [1], ["b"]),
        ("a,b,c\n1,2,3\n", {"target": 0, "columns": ["c"]}, [[3]], [1], ["c"]),
        ("a,b,c\n1,x,3\n", {"columns": [2, 0]}, [[3, 1]], None, ["c", "a"]),
        ("2019,2020\n1,2\n", {"header": True}, [[1, 2]], None, ["2019", "2020"]),
        ("1;2\n3;4\n", {"delimiter": ";"}, [[1, 2], [3, 4]], None, None),
        ('a,b\r\n"1","2"\r\n', {}, [[1, 2]], None, ["a", "b"]),
        ("\ufeffa,b\n1,2\n", {"target": "a"}, [[2]], [1], ["b"]),
        ('a,"b\nb"\n1,2\n', {}, [[1, 2]], None, ["a", "b\nb"]),
        ("a,t\n1,2.5\n2,3\n", {"target": "t"}, [[1], [2]], [2.5, 3.0], ["a"]),
    ],
)
def test_files_of_many_kinds(text: str, options: Any, X: Any, y: Any, names: Any, tmp_path: Path) -> None:  # noqa: N803
    table = load_csv(csv(tmp_path, text), **options)
    assert table.X.tolist() == X
    assert (None if table.y is None else table.y.tolist()) == y
    assert table.y is None or table.y.dtype == np.array(y).dtype
    assert table.feature_names == names


def test_classes_without_a_header(tmp_path: Path) -> None:
    table = load_csv(csv(tmp_path, "5.1,3.5,setosa\n4.9,3.0,virginica\n"), target=2)
    assert (table.X.shape, table.y.tolist(), table.class_names) == ((2, 2), [0, 1], ["setosa", "virginica"])


GAPS = "a,b,kind\n1,10,x\n,20,none\n3,NA,x\n4,?,\n"


def test_missing_numbers_are_refused_unless_something_is_said(tmp_path: Path) -> None:
    path = csv(tmp_path, GAPS)
    with pytest.raises(
        errors.DataError, match=r"data\.csv', column 1 \('a'\) has no number in 1 row: 3; missing='drop'"
    ):
        load_csv(path, "kind")
    with pytest.raises(errors.DataError, match=r"column 2 \('b'\) has no number in 2 rows: 4, 5;"):
        load_csv(path, columns=["b"])
    dropped = load_csv(path, "kind", missing="drop")
    assert (dropped.X.tolist(), dropped.y.tolist(), dropped.class_names) == ([[1, 10]], [0], ["x"])
    kept = load_csv(path, "kind", columns=["a"], missing="drop")  # a class may be called "none"
    assert (kept.X.tolist(), kept.class_names) == ([[1], [3]], ["x"])
    assert load_csv(path, columns=["a", "b"], missing="mean").X.tolist() == [[1, 10], [8 / 3, 20], [3, 15], [4, 15]]
    assert load_csv(path, columns=["a", "b"], missing=-1).X.tolist() == [[1, 10], [-1, 20], [3, -1], [4, -1]]


def test_a_class_called_none_is_not_dropped(tmp_path: Path) -> None:
    table = load_csv(csv(tmp_path, "a,kind\n1,none\n2,some\n3,\n"), "kind", missing="drop")
    assert (table.y.tolist(), table.class_names) == ([0, 1], ["none", "some"])
    assert load_csv(csv(tmp_path, "a,kind\n1,none\n2,NaN\n"), "kind", missing="drop").class_names == ["none"]
    numbers = load_csv(csv(tmp_path, "a,t\n1,7\n2,NaN\n3,\n"), "t", missing="drop")
    assert numbers.y.tolist() == [7]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("age,height\n3,0.5\n4,tall\n", {}, r"data\.csv', row 3, column 2 \('height'\) has 'tall', which is no number"),
        ("3,0.5\n4,tall\n", {}, r"row 2, column 2 has 'tall'.*columns=\[\.\.\.\]$"),
        ("id,2019\n3,0.5\n", {}, r"row 1, column 1 has 'id'.*write header=True"),
        ('a,b\n"x\ny",1\n', {"columns": ["a"]}, r"row 2, column 1"),  # as a spreadsheet counts
        ("a,b\n1,2\n\n1,oops\n", {}, r"row 4, column 2"),
        ("a;b\n1;2\n", {}, r"do you mean delimiter=';'"),
        ("1;2\n3;4\n", {}, r"has '3;4'.*do you mean delimiter=';'"),
        ("a;b\n1,5;2\n", {}, r"row 2 has 2 cells, and row 1 has 1.*delimiter=';'"),
        (
            "a;b\n1,5;2\n",
            {"delimiter": ";"},
            r"column 1 \('a'\) has '1,5': numbers .* decimal commas: pass decimal=','",
        ),
        ("1,5;2,5\n3,5;4,5\n", {"delimiter": ";"}, r"row 1 is \['1,5', '2,5'\]: .* decimal commas: pass decimal=','"),
        ("1,5\n2,5\n", {"delimiter": ";"}, r"row 1 is \['1,5'\]: .*pass decimal=','.*names: header=True"),
        ("x\n1,5\n2,5\n", {}, "if 1,5 is one number: delimiter=';', decimal=','"),
        ('a,b\n"1,234",2\n', {}, "where 1,234 is 1234, take the commas out of the file"),
        ("a;b\n1.234;2\n", {"delimiter": ";", "decimal": ","}, "has '1.234', with a point, and decimal=',' was given"),
        ("a,b\n1_000,2\n", {}, "'1_000', which is no number"),
        ("a,b\n1,inf\n", {}, r"row 2, column 2 \('b'\) has 'inf', which is not finite"),
        ("a,b\n1,nan\n", {}, r"column 2 \('b'\) has no number in 1 row: 2"),
        ("a,b\n1,2\n3\n", {}, "row 3 has 1 cells, and row 1 has 2"),
        ("a,b\n1,2,3\n", {}, "row 2 has 3 cells, and row 1 has 2"),
        ("", {}, "is empty"),
        ("\n,\n", {}, "is empty"),
        ("a,b\n", {}, r"one row, \['a', 'b'\], taken for names; if it is data: header=False"),
        ("a,b\n1,2\n", {"target": "c"}, r"target='c' is no column of .*there are \['a', 'b'\]"),
        ("a;b\n1;2\n", {"target": "b"}, "delimiter=';'"),
        ("1,2\n3,4\n", {"target": "c"}, "numbers from 0 to 1, and no names"),
        ("a,b\n1,2\n", {"target": 2}, "target=2 is no column"),
        ("a,b\n1,2\n", {"columns": [-3]}, "columns=-3 is no column"),
        ("a,a\n1,2\n", {"target": "a"}, "target='a' names several columns"),
        ("a\n1\n", {"target": "a"}, "no column of features beside the target"),
        ("a,t\n1,7\n2,seven\n", {"target": "t"}, r"row 3, column 2 \('t'\) has 'seven'"),
        ("a,t\n1,x\n2,nan\n", {"target": "t"}, r"row 3, column 2 \('t'\) has no label: missing='drop'"),
        ("a,t\n1,x\n2,\n", {"target": "t"}, r"row 3, column 2 \('t'\) has no label: missing='drop'"),
        ("a,t\n1,7\n2,\n", {"target": "t", "missing": 0}, r"column 2 \('t'\) has no number in 1 row: 3"),
        ("a,b\n1,\n,2\n", {"missing": "drop"}, "missing='drop' leaves nothing"),
        ("a,b\n1,\n3,\n", {"missing": "mean"}, r"column 2 \('b'\) has no number at all"),
        (b"a,b\n1,\xe9\n", {}, "is not in UTF-8.*save it as CSV UTF-8"),
        (b"PK\x03\x04\x14", {}, "is no CSV file but a workbook"),
        (b"\xff\xfea\x00", {}, "UTF-16"),
        (b"\x1f\x8b\x08", {}, "compressed"),
        (b"a,b\n1," + b"9" * 200_000, {}, "is no CSV file: field larger"),
    ],
)
def test_a_csv_file_that_is_not_right(text: Any, options: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(errors.DataError, match=message):
        load_csv(csv(tmp_path, text), **options)


def test_no_file_and_no_such_option(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv"):
        load_csv(tmp_path / "nothing.csv")
    with pytest.raises(ValueError, match="missing= is 'drop', 'mean' or a number"):
        load_csv(csv(tmp_path, "1\n"), missing="fill")


# .npz


def test_arrays_of_an_npz_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones((3, 2)), y=np.arange(3), images=np.ones((3, 4, 4), np.uint8))
    table = load_npz(tmp_path / "a.npz")
    assert (table.X.shape, table.y.tolist()) == ((3, 2), [0, 1, 2])
    assert load_npz(tmp_path / "a.npz", X="images").X.dtype == np.uint8
    assert load_npz(tmp_path / "a.npz", y=None).y is None


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"x_train": np.ones(3)}, {}, r"no array 'X', but \['x_train'\]: name yours, load_npz\(path, X=\.\.\., y="),
        ({"X": np.ones(3), "y": np.ones(2)}, {}, "3 samples in X and 2 labels in y"),
        (
            {"X": np.array([[1, np.inf], [np.nan, 2]])},
            {"y": None},
            r"X has 2 numbers that are nan or infinite, first inf at \[0, 1\]",
        ),
        ({"X": np.ones(2), "y": np.array([1, np.nan])}, {}, r"y has 1 numbers.*first nan at \[1\]"),
        ({"X": np.array(["a"])}, {"y": None}, "'X' in .* holds <U1, and not numbers"),
        ({"X": np.array([{}])}, {"y": None}, "holds Python objects"),
    ],
)
def test_an_npz_file_that_is_not_right(arrays: Any, options: Any, message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(errors.DataError, match=message):
        load_npz(tmp_path / "a.npz", **options)


def test_decimal_commas(tmp_path: Path) -> None:
    text = "a;b;y\n1,5;2;0\n-3,25e1;4;1\n"
    table = load_csv(csv(tmp_path, text), target="y", delimiter=";", decimal=",")
    assert table.X.tolist() == [[1.5, 2.0], [-32.5, 4.0]]
    assert table.y.tolist() == [0, 1]
    assert load_csv(csv(tmp_path, "1,5;2,5\n"), delimiter=";", decimal=",").X.tolist() == [[1.5, 2.5]]
    assert load_csv(csv(tmp_path, "a;b\n1,5;2,5\n"), "b", delimiter=";", decimal=",").y.tolist() == [2.5]
    for decimal, delimiter in ((",", ","), ("x", ",")):
        with pytest.raises(ValueError, match=f"decimal='{decimal}' beside"):
            load_csv(csv(tmp_path, text), delimiter=delimiter, decimal=decimal)


def test_a_delimiter_that_was_chosen_is_not_advised_against(tmp_path: Path) -> None:
    with pytest.raises(errors.DataError) as caught:
        load_csv(csv(tmp_path, "a;b\n1,5;2\n"), delimiter=";")
    assert "delimiter=" not in str(caught.value)


def test_no_file_leads_to_running_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(errors.DataError, match="load_csv reads text") as text:
        load_npz(path)
    np.savez(path, X=np.array([[1], "a"], object), y=np.arange(2))
    with pytest.raises(errors.DataError, match=r"Python objects, .*astype\(float\)") as objects:
        load_npz(path)
    assert not any("pickle" in str(caught.value) for caught in (text, objects))


def test_an_npz_file_cut_short_or_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=np.ones((30, 2)), y=np.arange(30))
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-1], b"", b"hello", whole[:200] + b"\0" * 100 + whole[300:]):
        path.write_bytes(content)
        with pytest.raises(errors.DataError, match=r"a\.npz' is cut short, damaged, or not"):
            load_npz(path)
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(errors.DataError, match=r"holds one array, as np\.save writes"):
        load_npz(tmp_path / "one.npy")
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_npz(tmp_path / "nothing.npz")


# Folders


GRAYS = np.array([[0, 255], [51, 102]], np.uint8)


def test_a_folder_of_arrays_and_images(tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    for name in ("dog", "cat", ".git"):
        (tmp_path / name).mkdir()
    image.imsave(tmp_path / "cat" / "2.png", np.stack([GRAYS, GRAYS, 255 - GRAYS], -1))  # with an opacity of 1
    image.imsave(tmp_path / "cat" / "3.JPG", np.full((2, 2, 3), 100, np.uint8), format="jpg")
    np.save(tmp_path / "dog" / "1.npy", np.full((3, 2, 2), 0.5, np.float32))
    np.savez(tmp_path / "dog" / "4.npz", np.full((3, 2, 2), 0.25, np.float32))
    (tmp_path / "dog" / ".DS_Store").write_text("")
    table = load_folder(tmp_path)
    assert (table.X.shape, table.X.dtype) == ((4, 3, 2, 2), np.float32)
    np.testing.assert_allclose(table.X[0], np.stack([GRAYS, GRAYS, 255 - GRAYS]) / 255, rtol=1e-6)
    np.testing.assert_allclose(table.X[1], 100 / 255, atol=0.02)  # JPEG loses a little
    assert table.X[2:, 0, 0, 0].tolist() == [0.5, 0.25]
    assert table.y.tolist() == [0, 0, 1, 1]
    assert table.class_names == ["cat", "dog"]


def test_gray_images_have_one_channel(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "a").mkdir()
    image.fromarray(GRAYS).save(tmp_path / "a" / "1.png")
    np.testing.assert_allclose(load_folder(tmp_path).X, GRAYS[None, None] / np.float32(255))


def test_an_opacity_that_says_something_stays(tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    (tmp_path / "a").mkdir()
    image.imsave(tmp_path / "a" / "1.png", np.stack([GRAYS] * 4, -1))
    np.testing.assert_allclose(load_folder(tmp_path).X[0, 3], GRAYS / 255, rtol=1e-6)


def test_a_folder_that_is_not_right(tmp_path: Path) -> None:
    def refused(message: str) -> None:
        with pytest.raises(errors.DataError, match=message):
            load_folder(tmp_path)

    refused("has no folders in it: make one for each class")
    (tmp_path / "a").mkdir()
    refused("is empty: there is nothing of class 'a'")
    np.save(tmp_path / "a" / "1.npy", np.ones(3))
    np.save(tmp_path / "a" / "2.npy", np.ones(4))
    refused(r"2\.npy' has shape \(4,\), those before have \(3,\)")
    np.savez(tmp_path / "a" / "2.npz", a=np.ones(3), b=np.ones(3))
    (tmp_path / "a" / "2.npy").unlink()
    refused(r"2\.npz' holds 2 arrays, \['a', 'b'\]")
    (tmp_path / "a" / "2.npz").unlink()
    for name in ("2.npy", "2.npz", "2.png", "2.jpg"):
        for content in (b"", b"\x89PNG\r\n\x1a\n0000", b"PK\x03\x04", b"hello there"):
            (tmp_path / "a" / name).write_bytes(content)
            refused(rf"{name}' is cut short, damaged, or not what its name says")
        (tmp_path / "a" / name).unlink()
    (tmp_path / "a" / "notes.txt").write_text("")
    refused(r"notes\.txt' is no \.png, \.jpg, \.jpeg, \.npy or \.npz: take it out")
    with pytest.raises(FileNotFoundError):
        load_folder(tmp_path / "nothing")


# The bundled sets


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("breast_cancer", (569, 30), ["malignant", "benign"]),
        ("digits", (1797, 64), list("0123456789")),
        ("iris", (150, 4), ["setosa", "versicolor", "virginica"]),
        ("diabetes", (442, 10), None),
        ("wine", (178, 13), ["class_0", "class_1", "class_2"]),
    ],
)
def test_bundled_sets_are_scikit_learns(name: str, shape: tuple[int, int], classes: Any) -> None:
    sets = pytest.importorskip("sklearn.datasets")
    table = getattr(data, f"load_{name}")()
    theirs = getattr(sets, f"load_{name}")()
    assert table.X.shape == shape
    np.testing.assert_array_equal(table.X, theirs.data)
    np.testing.assert_array_equal(table.y, theirs.target)
    assert len(table.feature_names) == shape[1]
    assert table.class_names == classes


def test_the_split_is_the_lectures() -> None:
    pytest.importorskip("sklearn")
    table = data.load_breast_cancer()
    train, test = table.split(test=0.2, seed=0)
    order = np.random.RandomState(0).permutation(np.arange(569))
    np.testing.assert_array_equal(train.X, table.X[order[:455]])
    np.testing.assert_array_equal(test.y, table.y[order[455:]])
    assert (len(train), len(test)) == (455, 114)
    assert test.feature_names == table.feature_names
    other, _ = table.split(test=0.2, seed=1)
    assert not np.array_equal(other.X, train.X)
    assert repr(train).startswith("Table(455 samples, features mean radius,")


def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"load_iris reads a data set of scikit-learn.*pip install scikit-learn"):
        data.load_iris()


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.image", None)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    with pytest.raises(ImportError, match="pip install matplotlib"):
        load_folder(tmp_path)


@pytest.mark.parametrize(("size", "test", "tested"), [(10, 0.2, 2), (100, 0.07, 7), (30, 0.1, 3), (3, 0.01, 1)])
def test_the_test_part_is_rounded_up_but_not_for_a_rounding_error(size: int, test: float, tested: int) -> None:
    assert len(Table(np.zeros(size)).split(test)[1]) == tested


@pytest.mark.parametrize("test", [0, 1, 1.5, -0.1, 0.9, float("nan")])
def test_a_split_with_an_empty_part(test: float) -> None:
    with pytest.raises(errors.DataError, match="leaves one part empty"):
        Table(np.zeros(3)).split(test)


def test_tables_are_looked_at() -> None:
    with pytest.raises(errors.DataError, match="3 samples in X and 2 labels in y"):
        Table(np.ones(3), np.ones(2))
    with pytest.raises(errors.DataError, match=r"first nan at \[1, 1\] \(column 'b'\)"):
        Table(np.array([[1, 2], [3, np.nan]]), feature_names=["a", "b"])


# Standardize


def test_standardized_is_mean_0_and_std_1_as_scikit_learn_has_it() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    generator = np.random.default_rng(0)
    train, test = generator.normal(5, 3, (50, 4)), generator.normal(5, 3, (20, 4))
    ours, theirs = Standardize().fit(train), preprocessing.StandardScaler().fit(train)
    np.testing.assert_allclose(ours(train).mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(ours(train).std(axis=0), 1)
    np.testing.assert_allclose(ours(test), theirs.transform(test))
    np.testing.assert_allclose(ours.inverse(ours(test)), test)


def test_a_constant_column_becomes_exactly_0() -> None:
    train = np.full((7, 3), 0.1)
    train[:, 1] = np.arange(7)
    train[:, 2] = 5  # of which the std is exactly 0, and that of 0.1 is not
    standardize = Standardize().fit(train)
    assert standardize.constant == [0, 2]
    assert not standardize(train)[:, [0, 2]].any()


def test_each_channel_of_images_has_its_own() -> None:
    images = np.random.default_rng(0).normal([[[[1]], [[5]]]], [[[[2]], [[3]]]], (10, 2, 4, 4)).astype(np.float32)
    standardize = Standardize(axis=(0, 2, 3)).fit(images)
    assert standardize.mean.shape == (2, 1, 1)
    assert standardize(images).dtype == np.float32
    np.testing.assert_allclose(standardize(images).mean(axis=(0, 2, 3)), 0, atol=1e-6)
    assert standardize(images[:, :, :2]).shape == (10, 2, 2, 4)  # of any height


def test_standardize_takes_tensors_and_keeps_their_history() -> None:
    x = Tensor([[1.0], [3.0]], requires_grad=True)
    standardize = Standardize().fit(x)
    standardize(x).sum().backward()
    assert x.grad.tolist() == [[1], [1]]
    assert standardize(np.array([2.0])).tolist() == [0]  # one sample


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Standardize()(np.ones((2, 2))), r"Standardize\(\)\.fit\(X_train\)"),
        (lambda: Standardize().fit(np.ones((0, 2))), r"shape \(0, 2\) is empty"),
        (lambda: Standardize().fit(np.array([[1, np.nan]])), r"the training set has .*first nan at \[0, 1\]"),
        (lambda: Standardize().fit(np.ones((4, 3)))(np.ones((4, 2))), r"had 3 columns, and an array of shape \(4, 2\)"),
        (lambda: Standardize().fit(np.ones((4, 1)))(np.ones((4, 2))), "had 1 column, and"),
        (lambda: Standardize().fit(np.ones((4, 3)))(1.0), r"shape \(\) has not"),
        (lambda: Standardize().fit(np.ones((4, 3))).inverse(np.ones((4, 2))), "had 3 columns"),
        (lambda: Standardize(axis=1), "axis 0 counts the samples"),
    ],
)
def test_what_standardize_cannot_do(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
