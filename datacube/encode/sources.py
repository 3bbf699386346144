"""What an encoder may be asked to encode."""

from datacube.encode.answer import EncodeJob
from datacube.errors import InvalidParameterError
from datacube.plan.nodes import Picture, Plan


def coverage_of(job: EncodeJob, allowed: tuple[str, ...]) -> Plan:
    """Return the job's plan.

    Raises
    ------
    InvalidParameterError
        If it is a picture; the message lists `allowed`, the formats of pictures.
    """
    source = job.node.source
    if isinstance(source, Picture):
        raise _refused(job, "a map", allowed)
    return source


def _refused(job: EncodeJob, what: str, allowed: tuple[str, ...]) -> InvalidParameterError:
    return InvalidParameterError(
        f"{what} is not offered as {job.node.media_type}; allowed: {', '.join(allowed)}",
        parameter="format",
    )
