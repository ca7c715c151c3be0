"""What every client of Parley does, whatever it is written in and whichever way it takes to the server."""
