"""Which version answers which request."""

from collections.abc import Mapping, Sequence

from mlops_cli.registry.values import shown
from mlops_cli.serving.live import Live
from mlops_cli.serving.refusal import Refused
from mlops_cli.serving.slot import Slot


class Router:
    """The models that a server has, by name."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        """Route to what is in `slots`, one for each model."""
        self.slots: Mapping[str, Slot] = {slot.live.model: slot for slot in slots}
        self._only = slots[0] if len(slots) == 1 else None

    def slot(self, model: str | None) -> Slot:
        """Return the place of `model`, of the only one if None.

        Raises:
            Refused: 404, no such model is served here.
        """
        if model is None and self._only is not None:
            return self._only
        slot = self.slots.get(model or "")
        if slot is None:
            known = ", ".join(self.slots)
            raise Refused(404, f"no model '{shown(model or '')}' is served here: there is {known}")
        return slot

    def choose(self, model: str | None, key: bytes | None) -> Live:
        """Return the version that answers a request to `model` of the user `key`.

        Raises:
            Refused: 404, no such model is served here.
        """
        return self.slot(model).routing.choose(key)

    def at(self, model: str | None, version: str) -> Live:
        """Return a version of `model` that answers requests, by its number.

        Raises:
            Refused: 404, it is not served here.
        """
        routing = self.slot(model).routing
        lives = routing.answering
        for live in lives:
            if str(live.version) == version:
                return live
        known = ", ".join(f"v{live.version}" for live in lives)
        raise Refused(
            404,
            f"version '{shown(version)}' of '{routing.main.model}' is not served here:"
            f" there is {known}",
        )
