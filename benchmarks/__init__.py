"""How fast this project is, beside its peers: `python -m benchmarks --help`, and README.md here."""
