"""`Duck`: an array on the CPU that can do what `cupy.ndarray` can, and refuses what it refuses."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.duck.calls import SYNCHRONIZING, TAKES_HOSTS, run_function, run_scatter, run_ufunc
from tests.duck.coverage import coverage

SCALARS = frozenset((bool, int, float, complex, *(np.dtype(char).type for char in "?bBhHiIlLqQefdFD")))
"""What meets an array in a calculation: these types themselves, and arrays of the same device."""


class DeviceSynchronized(RuntimeError):  # noqa: N818 - CuPy's name
    """`cupyx.DeviceSynchronized`: the host waited for the GPU where it must not."""


class Waits:
    """How often the host waited for numbers of a GPU, and whether it may."""

    def __init__(self) -> None:
        self.count, self.allowed = 0, True

    def note(self) -> None:
        """One more time."""
        self.count += 1
        if not self.allowed:
            raise DeviceSynchronized("Device synchronization is not allowed.")


waits = Waits()


@contextmanager
def allow_synchronize(allow: bool) -> Iterator[None]:
    """`cupyx.allow_synchronize`, which deprecates itself."""
    warnings.warn("cupyx.allow_synchronize will be removed in future releases", DeprecationWarning, stacklevel=3)
    before, waits.allowed = waits.allowed, allow
    try:
        yield
    finally:
        waits.allowed = before


def lifted(value: Any, *parents: Any) -> Any:
    """What NumPy gave, as CuPy gives it: arrays, and arrays without axes for scalars; views know their base."""
    if isinstance(value, tuple | list):
        plain = tuple if isinstance(value, tuple) else list  # CuPy's linalg names no fields
        return plain([lifted(item, *parents) for item in value])
    if not isinstance(value, np.ndarray | np.generic):
        return value
    array = np.asarray(value)
    for parent in parents:
        if parent._host is array:
            return parent
    return Duck._around(array, parents)


def lowered(value: Any, hosts: bool = False) -> Any:
    """An argument with the arrays under its ducks; a NumPy array is refused unless `hosts`."""
    if isinstance(value, Duck):
        return value._host
    if isinstance(value, np.ndarray) and not hosts:
        raise TypeError(f"Unsupported type {type(value)}")
    if type(value) in (tuple, list):
        return type(value)([lowered(item, hosts) for item in value])
    return value


def call(name: str, args: Any, kwargs: Any) -> Any:
    """A function or ufunc of CuPy's on ducks and numbers."""
    if name in SYNCHRONIZING or (name == "where" and len(args) == 1):
        waits.note()
    hosts = name in TAKES_HOSTS
    run = run_ufunc if name in coverage().ufuncs else run_function
    options = {key: lowered(value, hosts) for key, value in kwargs.items()}
    return lifted(run(name, lowered(tuple(args), hosts), options), *_ducks(args), *_ducks(tuple(kwargs.values())))


def _ducks(value: Any) -> list[Any]:
    """The ducks among arguments, also in lists."""
    if isinstance(value, tuple | list):
        return [duck for item in value for duck in _ducks(item)]
    return [value] if isinstance(value, Duck) else []


