"""What people are told: counts, advice, and where in their code an error arose."""
