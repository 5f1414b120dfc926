"""`caudal meter` and `caudal inspect` hold addresses as a collector does, and leave no core dump either."""

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import ctypes, resource, sys
import caudal.commands.inspect, caudal.commands.meter

class Stop(Exception): pass

def stop(*_, **__):
    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE), flush=True)
    raise Stop

# What reads the files.
caudal.commands.meter.meter_files = caudal.commands.inspect.show_inspection = caudal.commands.inspect.print_records = stop
from caudal.cli import app
app(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "arguments",
    [("meter", "--home", "198.18.0.0/16", "--economy", "UY"), ("inspect",), ("inspect", "--json")],
    ids=" ".join,
)
def test_core_dumps_are_off_before_a_file_is_read(arguments: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-c", CODE, *arguments, str(tmp_path / "capture.pcap")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "0 0 0\n", done.stderr
