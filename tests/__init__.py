"""Parley's tests. They mirror the code; what several of them use stands in modules named for what it is."""
