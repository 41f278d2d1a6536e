"""Pages are followed as a reader would: their commands typed, their snippets run, in a prepared folder."""
