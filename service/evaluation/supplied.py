"""Data that a deployment supplies for the indicators: paths of traffic, and routes to the economy."""

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from caudal.common.errors import SettingsError
from caudal.reference import Reference
from caudal.service.indicators.facts.paths import read_paths
from caudal.service.indicators.facts.routing import read_routes
from caudal.service.indicators.model.errors import SuppliedError
from caudal.service.settings.settings import ServiceSettings


@dataclass(frozen=True, eq=False)
class Supplied:
    """Frames for `Context.paths` and `Context.routes`, each None where nothing was supplied."""

    paths: pl.DataFrame | None = None
    routes: pl.DataFrame | None = None

    @cached_property
    def paths_digest(self) -> str:
        """SHA-256 of the paths as they are kept; empty without."""
        return "" if self.paths is None else digest_of(to_bytes(self.paths))

    @cached_property
    def routes_digest(self) -> str:
        """SHA-256 of the routes as they are kept; empty without."""
        return "" if self.routes is None else digest_of(to_bytes(self.routes))


def read_supplied(settings: ServiceSettings, reference: Reference) -> Supplied:
    """Return the paths and routes that the settings name, of routes those to the access networks of the operators' economies.

    Raises SettingsError where a file cannot be read.
    """
    access = reference.facts("access_networks")
    economies = {operator.economy for operator in settings.operators}
    origins = access.filter(pl.col("country").is_in(sorted(economies)))["asn"].to_list()
    try:
        return Supplied(
            None if settings.paths is None else read_paths(settings.paths),
            None if settings.routes is None else read_routes(settings.routes, origins),
        )
    except SuppliedError as error:
        raise SettingsError(f"paths, routes: {error}") from error


def to_bytes(frame: pl.DataFrame) -> bytes:
    """Return a frame as an Arrow IPC stream."""
    sink = io.BytesIO()
    frame.write_ipc_stream(sink)
    return sink.getvalue()


def from_bytes(content: bytes) -> pl.DataFrame:
    """Return the frame that `to_bytes` wrote."""
    return pl.read_ipc_stream(io.BytesIO(content))


def digest_of(content: bytes) -> str:
    """Return the name of some content: its SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
