"""Databases as others keep them, read into benchmark folders, and benchmarks written as others read them."""
