"""What litellm reaches, in an environment of its own."""

import os

# Else litellm's import fetches a list of prices.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
