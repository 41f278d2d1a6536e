"""Finding secrets in recorded traffic and writing filler over them, in place.

Read `passage` first: every decoding keeps the way back to the raw text, so that a secret can be found where it is
readable and blotted where it is written.
"""
