"""Stands for the program that a plugin drives: a module of a declared distribution."""
