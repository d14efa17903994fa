"""The neural wavefunction's tests need JAX, in double precision and with few threads; without it they are skipped."""

import os

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NPROC", "2")
jax = pytest.importorskip("jax", reason="JAX is not installed: pip install 'qmbench-vmc[neural]'")
jax.config.update("jax_enable_x64", True)


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory):
    """What one test has compiled need not be compiled again by the next."""
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("compiled")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
