"""Judges trading claims: replays the record with honest fills and says what the evidence supports.

Every function is the command of its name. Its options are keyword arguments with underscores for dashes (`cost_bps=5`,
`accept=["signals_origin"]`, `set={"gate.min_tier": 2}`); what the command calls a file may be a table in memory: anything
with an Arrow stream, such as a frame of polars or pandas. Results, files and the trial ledger are those of the command.

    import q50
    verdict = q50.verify(bars=frame, signals=signals, capital=10_000)
    verdict.verdict, verdict["replay"]["sharpe"]
"""

from q50._q50 import Error
from q50._commands import data, overfit, read, stats, sweep, verify
from q50._results import Comparison, Overfit, Picture, Result, Statistics, Sweep, Table, Verification

__all__ = [
    "Comparison",
    "Error",
    "Overfit",
    "Picture",
    "Result",
    "Statistics",
    "Sweep",
    "Table",
    "Verification",
    "data",
    "overfit",
    "read",
    "stats",
    "sweep",
    "verify",
]
