"""Connection: one client, its version and its secret."""

import asyncio

import pytest
from pymongo.errors import PyMongoError

from chat.database import Connection, DatabaseError
from tests.mongo import SessionMongod
from tests.servers import free_port


async def test_the_secret_is_made_once(mongod: SessionMongod, database: str) -> None:
    """All servers on one database sign with the same secret, be they first or not; another database has another."""
    connections = [mongod.connection(database) for _ in range(3)]
    found = await asyncio.gather(*(connection.secret() for connection in connections))
    assert len(set(found)) == 1
    assert len(found[0]) == 64
    other = mongod.connection(mongod.new_name())
    assert await other.secret() != found[0]
    mongod.client.drop_database(other.database.name)
    for connection in (*connections, other):
        connection.close()


async def test_opens_a_database_of_its_version(mongod: SessionMongod, database: str) -> None:
    """A fresh one and one made before are fine; one of another version is refused with both versions."""
    for _ in range(2):
        connection = mongod.connection(database)
        await connection.open()
        await connection.ping()
        connection.close()
    mongod.client[database].meta.update_one({"_id": "schema"}, {"$set": {"version": 7}})
    connection = mongod.connection(database)
    with pytest.raises(DatabaseError, match="version 7"):
        await connection.open()
    connection.close()


async def test_an_unreachable_one() -> None:
    """One line, within the timeout, without the driver's view of the world."""
    connection = Connection(f"mongodb://127.0.0.1:{free_port()}/", "x", timeout=0.3)
    with pytest.raises(DatabaseError) as error:
        await connection.open()
    assert "\n" not in str(error.value) and "Topology" not in str(error.value)
    with pytest.raises(DatabaseError):
        await connection.secret()
    with pytest.raises(PyMongoError):
        await connection.ping()
    connection.close()


@pytest.mark.parametrize(("uri", "name"), [("http://x", "a"), ("mongodb://a:b:c/", "a"), ("mongodb://", "a")])
def test_an_address_that_is_none(uri: str, name: str) -> None:
    """It is refused before anything is tried."""
    with pytest.raises(DatabaseError, match="--mongo"):
        Connection(uri, name, timeout=1)


def test_a_name_that_is_none() -> None:
    """A database cannot have every name."""
    with pytest.raises(DatabaseError):
        Connection("mongodb://127.0.0.1/", "a b$", timeout=1)
