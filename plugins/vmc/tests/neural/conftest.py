"""The neural wavefunction's tests need JAX, in double precision and with few threads; without it they are skipped."""

import os

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NPROC", "2")
jax = pytest.importorskip("jax", reason="JAX is not installed: pip install 'qmbench-vmc[neural]'")
jax.config.update("jax_enable_x64", True)
