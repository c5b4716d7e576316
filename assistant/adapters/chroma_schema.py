"""What a library's collection on a Chroma server must be like, for `assistant doctor`."""

from typing import Any

from assistant.adapters.chroma_places import ChromaServer

REBUILD = "assistant doctor --rebuild"
COPY = "assistant copy FOLDER URL, or assistant doctor --rebuild"
NEWER = "run a newer server there: pip install --upgrade 'chromadb>=1.5,<2', then chroma run"


def faults(server: ChromaServer, name: str, embedder: str, dimension: str) -> list[tuple[str, str]]:
    """Return what is wrong with the collection, each with its repair; nothing is written.

    `dimension` may be empty where the library has no vectors yet.

    Raises:
        LibraryError: the server fails.
    """
    import chromadb.errors

    client = server.open()
    try:
        collection = client.get_collection(name)
        found = list(_differences(collection, embedder, dimension))
        return found + _lacks(server, collection)
    except chromadb.errors.NotFoundError:
        what = f"{server} has no collection {name}, where the library's vectors should be"
        return [(what, COPY)] if dimension else []
    except Exception as error:
        raise server.error(error) from error
    finally:
        client.close()


def _differences(collection: Any, embedder: str, dimension: str) -> list[tuple[str, str]]:
    """Compare embedder, width and distance with what the catalog says."""
    noted = collection.metadata or {}
    space = (collection.configuration_json.get("hnsw") or {}).get("space") or (
        collection.configuration_json.get("spann") or {}
    ).get("space")
    pairs = [
        ("embedder", noted.get("embedder"), embedder),
        ("dimension", str(noted.get("dimension")), dimension or str(noted.get("dimension"))),
        ("distance", space, "cosine"),
    ]
    return [
        (f"the collection's {what} is {theirs!r}, the library's {mine!r}", REBUILD)
        for what, theirs, mine in pairs
        if theirs != mine
    ]


def _lacks(server: ChromaServer, collection: Any) -> list[tuple[str, str]]:
    """Ask by the filters that a search needs; servers before them refuse."""
    from assistant.adapters.chroma_http import StatusError

    where = {"$and": [{"tags": {"$contains": "author:nobody"}}, {"year": {"$gte": 0}}]}
    try:
        collection.get(where=where, limit=1, include=[])
    except StatusError as error:
        if error.status >= 500:
            raise
        return [(f"the server at {server.url} doesn't know filters by tags", NEWER)]
    return []
