"""Energy and carbon of a run, as codecarbon estimates them without asking anybody."""

import importlib.util
import logging
import threading
import warnings
from typing import Any

from mlops_cli.errors import RequestError

_EVERY_S = 15


def require() -> None:
    """Raise RequestError unless codecarbon is installed."""
    if importlib.util.find_spec("codecarbon") is None:
        raise RequestError(
            "the settings ask for carbon (tracking.carbon), which takes codecarbon",
            hint="pip install 'mlo[carbon]'",
        )


class Carbon:
    """Estimates for the whole machine from when it is made until it is stopped.

    Starting takes codecarbon some seconds, so it does that in a thread.
    """

    def __init__(self, country: str | None) -> None:
        self._country = country
        self._tracker: Any = None
        self._thread = threading.Thread(target=self._start, name="mlo carbon", daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, float]:
        """Return `energy_kwh` and, where the country is known, `co2_kg`; empty if it failed."""
        self._thread.join()
        if self._tracker is None:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._tracker.stop()
        found = self._tracker.final_emissions_data
        energy = {"energy_kwh": float(found.energy_consumed)}
        return energy if self._country is None else {**energy, "co2_kg": float(found.emissions)}

    def _start(self) -> None:
        logging.getLogger("codecarbon").disabled = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from codecarbon import OfflineEmissionsTracker

                tracker = OfflineEmissionsTracker(
                    country_iso_code=self._country or "USA",
                    measure_power_secs=_EVERY_S,
                    tracking_mode="machine",
                    allow_multiple_runs=True,
                    save_to_file=False,
                    log_level="critical",
                )
                tracker.start()
        except Exception as error:  # noqa: BLE001  an estimate must not stop a run
            warnings.warn(f"mlo has no estimate of carbon: {error}", RuntimeWarning, stacklevel=1)
            return
        self._tracker = tracker
