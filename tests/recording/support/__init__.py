"""What the tests of recordings are made with: programs that are recorded, clients, servers."""
