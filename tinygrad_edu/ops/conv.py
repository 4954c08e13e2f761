"""Derivatives of convolutions and pooling."""

__all__: list[str] = []
