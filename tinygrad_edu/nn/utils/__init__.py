"""What PyTorch keeps in `torch.nn.utils`: clipping of gradients, all parameters as one vector, packed sequences."""

from tinygrad_edu.nn.utils import rnn
from tinygrad_edu.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_
from tinygrad_edu.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "rnn", "vector_to_parameters"]
