"""The neural wavefunction's tests need JAX, in double precision and with few threads; without it they are skipped."""

import importlib.util
import os

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NPROC", "2")
if importlib.util.find_spec("jax") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory):
    """Double precision; and what one test has compiled need not be compiled again by the next."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("compiled")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
