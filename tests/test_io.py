"""What is saved comes back bit for bit, a file is replaced whole or not at all, and a wrong file says what it is."""

import json
import os
import pickle
import random
import stat
import subprocess
import sys
import time
import warnings
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors, io, nn
from tinygrad_edu.atomic import replacing
from tinygrad_edu.train import Checkpoint

DTYPES = [np.float16, np.float32, np.float64, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.bool_]


def same(a: Any, b: Any) -> bool:
    """Whether two objects are alike to the last bit, kinds, dtypes, shapes and the order of keys included."""
    if isinstance(a, Tensor):
        return type(b) is Tensor and a.requires_grad == b.requires_grad and same(a.data.array, b.data.array)
    if isinstance(a, np.ndarray | np.generic):
        return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return isinstance(b, dict) and same([*a, *a.values()], [*b, *b.values()])
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or a != a)


CHECKPOINT = {
    "model": {"0.weight": Tensor(np.arange(6.0, dtype=np.float32).reshape(2, 3)), "0.bias": Tensor(2.5)},
    "optimizer": {
        "state": {0: {"step": Tensor(7.0, dtype=np.float32), "exp_avg": np.full((2, 3), 1e-30)}, 1: {}},
        "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "nesterov": False, "maximize": None, "params": [0, 1]}],
    },
    "epoch": 3,
    "generator": np.random.default_rng(5).bit_generator.state,  # 128-bit numbers
    "losses": [0.1, float("nan"), float("inf"), -0.0, np.float32(0.1), np.float16(7), np.int64(-1), np.bool_(True)],
    "odd names": {"$": 1, "model.0.weight": Tensor([1.0]), "__metadata__": [], "": "ü\n", "é": {}, (1, "a"): ()},
    "w": Tensor([1.0, 2.0], requires_grad=True),
}


@pytest.mark.parametrize(
    "obj",
    [CHECKPOINT, {}, Tensor([1.0]), Tensor(3), [], None, 5, "text", {"a": Tensor([1.0])}, {"a": np.ones(2)}],
    ids=["checkpoint", "no entries", "Tensor", "number", "list", "None", "int", "str", "state dict", "dict of arrays"],
)
def test_what_is_saved_comes_back_bit_for_bit(obj: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"
    tg.save(obj, path)
    assert same(tg.load(path), obj)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "obj",
    [
        {"a": {"b": Tensor([1.0])}, "a.b": Tensor([2.0]), "a.b_": Tensor([3.0])},
        {"__metadata__": Tensor([1.0])},
        {"": Tensor([1.0])},
        {0: Tensor([1.0])},
        {"$": "Tensor"},
        {1: "a", "1": "b", None: "c", (1, 2): "d"},
    ],
)
def test_names_that_might_be_mixed_up(obj: Any, tmp_path: Path) -> None:
    tg.save(obj, tmp_path / "file")
    assert same(tg.load(tmp_path / "file"), obj)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3), (1, 2, 3, 1)])
def test_every_dtype_and_shape(dtype: Any, shape: tuple[int, ...], tmp_path: Path) -> None:
    array = (np.random.default_rng(0).random(shape) * 100 - 50).astype(dtype)
    state = {"first": Tensor(np.ones(3, np.bool_)), "it": Tensor(array), "last": Tensor(np.float16(1))}
    tg.save(state, tmp_path / "file")
    assert same(tg.load(tmp_path / "file"), state)


def test_views_shared_memory_and_other_byte_orders_are_saved_as_their_numbers(tmp_path: Path) -> None:
    whole = Tensor(np.arange(24.0).reshape(4, 6))
    views = {"whole": whole, "again": whole, "T": whole.T, "part": whole[1:3, ::2], "fresh": np.arange(3, dtype=">i4")}
    views |= {"stretched": np.broadcast_to(np.float32(2), (2, 2))}
    tg.save(views, tmp_path / "file")
    loaded = tg.load(tmp_path / "file")
    for name, value in views.items():
        np.testing.assert_array_equal(np.asarray(loaded[name]), np.asarray(value))
    loaded["whole"] += 1  # each has memory of its own
    assert loaded["again"][0, 0].item() == 0
    loaded["fresh"] += 1  # and may be changed


def test_a_change_of_one_loaded_tensor_is_no_change_of_the_others(tmp_path: Path) -> None:
    tg.save({"a": Tensor([2.0]), "b": Tensor([1.0])}, tmp_path / "file")
    state = tg.load(tmp_path / "file")
    a = state["a"].requires_grad_()
    loss = (a * a).sum()
    state["b"] += 1
    loss.backward()  # would be refused, had a and b the same memory
    assert a.grad.item() == 4


