"""Conversations: flows whose runs are turns, each with a message of the user's and a reply."""
