"""Sound stand-ins for what this runtime does not do yet: no engines, but frames as the contract wants them."""
