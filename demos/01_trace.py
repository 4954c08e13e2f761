"""The backward pass of a*b + c, step by step, and the graph with every value and gradient.

Run it with `python demos/01_trace.py`; it writes 01_trace.svg into the folder it is started from.
"""

from tinygrad_edu import Tensor
from viz import make_dot, render, trace

a = Tensor(2.0, requires_grad=True, name="a")
b = Tensor(-3.0, requires_grad=True, name="b")
c = Tensor(10.0, requires_grad=True, name="c")

p = a * b
p.name = "p"
q = p + c
q.name = "q"

steps = trace(q)
print(steps)
q.backward()

# dq/dp = 1 and dq/dc = 1 at the sum; dp/da = b and dp/db = a at the product; along the path they multiply.
assert (a.grad.item(), b.grad.item(), c.grad.item()) == (b.item(), a.item(), 1.0)

render(make_dot(q, trace=steps), "01_trace.svg")
print("wrote 01_trace.svg")
