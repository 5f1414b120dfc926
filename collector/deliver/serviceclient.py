"""The HTTP client by which the collector speaks to the service."""

import ssl
from pathlib import Path

import httpx

from caudal.collector.settings.settings import CollectorSettings
from caudal.collector.settings.settingsfile import read_token
from caudal.common.errors import SettingsError
from caudal.common.vocabulary import BEARER

# Of each step of a request: connecting, and every read and write.
_TIMEOUT_SECONDS = 60.0
_CONNECT_SECONDS = 20.0


def service_client(settings: CollectorSettings) -> httpx.Client:
    """Return the client; certificates are always verified. Raise SettingsError where a file cannot be used."""
    service = settings.service
    trusted = _trusting(service.ca_file)
    if service.client_certificate:
        _identify(trusted, service.client_certificate, service.client_key)
    return httpx.Client(
        base_url=service.url,
        headers={"Authorization": f"{BEARER} {read_token(service.token_file)}"},
        timeout=httpx.Timeout(_TIMEOUT_SECONDS, connect=_CONNECT_SECONDS),
        verify=trusted,
    )


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # an SSLError is one
        raise SettingsError(
            f"service.ca_file: {ca_file} cannot be used: {error.strerror or error}; give certificates in PEM"
        ) from error


def _identify(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    def no_password() -> str:
        raise SettingsError(
            f"service.client_key: {key or certificate} is encrypted; give a key without a password, readable by the "
            "collector only"
        )

    try:
        context.load_cert_chain(certificate, key, password=no_password)
    except OSError as error:
        raise SettingsError(
            f"service.client_certificate: {certificate} cannot be used"
            f"{f' with the key {key}' if key else ''}: {error.strerror or error}; give certificate and key in PEM"
        ) from error
