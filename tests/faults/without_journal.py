"""The server with acknowledgements that do not wait for the journal: what the control run loses, and Parley does not.

`python -m tests.faults.without_journal [flags of the server]`
"""

from pymongo import WriteConcern

import chat.history
import server

if __name__ == "__main__":
    chat.history.DURABLE = WriteConcern(1, j=False)
    server.main()
