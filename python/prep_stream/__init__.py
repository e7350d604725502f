"""Split tables larger than memory, fit mean and variance on train only, write standardized Parquet.

This package brings the program `prep` along and starts it: `stream` does a whole job on this machine;
`plan`, `run_unit` and `commit` are the parts that many processes share. `prep_stream.ray` and
`prep_stream.spark` have a cluster do the units. Keywords are the program's flags with underscores:

    from prep_stream import stream
    report = stream("data/", "standardized/", test_size="0.1", label=["price"], memory="2GiB")

Standard library only.
"""

from .commands import commit, plan, run_unit, stream
from .errors import PrepError
from .program import Progress, program

__all__ = ["PrepError", "Progress", "commit", "plan", "program", "run_unit", "stream"]
