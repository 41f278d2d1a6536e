"""The areas of the contract, one folder each: what a clause demands, the deed, the verdict and the saboteur."""
