"""How methods, observables and benchmarks of plugins are found, in this environment and in isolated ones."""
