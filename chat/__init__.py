"""The domain: rooms, people, messages. It knows no HTTP."""
