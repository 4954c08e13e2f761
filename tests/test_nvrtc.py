"""CUDA's own compiler takes the kernels, and computes in their dtype alone: it needs NVRTC installed, and no GPU."""

import ctypes
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.duck.kernels import TYPES, declared
from tinygrad_edu import kernels

found = importlib.util.find_spec("nvidia")
LIBRARIES = [
    path
    for place in (found.submodule_search_locations or [] if found else [])
    for path in sorted(Path(place).rglob("libnvrtc.so.*"))
]
if not LIBRARIES:
    pytest.skip("NVRTC is not installed: pip install nvidia-cuda-nvrtc-cu12", allow_module_level=True)

NVRTC = ctypes.CDLL(str(LIBRARIES[0]))
EVERY = {name: kernel for name, kernel in vars(kernels).items() if hasattr(kernel, "inputs")}


def source(kernel: Any, dtype: str) -> str:
    """As CuPy writes it: a line of declaration for every parameter before the code."""
    code = f"term = {kernel.term};" if isinstance(kernel, kernels.Sum) else kernel.code
    outputs = "T term" if isinstance(kernel, kernels.Sum) else kernel.outputs
    parameters = [(TYPES[kind].format(T="T"), name) for kind, name in declared(f"{kernel.inputs}, {outputs}")]
    inputs = len(declared(kernel.inputs))
    lines = [f"const {kind} {name} = at_{name}[i];" for kind, name in parameters[:inputs]]
    lines += [f"{kind} &{name} = at_{name}[i];" for kind, name in parameters[inputs:]]
    taken = ", ".join(f"{kind} *at_{name}" for kind, name in parameters)
    body = "\n    ".join(["long long i = blockIdx.x * blockDim.x + threadIdx.x;", *lines, code])
    return f'typedef {dtype} T;\nextern "C" __global__ void kernel({taken}) {{\n    {body}\n}}\n'


def compiled(text: str) -> str:
    """What NVRTC makes of it, PTX."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    assert NVRTC.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None) == 0
    ended = NVRTC.nvrtcCompileProgram(program, 1, (ctypes.c_char_p * 1)(b"-std=c++17"))
    NVRTC.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    said = ctypes.create_string_buffer(size.value)
    NVRTC.nvrtcGetProgramLog(program, said)
    assert ended == 0, said.value.decode() + text
    NVRTC.nvrtcGetPTXSize(program, ctypes.byref(size))
    made = ctypes.create_string_buffer(size.value)
    NVRTC.nvrtcGetPTX(program, made)
    NVRTC.nvrtcDestroyProgram(ctypes.byref(program))
    return made.value.decode()


@pytest.mark.parametrize("name", EVERY)
def test_a_kernel_compiles_and_float32_stays_float32(name: str) -> None:
    assert ".f64" in compiled(source(EVERY[name], "double"))
    assert ".f64" not in compiled(source(EVERY[name], "float"))
