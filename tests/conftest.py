"""How much the random tests try: with `HYPOTHESIS_PROFILE=deep` in the environment, a hundred times as much.

`ci`, what runs when nothing is said, is the same each time; `dev` is short and new each time.
"""

import os

from hypothesis import HealthCheck, settings

slow = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much]}
settings.register_profile("ci", max_examples=2_000, derandomize=True, database=None, **slow)
settings.register_profile("dev", max_examples=200, **slow)
settings.register_profile("deep", max_examples=200_000, **slow)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
