"""Running from Python: `qmbench.run` and `qmbench.compute`. The command line is a thin layer over these."""
