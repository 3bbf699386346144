"""The transaction extension of WCS (OGC 13-057r1), switched on."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import count

import pytest
from starlette.testclient import TestClient

from copernicube.app import build
from copernicube.config import Settings
from ogc.wcs.transaction.names import NAMESPACE, OPERATIONS, PROFILE
from ogc.wcs.transaction.writing import TransactionLimits
from tests.builders.made import make_store
from tests.builders.transactions import GML, HEAD
from tests.conformance.wcs20 import (
    NOT_FOUND,
    REPORT,
    SCHEMAS,
    Answered,
    Binding,
    Server,
    by_binding,
)
from tests.ogc.conftest import Schemas

TOKEN = "of-this-suite"  # noqa: S105  # of a server in this process
NAMES = map("C{}".format, count())


@pytest.fixture(scope="module")
def writable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("transactions")
    tokens = folder / "tokens"
    tokens.write_text(f"suite:{sha256(TOKEN.encode()).hexdigest()}\n")
    made = make_store(folder / "store")
    settings = Settings(
        store=str(folder / "store"),
        transactions="on",
        transaction=TransactionLimits(tokens=str(tokens)),
    )
    with TestClient(build(settings), headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield Server(client=client, made=made)
    made.local.catalog.close()


def ask(server: Server, binding: Binding, name: str, *pairs: tuple[str, str]) -> Answered:
    """Send a request; those named `coverage` and `inputCoverage` hold GML."""
    kvp = [("SERVICE", "WCS"), ("VERSION", "2.0.1"), ("REQUEST", name), *pairs]
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in pairs)
    # Requests that are alike are sent once, and these change something.
    server._asked.clear()  # noqa: SLF001  # the memo of the builder
    return server.send(binding, kvp, f"<{name} {HEAD}>{inner}</{name}>")


def insert(server: Server, binding: Binding, name: str, cells: str = "1 2 3 4 5 6") -> Answered:
    return ask(server, binding, "InsertCoverage", ("coverage", GML.format(name=name, cells=cells)))


def values(server: Server, name: str) -> list[float]:
    server._asked.clear()  # noqa: SLF001  # as above
    return [float(n) for n in server.cells(Binding.KVP, name).tuples().ravel()]


@by_binding("transaction:capabilities-profile", "transaction:capabilities-operations")
def test_capabilities_name_the_extension(
    writable: Server, binding: Binding, schemas: Schemas
) -> None:
    told = writable.capabilities(binding)
    assert PROFILE in told.texts("Profile")
    named = [one.get("name") for one in told.root.iter("{*}Operation")]
    assert set(OPERATIONS) <= set(named)
    schemas.check(told.bytes, *SCHEMAS)


@by_binding("transaction:insert-coverage", "transaction:insert-response-id")
def test_a_coverage_is_inserted_under_its_id(writable: Server, binding: Binding) -> None:
    name = next(NAMES)
    answer = insert(writable, binding, name)
    assert (answer.status, answer.name) == (200, "InsertCoverageResponse"), answer.bytes
    assert answer.root.tag == f"{{{NAMESPACE}}}InsertCoverageResponse"
    assert answer.root.text == name
    assert name in writable.capabilities(binding).texts("CoverageId")
    assert values(writable, name) == [1, 2, 3, 4, 5, 6]


@by_binding("transaction:insert-existing-id-is-taken")
def test_an_id_is_given_once(writable: Server, binding: Binding, schemas: Schemas) -> None:
    name = next(NAMES)
    assert insert(writable, binding, name).status == 200
    again = insert(writable, binding, name, "9 9 9 9 9 9")
    again.fails("CoverageAlreadyExists", 409)
    schemas.check(again.bytes, REPORT)
    assert values(writable, name) == [1, 2, 3, 4, 5, 6]


@by_binding("transaction:insert-use-id-new")
def test_the_service_chooses_an_id(writable: Server, binding: Binding) -> None:
    name = next(NAMES)
    gml = GML.format(name=name, cells="1 2 3 4 5 6")
    pairs = [("coverage", gml), ("useId", "new")]
    first, second = (ask(writable, binding, "InsertCoverage", *pairs).root.text for _ in range(2))
    assert first
    assert second
    assert len({first, second, name}) == 3
    assert values(writable, second) == [1, 2, 3, 4, 5, 6]


@by_binding("transaction:insert-use-id-values")
def test_use_id_has_two_values(writable: Server, binding: Binding) -> None:
    gml = GML.format(name=next(NAMES), cells="1 2 3 4 5 6")
    answer = ask(writable, binding, "InsertCoverage", ("coverage", gml), ("useId", "both"))
    answer.fails("InvalidParameterValue")


@by_binding("transaction:insert-coverage-or-reference")
def test_a_coverage_comes_once(writable: Server, binding: Binding) -> None:
    ask(writable, binding, "InsertCoverage").fails("MissingParameterValue")
    gml = GML.format(name=next(NAMES), cells="1 2 3 4 5 6")
    both = [("coverage", gml), ("coverageRef", "http://127.0.0.1/x")]
    ask(writable, binding, "InsertCoverage", *both).fails("InvalidParameterValue")


@by_binding("transaction:insert-coverage-type")
def test_only_grids_are_inserted(writable: Server, binding: Binding) -> None:
    gml = GML.format(name=next(NAMES), cells="1 2 3 4 5 6")
    multi = gml.replace("RectifiedGridCoverage", "MultiPointCoverage")
    multi = multi.replace("gml:RectifiedGrid ", "gml:MultiPoint ").replace(
        "gml:RectifiedGrid>", "gml:MultiPoint>"
    )
    answer = ask(
        writable, binding, "InsertCoverage", ("coverage", multi.replace("offsetVector", "vector"))
    )
    answer.fails("InvalidCoverageType")


@by_binding("transaction:update-coverage")
def test_cells_are_replaced(writable: Server, binding: Binding) -> None:
    name = next(NAMES)
    insert(writable, binding, name)
    gml = GML.format(name="other", cells="7 8 9 10 11 12")
    pairs = [("coverageId", name), ("inputCoverage", gml)]
    answer = ask(writable, binding, "UpdateCoverage", *pairs)
    assert answer.status == 200, answer.bytes
    assert values(writable, name) == [7, 8, 9, 10, 11, 12]


@by_binding("transaction:update-consistency")
def test_a_change_fits_its_coverage(writable: Server, binding: Binding) -> None:
    name = next(NAMES)
    insert(writable, binding, name)
    gml = GML.format(name="other", cells="7 8 9 10 11 12").replace('name="v"', 'name="w"')
    pairs = [("coverageId", name), ("inputCoverage", gml)]
    ask(writable, binding, "UpdateCoverage", *pairs).fails("InconsistentChange", NOT_FOUND)
    ask(writable, binding, "UpdateCoverage", ("coverageId", "none"), pairs[1]).fails(
        "NoSuchCoverage", NOT_FOUND
    )
    assert values(writable, name) == [1, 2, 3, 4, 5, 6]


@by_binding("transaction:delete-coverage")
def test_a_coverage_is_deleted(writable: Server, binding: Binding) -> None:
    name = next(NAMES)
    insert(writable, binding, name)
    assert ask(writable, binding, "DeleteCoverage", ("coverageId", name)).status == 200
    assert name not in writable.capabilities(binding).texts("CoverageId")
    writable.describe(binding, name).fails("NoSuchCoverage", NOT_FOUND)
    ask(writable, binding, "DeleteCoverage", ("coverageId", name)).fails("NoSuchCoverage", 404)
    assert insert(writable, binding, name, "6 5 4 3 2 1").status == 200
    assert values(writable, name) == [6, 5, 4, 3, 2, 1]


@by_binding("transaction:token-needed")
def test_who_has_no_token_writes_nothing(writable: Server, binding: Binding) -> None:
    anybody = Server(client=TestClient(writable.client.app), made=writable.made)
    for name in OPERATIONS:
        ask(anybody, binding, name, ("coverageId", "x")).fails("OperationNotAllowed", 403)
