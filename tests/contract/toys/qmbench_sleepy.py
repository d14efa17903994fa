"""Waits when it is imported, which costs no CPU."""

import time

from qmbench_toy import TightBinding

import qmbench

time.sleep(0.3)


class Sleepy(TightBinding):
    __doc__ = TightBinding.__doc__
    name = "sleepy"


QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return [Sleepy]
