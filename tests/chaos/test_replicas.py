"""That nothing of a run outlives it, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from chaos.replicas import PYTHONPATH
from chaos.worker import CRASHES, FOLDER, SEED
from local_stack.processes import get_process_start_time
from support.broker import free_port
from support.waiting import eventually

PARENT = """
import sys, time
from pathlib import Path
from chaos.replicas import Replica

replica = Replica("orphan", {}, Path(sys.argv[1]), static=False)
replica.start()
print(replica.pid, flush=True)
time.sleep(600)
"""


def test_replicas_end_with_the_run_that_was_killed(tmp_path: Path) -> None:
    own = {FOLDER: str(tmp_path), SEED: "any", CRASHES: "", "PYTHONPATH": PYTHONPATH}
    nowhere = {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        env={**os.environ, **own, **nowhere},
        stdout=subprocess.PIPE,
    )
    try:
        assert parent.stdout is not None
        with parent.stdout as output:
            pid = int(output.readline())
        log = tmp_path / "orphan.log"
        eventually(lambda: log.exists() and b"started" in log.read_bytes())
        assert get_process_start_time(pid) is not None
    finally:
        parent.kill()
        parent.wait()
    eventually(lambda: get_process_start_time(pid) is None)
