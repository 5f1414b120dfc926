"""A collector leaves no core dump, to a file or to a handler of them."""

import subprocess
import sys

CODE = """
import ctypes, resource
from pathlib import Path
import caudal.collector.daemon.run as run

class Stop(Exception): pass

def stop(*_): raise Stop

run.prepare = lambda config: (None, None)
# The first thing that happens after the limit is set, when nothing was received yet.
collector = run.Collector
run.StateLock = stop

class Collector(collector):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.settings = type("Settings", (), {"state_directory": Path("nowhere")})

run.Collector = Collector
try:
    run.run(Path("nowhere"))
except Stop:
    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_core_dumps_are_off_before_anything_is_received() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.stdout == "0 0 0\n", done.stderr
