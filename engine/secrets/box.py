"""Every secret of a run, opened once, and known to the masker before anybody else sees it."""

import threading
from collections.abc import Mapping

from engine.model.errors import SecretUnavailable
from engine.model.secret import Secret, SecretRef
from engine.ports.edges import SecretProvider
from engine.secrets.masking import SHORTEST, Masker, maskable


class SecretBox:
    """Opens references by scheme and keeps what was opened. Safe to use from several threads."""

    def __init__(self, providers: Mapping[str, SecretProvider]) -> None:
        self._providers = providers
        self._opened: dict[tuple[str, str], Secret] = {}
        self._lock = threading.Lock()
        self.masker = Masker()

    def open(self, ref: SecretRef) -> Secret:
        """The secret; ``SecretUnavailable`` if there is none, or one that masking could not hide.

        One at a time: a question to a person must not be asked twice by two hosts at once.
        """
        with self._lock:
            known = self._opened.get((ref.scheme, ref.name))
            if known is None:
                known = self._opened[ref.scheme, ref.name] = self._open(ref)
            return known

    def remember(self, secret: Secret) -> None:
        """Mask a secret that came another way, as a parameter typed by a person."""
        self._hide(secret, "the secret parameter")

    def _open(self, ref: SecretRef) -> Secret:
        provider = self._providers.get(ref.scheme)
        if provider is None:
            known = ", ".join(f"{scheme}:" for scheme in self._providers)
            raise SecretUnavailable(
                f"{ref}: there is no way to open {ref.scheme}: secrets", remedy=f"use one of {known}"
            )
        secret = provider.open(ref)
        self._hide(secret, str(ref))
        return secret

    def _hide(self, secret: Secret, name: str) -> None:
        value = secret.reveal()
        if value == "":
            raise SecretUnavailable(f"{name}: the secret is empty", remedy="set it to the value it should have")
        if not maskable(value):
            raise SecretUnavailable(
                f"{name}: the secret has fewer than {SHORTEST} characters, or only stars: no output could hide it",
                remedy="choose a longer one",
            )
        self.masker.add(value)
