"""The graph of a flow as a picture: what it is made of, where each part stands, and the page that shows it."""
