"""The functions that layers compute, under PyTorch's names and with its arguments."""

__all__: list[str] = []
