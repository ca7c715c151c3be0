"""Parley's tests. They mirror the code; what several of them use stands in modules named for what it is.

A run is several processes at once, each with a MongoDB, a browser and a server of its own, that take file after file.
So a test uses what the fixtures give it (`database`, `folder`, `tmp_path`), takes ports that are free, and
waits for what happens and not for a time to pass. One that measures times is marked `alone`: nothing else runs
meanwhile.
"""