def test_a_change_after_load_leaves_the_file_alone(tmp_path: Path) -> None:
    tg.save({"a": Tensor([2.0])}, tmp_path / "file")
    state = tg.load(tmp_path / "file")
    state["a"] += 1
    assert tg.load(tmp_path / "file")["a"].item() == 2
    tg.save({"a": Tensor([5.0])}, tmp_path / "file")
    assert state["a"].item() == 3


def test_a_module_and_its_state_dict(tmp_path: Path) -> None:
    parameters = OrderedDict(weight=nn.Parameter(np.ones((2, 2), np.float32)), bias=nn.Parameter(np.zeros(2)))
    tg.save(parameters, tmp_path / "file")
    loaded = tg.load(tmp_path / "file")
    assert [(name, t.requires_grad) for name, t in loaded.items()] == [("weight", True), ("bias", True)]
    with pytest.raises(TypeError, match=r"at \['model'\] there is a Module.*save its state_dict\(\)"):
        tg.save({"model": nn.Module()}, tmp_path / "file")


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"scheduler": {"lr_lambdas": [len]}}, r"at \['scheduler'\]\['lr_lambdas'\]\[0\] there is a builtin_function"),
        ({"g": np.random.default_rng(0)}, r"a Generator.*bit_generator\.state"),
        ({"z": np.ones(2) * 1j}, "an array of complex128"),
        ([np.array(["a"])], r"at \[0\] there is an array of <U1"),
        (np.ma.masked_array([1.0], [True]), "there is a MaskedArray"),
        ({"s": {1, 2}}, "a set"),
    ],
)
def test_what_no_file_of_numbers_holds_is_named_and_the_old_file_stays(obj: Any, message: str, tmp_path: Path) -> None:
    tg.save({"a": Tensor([2.0])}, tmp_path / "file")
    with pytest.raises(TypeError, match=message):
        tg.save(obj, tmp_path / "file")
    assert tg.load(tmp_path / "file")["a"].item() == 2
    assert os.listdir(tmp_path) == ["file"]


# Files of others, and for others


def test_an_open_file_is_written_and_read() -> None:
    file = BytesIO()
    tg.save({"w": Tensor([1.0, 2.0]), "epoch": 3}, file)
    with pytest.raises(errors.CheckpointError, match=r"nothing is left .*seek\(0\)"):
        tg.load(file)
    file.seek(0)
    found = tg.load(file)
    assert (found["w"].tolist(), found["epoch"]) == ([1.0, 2.0], 3)


@pytest.mark.parametrize("where", ["cpu", {"cuda:0": "cpu"}, {"cpu": "cpu"}, lambda storage, place: storage])
def test_a_place_may_be_said_in_pytorchs_ways(where: Any, tmp_path: Path) -> None:
    tg.save({"w": Tensor([1.0])}, tmp_path / "file")
    assert tg.load(tmp_path / "file", map_location=where)["w"].tolist() == [1.0]


def test_a_checkpoint_without_safetensors_is_refused_when_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match="pip install safetensors"):
        Checkpoint(tmp_path / "file")


def test_our_files_are_safetensors_files(tmp_path: Path) -> None:
    state: dict[str, Any] = {name: np.ones((2, 3), dtype) for name, dtype in zip("abcdefghij", DTYPES, strict=True)}
    state |= {"empty": np.ones((0, 2)), "number": np.array(3.5)}
    tg.save({name: Tensor(value) for name, value in state.items()}, tmp_path / "file")
    assert {**same_names(safetensors.numpy.load_file(tmp_path / "file"), state)} == dict.fromkeys(state, True)
    safetensors.numpy.save_file(state, tmp_path / "theirs", {"format": "np"})
    assert same_names(tg.load(tmp_path / "theirs"), state) == dict.fromkeys(state, True)
    tg.save(CHECKPOINT, tmp_path / "checkpoint")
    names = set(safetensors.numpy.load_file(tmp_path / "checkpoint"))
    assert {"model.0.weight", "optimizer.state.0.exp_avg", "odd names.model.0.weight"} <= names


def same_names(found: dict[str, Any], state: dict[str, np.ndarray[Any, Any]]) -> dict[str, bool]:
    return {name: same(np.asarray(value), state[name]) for name, value in found.items()}


