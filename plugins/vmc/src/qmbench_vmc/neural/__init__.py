"""A compact neural wavefunction in JAX, optimized by SPRING, on CPUs and GPUs: `preparation` is the way in.

Importing this package imports no JAX.
"""
