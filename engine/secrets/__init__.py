"""Secrets by the scheme of their reference, and the masker that keeps them out of every output."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from engine.ports.edges import SecretProvider
from engine.secrets.box import SecretBox
from engine.secrets.masking import Masker
from engine.secrets.providers import EnvironmentSecrets, FileSecrets, KeyringSecrets, PromptSecrets

BUILTIN: Mapping[str, Callable[[], SecretProvider]] = MappingProxyType(
    {"env": EnvironmentSecrets, "file": FileSecrets, "prompt": PromptSecrets, "keyring": KeyringSecrets}
)

__all__ = ["BUILTIN", "Masker", "SecretBox", "open_box"]


def open_box() -> SecretBox:
    """A box with every built-in provider."""
    return SecretBox({scheme: provider() for scheme, provider in BUILTIN.items()})