def test_every_array_lies_at_a_multiple_of_its_size(tmp_path: Path) -> None:
    state = {"a": Tensor(np.ones(3, np.bool_)), "b": Tensor(np.ones(1, np.float32)), "c": Tensor(np.ones(1))}
    tg.save(state, tmp_path / "file")
    raw = (tmp_path / "file").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    assert length % 8 == 0
    header = json.loads(raw[8 : 8 + length])
    assert {name: header[name]["data_offsets"][0] for name in state} == {"c": 0, "b": 8, "a": 12}
    assert list(tg.load(tmp_path / "file")) == ["a", "b", "c"]  # in the order of the state dict all the same


def test_bfloat16_becomes_float32_and_says_so(tmp_path: Path) -> None:
    values = np.array([[1.0, -2.5], [3.140625, 0.0]], np.float32)
    write_raw(
        tmp_path / "file", {"w": {"dtype": "BF16", "shape": [2, 2]}}, (values.view(np.uint32) >> 16).astype("<u2")
    )
    with pytest.warns(UserWarning, match=r"\['w'\].*bfloat16.*float32") as caught:
        loaded = tg.load(tmp_path / "file")
    assert caught[0].filename == __file__
    assert same(loaded["w"], Tensor(values))


def write_raw(path: Path, header: dict[str, Any], array: Any) -> None:
    """A safetensors file by hand, of one array."""
    for entry in header.values():
        entry.setdefault("data_offsets", [0, array.nbytes])
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + array.tobytes())


# Damaged files, and files of other kinds


def test_a_file_that_was_cut_short_anywhere_says_so(tmp_path: Path) -> None:
    tg.save(CHECKPOINT, tmp_path / "file")
    raw = (tmp_path / "file").read_bytes()
    for length in (*range(64), *range(64, len(raw), 7)):
        (tmp_path / "part").write_bytes(raw[:length])
        with pytest.raises(errors.CheckpointError, match=r"part' (was cut short|is no safetensors file)") as caught:
            tg.load(tmp_path / "part")
        assert "cut short" in str(caught.value) or length in range(1, 9)
    (tmp_path / "part").write_bytes(raw + b"abc")
    with pytest.raises(errors.CheckpointError, match=r"is damaged.*download it again"):
        tg.load(tmp_path / "part")


def test_random_damage_gives_other_numbers_or_a_clear_error_never_another_one(tmp_path: Path) -> None:
    tg.save(CHECKPOINT, tmp_path / "file")
    raw = (tmp_path / "file").read_bytes()
    header = 8 + int.from_bytes(raw[:8], "little")
    dice, refused = random.Random(0), 0  # noqa: S311 - no secrets here
    for _ in range(1000):
        broken = bytearray(raw)
        for _ in range(dice.choice([1, 1, 2, 5])):
            broken[dice.randrange(header)] = dice.choice([dice.randrange(256), *b'0123456789,:[]{}"'])
        (tmp_path / "part").write_bytes(broken)
        try:
            with warnings.catch_warnings(action="ignore"):  # I16 may have become BF16
                tg.load(tmp_path / "part")
        except errors.CheckpointError:
            refused += 1
    assert refused > 500


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"dtype": "F8_E4M3", "shape": [8]}, "tensor 'w' holds F8_E4M3.*save it as float32"),
        ({"dtype": "F32", "shape": [3]}, "is damaged"),
        ({"dtype": "F32", "shape": [-2, -1]}, "is damaged"),
        ({"dtype": "F32", "shape": [2.0]}, "is damaged"),
        ({"dtype": "F32", "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}, "is damaged"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [1, 9]}, "is damaged"),
        ({"dtype": ["F32"], "shape": [2]}, "is damaged"),
        ({"shape": [2]}, "is damaged"),
    ],
)
def test_a_header_that_does_not_fit_together(entry: dict[str, Any], message: str, tmp_path: Path) -> None:
    numbers = np.ones(0 if entry.get("data_offsets") == [0, 0] else 1)
    write_raw(tmp_path / "file", {"w": entry}, numbers)
    with pytest.raises(errors.CheckpointError, match=message):
        tg.load(tmp_path / "file")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b'{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{}}', "is damaged"),
        (b"{" + b'"a":{' * 100_000, "is damaged"),
        (b'{"__metadata__":{"a":1}}', "is damaged"),
        (b'{"__metadata__":{"tinygrad_edu":"{]"}}', "does not fit"),
        (b'{"__metadata__":{"tinygrad_edu":"{\\"$\\":\\"Tensor\\",\\"name\\":\\"w\\"}"}}', "does not fit"),
        (b'{"__metadata__":{"tinygrad_edu":"{\\"$\\":\\"Module\\"}"}}', "'Module' is not known"),
        (
            b'{"__metadata__":{"tinygrad_edu":"{}"},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
            r"nothing is said of \['w'\]",
        ),
    ],
)
def test_a_header_that_is_not_one(header: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(errors.CheckpointError, match=message):
        tg.load(tmp_path / "file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"weight": [1.0]}), "is a pickle, as torch.save.*not read.*safetensors.torch.save_file"),
        (b"PK\x03\x04" + b"\0" * 100, "is a zip archive, as torch.save.*not read.*safetensors.torch.save_file"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "is an HDF5 file, as Keras"),
        (b"\x93NUMPY\x01\x00" + b"\0" * 100, "np.load reads it"),
        (b"loss,accuracy\n0.5,0.9\n", "is no safetensors file"),
        (b"\xff" * 100, "is no safetensors file"),
        (b"", "was cut short"),
    ],
)
def test_a_file_of_another_kind_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(errors.CheckpointError, match=message) as caught:
        tg.load(tmp_path / "model.pt")
    assert "model.pt" in str(caught.value)


