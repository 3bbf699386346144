"""Answers to queries of EDR: bound, computed within the limits, and encoded."""

from http import HTTPStatus

from datacube.errors import OutOfDomainError, TimeSelectionError
from datacube.plan.bind import Bound
from datacube.plan.formats import CSV
from datacube.plan.nodes import Encode, Plan, contributing_scenes
from datacube.protocols import Limits
from ogc.api.edr.grids import bind_grid
from ogc.api.edr.parts import vertical_position
from ogc.api.edr.place_answers import (
    PlaceValues,
    encoded,
    features_json,
    line_json,
    place_table,
    series_json,
)
from ogc.api.edr.places import bind_places
from ogc.api.edr.request import GEOJSON, PLACES, EdrQuery, Kind
from ogc.api.edr.values import check_rows, grid_table
from ogc.exchange import (
    Reply,
    Session,
    reply,
    reply_document,
    revision_header,
    scenes_header,
    warning_headers,
)


def answer(asked: EdrQuery, session: Session, *, address: str, limits: Limits) -> Reply:
    """Answer a query; 204 without a body where nothing lies (OGC 19-086r6, table 8).

    `address` is the query's own, without parameters; features name it.

    Raises
    ------
    CubeError
    """
    try:
        if asked.kind in PLACES:
            return _of_places(asked, session, address, limits)
        return _of_grid(asked, session, limits)
    except (OutOfDomainError, TimeSelectionError) as error:
        return _nothing(session, str(error))


def _nothing(session: Session, why: str) -> Reply:
    return Reply(
        status=HTTPStatus.NO_CONTENT,
        media_type="",
        body=b"",
        headers=(revision_header(session.view.revision), *warning_headers((why,))),
    )


def _of_places(asked: EdrQuery, session: Session, address: str, limits: Limits) -> Reply:
    places = bind_places(asked, session.view)
    cells = session.compute(places.plan)
    values = PlaceValues.of(asked.coverage_id, places, cells, asked.crs)
    if not values.anything.any():
        return _nothing(session, "the scenes there have no data at these places")
    if asked.media_type in (CSV, GEOJSON):
        check_rows(values.anything.size, limits)
    match asked.media_type:
        case media_type if media_type == CSV:
            body = place_table(values).as_csv()
        case media_type if media_type == GEOJSON:
            body = encoded(features_json(values, address))
        case media_type:
            made = series_json(values) if asked.kind is Kind.POSITION else line_json(values)
            body = encoded(made)
    return _document(body, media_type, places.plan, session)


def _of_grid(asked: EdrQuery, session: Session, limits: Limits) -> Reply:
    plan = bind_grid(asked, session.view)
    if asked.media_type == CSV:
        check_rows(plan.domain.size, limits)
        cells = session.compute(plan).select(tuple(field.name for field in plan.fields))
        table = grid_table(plan, cells, vertical_position(plan.domain))
        return _document(table.as_csv(), CSV, plan, session)
    encode = Encode(source=plan, media_type=asked.media_type, title=asked.coverage_id)
    bound = Bound(encode=encode, notes=(), revision=session.view.revision)
    return reply(session.encode(bound))


def _document(body: bytes, media_type: str, plan: Plan, session: Session) -> Reply:
    scenes = scenes_header(contributing_scenes(plan))
    return reply_document(body, media_type, session.view.revision, further=scenes)
