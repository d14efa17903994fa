"""Imports the program that it declares at the top of its entry module."""

import toyprogram  # noqa: F401
from qmbench_toy import TightBinding

import qmbench


class Drags(TightBinding):
    __doc__ = TightBinding.__doc__
    name = "drags"
    distributions = ("toyprogram",)


QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return [Drags]