def test_without_safetensors_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tg.save(OLD, tmp_path / "file")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for call in (lambda: tg.save(NEW, tmp_path / "file"), lambda: tg.load(tmp_path / "file")):
        with pytest.raises(ImportError, match="pip install safetensors"):
            call()
    monkeypatch.undo()
    assert same(tg.load(tmp_path / "file"), OLD)
    assert os.listdir(tmp_path) == ["file"]


def test_no_file_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        tg.load(tmp_path / "nothing-here")
    with pytest.raises(FileNotFoundError, match=r"no folder.*missing.*os\.makedirs"):
        tg.save({}, tmp_path / "missing" / "file")
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(OSError, match="folder or a device"):
            tg.save({}, path)


# Whole or not at all


OLD = {"w": Tensor(np.zeros(1000)), "epoch": 1}
NEW = {"w": Tensor(np.ones(1000)), "epoch": 2}
STEPS = (
    io.__file__,
    io.tensorfile.__file__,
    sys.modules["tinygrad_edu.atomic"].__file__,
    safetensors.numpy.__file__,
)


class Fault:
    """Raises when the `moment`-th line of the package's file code is about to run, or of the library's."""

    def __init__(self, moment: int, error: type[BaseException]) -> None:
        self.left, self.error, self.struck = moment, error, False

    def __call__(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in STEPS:
            return None
        if event == "line" and not self.struck:
            self.left -= 1
            if self.left == 0:
                self.struck = True
                raise self.error("injected")
        return self


# An interrupt at the very end of a `with open(...)` leaves its closing to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_fault_at_any_line_leaves_the_old_or_the_new_file_and_nothing_beside(error: Any, tmp_path: Path) -> None:
    path, found = tmp_path / "file", []
    for moment in range(1, 1000):
        tg.save(OLD, path)
        fault, before = Fault(moment, error), sys.gettrace()
        sys.settrace(fault)
        try:
            tg.save(NEW, path)
        except error:
            pass
        finally:
            sys.settrace(before)
        assert os.listdir(tmp_path) == ["file"]
        epoch = tg.load(path)["epoch"]
        assert same(tg.load(path), {1: OLD, 2: NEW}[epoch])
        found.append(epoch)
        if not fault.struck:
            break
    assert found[-1] == 2
    assert found == sorted(found)
    assert found.count(1) > 50
    assert found.count(2) > 2  # the folder's own sync comes after


def test_a_full_disk_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    tg.save(OLD, tmp_path / "file")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            tg.save({"w": Tensor(np.ones(100_000)), "epoch": 2}, tmp_path / "file")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert same(tg.load(tmp_path / "file"), OLD)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.open"])
def test_a_failing_call_leaves_the_old_file(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tg.save(OLD, tmp_path / "file")

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(call, fail)
        with pytest.raises(OSError, match="no space"):
            tg.save(NEW, tmp_path / "file")
    assert same(tg.load(tmp_path / "file"), OLD)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="only there one may ask whether a process lives")
def test_what_a_killed_save_left_is_deleted_by_the_next_one_to_that_path(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from tinygrad_edu.atomic import replacing
with replacing(sys.argv[1]) as file:
    file.write(b"a part")
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    print("writing", flush=True)
    sys.stdin.read()
"""

    def left() -> int:
        return sum(name.startswith(".saving-") for name in os.listdir(tmp_path))

    command = [sys.executable, "-c", program]
    for name in ("file", "other"):
        subprocess.run([*command, str(tmp_path / name), "kill"], check=False)  # noqa: S603 - our own script
    writing = subprocess.Popen(  # noqa: S603 - our own script
        [*command, str(tmp_path / "file"), "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with writing:
        assert writing.stdout
        writing.stdout.readline()
        (tmp_path / ".saving-notes").write_text("somebody's own")
        tg.save(OLD, tmp_path / "file")
        assert left() == 3  # the other path's, that of the process that still writes, and no file of ours
        writing.communicate(b"")
    assert (tmp_path / "file").read_bytes() == b"a part"
    tg.save(OLD, tmp_path / "other")
    assert left() == 1
    assert (tmp_path / ".saving-notes").exists()


def test_what_is_renamed_was_synced_and_so_is_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        steps.append("folder" if stat.S_ISDIR(status.st_mode) else f"file of {status.st_size} bytes")
        sync(descriptor)

    def noted_rename(old: Path, new: Path) -> None:
        steps.append(f"{old.name[:8]} -> {new.name}")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    tg.save(OLD, tmp_path / "file")
    whole = (tmp_path / "file").stat().st_size  # nothing was left in a buffer
    assert steps == [f"file of {whole} bytes", ".saving- -> file", "folder"]


KILLED_AT_EVERY_LINE = """
import os, signal, sys
import numpy as np
import tinygrad_edu as tg
from tinygrad_edu import io

path, files = sys.argv[1], sys.argv[2:]
state = lambda epoch: {"w": tg.Tensor(np.full(1000, float(epoch))), "epoch": epoch}
found = []
for moment in range(1, 1000):
    tg.save(state(1), path)
    child = os.fork()
    if child == 0:
        left = moment
        def trace(frame, event, _):
            global left
            if frame.f_code.co_filename not in files:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace
        sys.settrace(trace)
        tg.save(state(2), path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    loaded = tg.load(path)
    assert (loaded["w"] == loaded["epoch"]).all()
    found.append(loaded["epoch"])
    if not os.WIFSIGNALED(status):
        break
print(found.count(1), found.count(2), found == sorted(found))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_killed_at_any_line_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", KILLED_AT_EVERY_LINE, str(tmp_path / "file"), *map(str, STEPS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr
    old, new, ordered = done.stdout.split()
    assert int(old) > 50
    assert int(new) > 2
    assert ordered == "True"


SAVES_FOR_EVER = """
import sys
import numpy as np
import tinygrad_edu as tg

states = [{"w": tg.Tensor(np.full(500_000, float(epoch))), "epoch": epoch} for epoch in (1, 2)]
tg.save(states[0], sys.argv[1])
print("begun", flush=True)
while True:
    for state in states:
        tg.save(state, sys.argv[1])
"""


def test_a_process_killed_while_it_writes_leaves_a_whole_file(tmp_path: Path) -> None:
    dice = random.Random(1)  # noqa: S311 - no secrets here
    for _ in range(8):
        command = [sys.executable, "-c", SAVES_FOR_EVER, str(tmp_path / "file")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own script
            assert process.stdout.readline() == b"begun\n"
            time.sleep(dice.random() * 0.05)
            process.kill()
        loaded = tg.load(tmp_path / "file")
        assert (loaded["w"] == loaded["epoch"]).all()


def test_a_link_keeps_pointing_where_it_did(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "disk" / "file")
    for state in (OLD, NEW):
        tg.save(state, tmp_path / "latest")
        assert (tmp_path / "latest").is_symlink()
        assert same(tg.load(tmp_path / "disk" / "file"), state)
    assert sorted(os.listdir(tmp_path)) == ["disk", "latest"]


def test_permissions_are_those_of_a_new_file_or_of_the_one_replaced(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    tg.save(OLD, tmp_path / "file")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "usual").stat().st_mode
    (tmp_path / "file").chmod(0o600)
    tg.save(NEW, tmp_path / "file")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_long_names_and_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tg.save(OLD, "n" * 255)
    assert same(tg.load("n" * 255), OLD)


def test_an_error_in_the_block_is_raised_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "file") as file:
        file.write(b"half" * (1 // 0))
    assert os.listdir(tmp_path) == []
