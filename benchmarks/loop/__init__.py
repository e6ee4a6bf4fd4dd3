"""Whether the closed loop holds what a frozen model, or one retrained by the calendar, does not."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Small models are fitted fastest by one thread; read when scikit-learn is loaded."""
