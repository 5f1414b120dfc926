"""Settings from a TOML file with the environment over them, as the collector and the service both read theirs."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from caudal.common.errors import SettingsError


class EnvironmentFirst(BaseSettings):
    """Settings whose variables in the environment go over the values given; pydantic-settings has it the other way round."""

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # it is called with keywords
        cls, settings_cls: type[BaseSettings], **sources: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in the order in which they are asked."""
        del settings_cls
        return sources["env_settings"], sources["init_settings"]


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables and values of a settings file; raise SettingsError in one line where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; give the settings file with --config") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error


def unreadable_variable(error: Exception) -> SettingsError:
    """Return the error to raise where pydantic-settings cannot read a variable of the environment."""
    return SettingsError(f"environment: {error}; lists are written as JSON")
