"""Single calls of plain cassettes: what is one, what can be read, and how it is made again."""
