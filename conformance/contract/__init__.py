"""The clauses, and the page made from them."""
