"""The configurations of docs/deploy/, with what they are for."""
