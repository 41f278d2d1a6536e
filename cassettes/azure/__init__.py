"""Models on Azure."""
