"""Works for a while when it is imported."""

import time

from qmbench_toy import TightBinding

import qmbench

_until = time.process_time() + 0.3
while time.process_time() < _until:
    pass


class Slow(TightBinding):
    __doc__ = TightBinding.__doc__
    name = "slow"


QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return [Slow]
