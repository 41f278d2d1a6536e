"""`python -m tests.conformance.run.dask_cluster`: a scheduler with two workers on loopback, until its input ends."""

from __future__ import annotations

import sys
from typing import Any


def main() -> None:
    from distributed import LocalCluster

    make: Any = LocalCluster
    with make(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tcp") as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
