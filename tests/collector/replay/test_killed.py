"""A replay that is killed (SIGKILL) at any of its steps and done again counts everything once."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from caudal.collector.deliver.spool import Spool
from caudal.collector.replay.replay import finish
from caudal.collector.settings.settingsfile import load_settings
from caudal.contract.batch import batch_id, decode_batch
from tests.support.builders import HOME, SECONDS

from ...test_kill_matrix import Victims
from .captures import capture
from .test_replay import a_day


@pytest.fixture
def victims() -> Iterator[Victims]:
    starting = Victims()
    yield starting
    starting.close()


class Deployment:
    """A state directory, and what a shipper has taken out of its spool so far."""

    def __init__(self, directory: Path, victims: Victims) -> None:
        (directory / "state").mkdir(parents=True, mode=0o700)
        self._directory, self._victims = directory, victims
        self.config = directory / "collector.toml"
        self.config.write_text(
            f'collector = "xa-1"\noperator = "demo-net"\neconomy = "XA"\nhome = {list(HOME)}\nsynthetic = true\n'
            'state_directory = "state"\nk_anonymity = 1\n[service]\nurl = "http://127.0.0.1:1"\ntoken_file = "token"\n',
            encoding="utf-8",
        )
        self.spool = Spool(directory / "state" / "spool")
        self.shipped: dict[str, bytes] = {}

    def replay(self, path: Path, step: int | None) -> int:
        process = self._victims.ask(
            start="replay", config=str(self.config), log=str(self._directory / "log"), step=step,
            files=[str(path)], now=SECONDS + 86_400,
        )  # fmt: skip
        return self._victims.ask(wait=process)

    def log(self) -> str:
        return (self._directory / "log").read_text(encoding="utf-8")

    def ship(self) -> None:
        """Take away what is in the spool, as a shipper beside it does at any moment."""
        if not self.spool.directory.exists():
            return
        for segment in self.spool.segments():
            body = segment.path.read_bytes()
            assert batch_id(body) == segment.batch_id
            assert segment.batch_id not in self.shipped
            self.shipped[segment.batch_id] = body
            segment.path.unlink()

    def bytes(self) -> int:
        batches = [decode_batch(body) for body in self.shipped.values()]
        return sum(sum(batch.flows["bytes"].to_pylist()) for batch in batches)


def test_killed_at_any_step_and_done_again_it_counts_once(tmp_path: Path, victims: Victims) -> None:
    path = capture(tmp_path / "day.pcap", a_day(20))
    ended = {"before": 0, "between": 0, "after": 0}
    for step in range(1_000):
        deployment = Deployment(tmp_path / str(step), victims)
        code = deployment.replay(path, step)
        if code == 0:
            break
        assert code == -signal.SIGKILL, deployment.log()
        deployment.ship()
        found = deployment.bytes()
        ended["after" if found == 20_000 else "between" if found else "before"] += 1
        again = deployment.replay(path, None)
        assert again == 0 or "was replayed at" in deployment.log()
        deployment.ship()
        assert deployment.bytes() == 20_000, step
        assert finish(load_settings(deployment.config)).spooled == 0
        assert list((tmp_path / str(step) / "state" / "replays").glob("*.partial")) == []
    else:
        pytest.fail("it never came to its end")
    assert all(ended.values()), ended
