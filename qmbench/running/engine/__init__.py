"""Where tasks run: supervised child processes, on this machine or on a Dask cluster."""
