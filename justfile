# Recipes for people who work on the project; each is one command that also works without just.

python := ".venv/bin/python"

# A virtual environment with everything that development needs.
setup:
    python3 -m venv .venv
    {{python}} -m pip install --quiet --editable '.[all,dev]'
    {{python}} -m pre_commit install

# Lint, types and layers.
check:
    {{python}} -m ruff check .
    {{python}} -m ruff format --check .
    {{python}} -m mypy
    .venv/bin/lint-imports

# All tests but the slow soaks; `just test -m slow` runs those.
test *arguments:
    {{python}} -m pytest {{arguments}}

# Ratios to peers and µs per stage; benchmarks/README.md tells how to name the peers.
bench *arguments:
    {{python}} -m benchmarks {{arguments}}

# Make the shipped recordings anew from their loopback servers.
author *providers:
    {{python}} -m tests.authoring {{providers}}

# Make docs/contract.md from the clause catalogue.
contract:
    {{python}} -m conformance.contract.page > docs/contract.md

# Make docs/saboteurs.md: every runtime that is broken on purpose, through the whole suite. Takes about an hour.
proof:
    {{python}} -m conformance.proof docs/saboteurs.md

# Make the page of the timeline viewer anew from its sources.
viewer:
    cd viewer && npm ci --silent && npm run build