def _memory(array: Any) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class Duck:
    """An array on "cuda:0" that is none: what `cupy.ndarray` is to a GPU, without the GPU."""

    __array_priority__ = 100
    __hash__ = None
    _host: Any
    base: Any

    def __init__(self, *_: Any, **__: Any) -> None:
        raise TypeError("make it with cupy.zeros, cupy.asarray, ...")

    @classmethod
    def _around(cls, array: Any, parents: Any = ()) -> Any:
        if array.dtype.type not in SCALARS:
            raise TypeError(f"Unsupported dtype {array.dtype}")
        duck = object.__new__(cls)
        duck._host, duck.base = array, None
        if array.base is not None:
            owners = (p for p in parents if _memory(p._host) is _memory(array))
            duck.base = next((p if p.base is None else p.base for p in owners), None)
        return duck

    # What NumPy asks

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        if name not in coverage().ufuncs and name not in coverage().functions:
            return NotImplemented
        if "out" in options:
            if len(options["out"]) != 1:
                raise ValueError("The 'out' parameter must have exactly one array value")
            options["out"] = options["out"][0]
        operands = (*inputs, options["out"]) if "out" in options else inputs
        if method == "at":
            operands = (inputs[0], *inputs[2:])
        for x in operands if method in ("__call__", "at") else ():
            if type(x) not in SCALARS and not isinstance(x, Duck | np.ndarray):
                return NotImplemented
        if method == "__call__":
            return call(name, inputs, options)
        if method == "at":
            array, key, values = inputs
            return run_scatter(name, lowered(array), lowered(key, hosts=True), lowered(values))
        if method == "outer":
            x, y = inputs
            return call(name, (x.reshape(*x.shape, *(1,) * y.ndim), y), options)
        known = {"reduce": {"add": "sum", "multiply": "prod"}, "accumulate": {"add": "cumsum", "multiply": "cumprod"}}
        if name not in known.get(method, {}):
            raise NotImplementedError(f"`cupy_{name}.{method}` is not supported yet")
        options = {"axis": 0, **options} if len(inputs) == 1 else options
        return getattr(inputs[0], known[method][name])(*inputs[1:], **options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = ".".join([*function.__module__.split(".")[1:], function.__name__])
        if not all(issubclass(kind, Duck | np.ndarray) for kind in types):
            return NotImplemented
        known = name in coverage().ufuncs or name in coverage().functions
        return call(name, args, kwargs) if known else NotImplemented

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {"shape": self.shape, "typestr": self.dtype.str, "data": (self._host.ctypes.data, False), "version": 3}

    # What is known without a look at the numbers

    dtype = property(lambda self: self._host.dtype)
    flags = property(lambda self: _Flags(self))
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    ndim = property(lambda self: self._host.ndim)
    shape = property(lambda self: self._host.shape)
    size = property(lambda self: self._host.size)
    strides = property(lambda self: self._host.strides)
    device = property(lambda self: SimpleNamespace(id=0))
    data = property(lambda self: SimpleNamespace(ptr=self._host.ctypes.data, device=self.device))
    T = property(lambda self: self.transpose())
    mT = property(lambda self: lifted(self._host.mT, self))  # noqa: N815 - the array standard's name
    real = property(lambda self: lifted(self._host.real, self))
    imag = property(lambda self: lifted(self._host.imag, self))

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    # To the host

    def get(self, *, order: Any = "C", out: Any = None) -> Any:
        waits.note()
        if out is None:
            return np.array(self._host, order=order)
        out[...] = self._host
        return out

    def item(self) -> Any:
        return self.get().item()

    def tolist(self) -> Any:
        return self.get().tolist()

    def tobytes(self, order: str = "C") -> bytes:
        return bytes(self.get().tobytes(order))

    def __bool__(self) -> bool:
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __str__(self) -> str:
        return str(self.get())

    def __format__(self, spec: str) -> str:
        return format(self.get(), spec)

    def __reduce__(self) -> Any:
        return _upload, (self.get(),)

    # Places

    def __getitem__(self, key: Any) -> Any:
        if _masks(key):
            waits.note()
        return lifted(self._host[lowered(key, hosts=True)], self)

    def __setitem__(self, key: Any, value: Any) -> None:
        if _masks(key) and isinstance(key, tuple) and len(key) > 1:
            waits.note()
        host, key, value = self._host, lowered(key, hosts=True), lowered(value)
        if any(isinstance(part, np.ndarray | list) for part in (key if isinstance(key, tuple) else (key,))):
            places = np.arange(host.size).reshape(host.shape)[key]
            value = np.broadcast_to(value, places.shape)
            host.flat[places.ravel()[::-1]] = value.ravel()[::-1]  # which of several values stays is not said
        else:
            host[key] = value

    # Methods that are no functions, or have arguments of their own

    def astype(self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True) -> Any:
        if casting is not None or subok is not None:
            raise TypeError("casting and subok are not supported yet")
        return lifted(self._host.astype(dtype, order, copy=copy), self)

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        return lifted(self._host.reshape(*shape, order=order), self)

    def transpose(self, *axes: Any) -> Any:
        return lifted(self._host.transpose(*axes), self)

    def flatten(self, order: str = "C") -> Any:
        return lifted(self._host.flatten(order))

    def copy(self, order: str = "C") -> Any:
        return lifted(self._host.copy(order))

    def view(self, dtype: Any = None) -> Any:
        return lifted(self._host.view() if dtype is None else self._host.view(dtype), self)

    def fill(self, value: Any) -> None:
        self._host.fill(lowered(value))

    def set(self, arr: Any) -> None:
        if (arr.dtype, arr.shape) != (self.dtype, self.shape):
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        self._host[...] = arr

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        if kind not in (None, "stable"):
            raise ValueError("kind can only be None or 'stable'")
        self._host.sort(axis)

    def partition(self, kth: Any, axis: int = -1) -> None:
        self._host.partition(kth, axis)

    def conj(self) -> Any:
        return call("conjugate", (self,), {})

    conjugate = conj

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()


class _Flags:
    """`cupy.ndarray.flags`: three, and read-only; there is no `writeable`."""

    def __init__(self, duck: Any) -> None:
        self.c_contiguous, self.f_contiguous = duck._host.flags.c_contiguous, duck._host.flags.f_contiguous
        self.owndata = duck.base is None


def _masks(key: Any) -> bool:
    """Whether a key has booleans in it."""
    return any(getattr(part, "dtype", None) == np.bool_ for part in (key if isinstance(key, tuple) else (key,)))


def _upload(array: Any) -> Any:
    return lifted(np.array(array))


AS_FUNCTIONS = (
    "all any argmax argmin argpartition argsort choose clip compress cumprod cumsum diagonal dot max mean min nonzero"
    " prod ptp put ravel repeat round searchsorted squeeze std sum swapaxes take trace var"
)
OPERATORS = {
    "add": "add",
    "and": "bitwise_and",
    "floordiv": "floor_divide",
    "lshift": "left_shift",
    "matmul": "matmul",
    "mod": "remainder",
    "mul": "multiply",
    "or": "bitwise_or",
    "pow": "power",
    "rshift": "right_shift",
    "sub": "subtract",
    "truediv": "divide",
    "xor": "bitwise_xor",
}
COMPARISONS = {
    "eq": "equal",
    "ge": "greater_equal",
    "gt": "greater",
    "le": "less_equal",
    "lt": "less",
    "ne": "not_equal",
}
UNARY = {"abs": "absolute", "invert": "invert", "neg": "negative", "pos": "positive"}


def _method(name: str) -> Any:
    return lambda self, *args, **kwargs: call(name, (self, *args), kwargs)


def _forward(ufunc: Any) -> Any:
    def operate(self: Any, other: Any) -> Any:
        return NotImplemented if getattr(other, "__array_ufunc__", ufunc) is None else ufunc(self, other)

    return operate


def _backward(ufunc: Any) -> Any:
    return lambda self, other: ufunc(other, self)


def _alone(ufunc: Any) -> Any:
    return lambda self: ufunc(self)


def _in_place(ufunc: Any) -> Any:
    return lambda self, other: ufunc(self, other, out=self)


for _name in AS_FUNCTIONS.split():
    setattr(Duck, _name, _method(_name))
for _name, _ufunc in OPERATORS.items():
    setattr(Duck, f"__{_name}__", _forward(getattr(np, _ufunc)))
    setattr(Duck, f"__r{_name}__", _backward(getattr(np, _ufunc)))
    setattr(Duck, f"__i{_name}__", _in_place(getattr(np, _ufunc)))
for _name, _ufunc in COMPARISONS.items():
    setattr(Duck, f"__{_name}__", _forward(getattr(np, _ufunc)))
for _name, _ufunc in UNARY.items():
    setattr(Duck, f"__{_name}__", _alone(getattr(np, _ufunc)))
