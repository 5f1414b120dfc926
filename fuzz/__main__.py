"""Mutates the seed corpus with libFuzzer, led by what it covers of the decoder.

    python -m fuzz [options of libFuzzer] [directory for what is found]

Atheris is installed by `make fuzz`, and only there.
"""

import sys
from pathlib import Path

import atheris

CORPUS = Path(__file__).parent.parent / "tests" / "fuzz" / "corpus"

with atheris.instrument_imports(include=["caudal.collector"]):
    from fuzz.decoder import one_input

directories = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
for directory in directories:
    Path(directory).mkdir(parents=True, exist_ok=True)
# libFuzzer writes new inputs to the first directory: never to the seeds.
atheris.Setup([*sys.argv, str(CORPUS)] if directories else [*sys.argv, ".fuzz", str(CORPUS)], one_input)
Path(".fuzz").mkdir(exist_ok=True)
atheris.Fuzz()
