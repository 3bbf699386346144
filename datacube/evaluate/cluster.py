"""Work on a Dask cluster: who takes it, and what is said where none can."""

import contextlib
import pickle
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from math import inf
from time import monotonic
from typing import Any

from datacube.asker import present_asker
from datacube.errors import (
    AbandonedError,
    CubeError,
    InvalidParameterError,
    LimitExceededError,
    SchedulerError,
)
from datacube.plan.cost import Cost

CONNECT_SECONDS = 5.0
"""Time in which a scheduler and one worker must answer."""
PRODUCT = "copernicube"
_ALIKE = ("python", "dask", "distributed", "numpy", "cloudpickle")
"""Packages that client, scheduler and workers must have in one version."""
_AHEAD = 2
"""Pieces of work a thread of the workers that wait for their turn or to be fetched."""
_SCHEMES = ("tcp://", "tls://")
_LOOK_SECONDS = 0.5
"""How often it is looked whether somebody still waits for the answer."""
_AWAY_SECONDS = 5.0
"""How long a cluster that could not take work is not asked again."""


class Cluster:
    """A Dask cluster by the address of its scheduler, connected when it is first used.

    Safe to use from threads. A worker that dies loses its work to the others; the scheduler
    gives up after some deaths over the same piece (`distributed.scheduler.allowed-failures`).
    """

    def __init__(self, address: str, *, worth_bytes: int) -> None:
        """Name a cluster.

        `worth_bytes` are the decoded bytes of stored chunks below which work stays here.

        Raises
        ------
        InvalidParameterError
            If the address is not `tcp://HOST:PORT` or `tls://HOST:PORT`.
        """
        host, colon, port = address.partition("://")[2].rpartition(":")
        if not (address.startswith(_SCHEMES) and host and colon and port.isdecimal()):
            raise InvalidParameterError(
                f"scheduler {address!r} is not allowed; allowed are tcp://HOST:PORT and "
                "tls://HOST:PORT",
                parameter="scheduler",
            )
        self.address = address
        self.worth_bytes = worth_bytes
        self._guard = threading.Lock()
        self._client: Any = None
        self._away: tuple[float, str] = (0.0, "")
        """Until when it is not asked again, in monotonic seconds, and why."""

    def check(self) -> None:
        """Connect, and look at who answers.

        Raises
        ------
        SchedulerError
            If the scheduler does not answer, has no worker, or one that does not fit.
        """
        self._connected()

    def threads(self) -> int:
        """Return how many pieces of work the workers take at once."""
        found = self._connected().scheduler_info(n_workers=-1)
        workers: Mapping[str, Mapping[str, int]] = found["workers"]
        return max(1, sum(worker["nthreads"] for worker in workers.values()))

    def in_order[T, R](
        self, run: Callable[[T], R], work: Iterable[T], *, deadline: float | None = None
    ) -> Iterator[R]:
        """Do work on the workers; yield results in order, with few of them waiting.

        `run`, work and results travel by pickle. What is not yielded when the caller stops, or
        when the time is up, is cancelled.

        Raises
        ------
        AbandonedError
            If whoever asked went away.
        LimitExceededError
            If `deadline`, in `time.monotonic` seconds, passes first.
        SchedulerError
            If the cluster is lost, or workers die over the same piece again and again.
        """
        client = self._connected()
        ahead = _AHEAD * self.threads()
        with self._told():
            # A task of its own travels to each worker once, and is made again with a worker lost.
            held = client.submit(_Carried, pickle.dumps(run), pure=False)
            pending: deque[Any] = deque()
            try:
                for one in work:
                    pending.append(
                        client.submit(_run, held, _Carried(pickle.dumps(one)), pure=False)
                    )
                    if len(pending) > ahead:
                        yield self._result(pending.popleft(), deadline)
                while pending:
                    yield self._result(pending.popleft(), deadline)
            finally:
                with contextlib.suppress(Exception):  # a cluster that is lost has nothing to stop
                    client.cancel([held, *pending], force=True)

    def close(self) -> None:
        """Leave the cluster."""
        with self._guard:
            if self._client is not None:
                self._client.close(timeout=CONNECT_SECONDS)
                self._client = None

    def _result(self, future: Any, deadline: float | None) -> Any:  # noqa: ANN401  # of any work
        asker = present_asker()
        while True:
            left = inf if deadline is None else deadline - monotonic()
            try:
                asker.check()
                return future.result(timeout=max(0.0, min(left, _LOOK_SECONDS)))
            except AbandonedError:
                future.cancel(force=True)
                raise
            except TimeoutError:
                if future.done():
                    return future.result()  # ended just now, or with this error of its own
            if left <= _LOOK_SECONDS:
                future.cancel(force=True)
                raise LimitExceededError(
                    "the answer took longer than the time that is left to it (LIMIT_SECONDS)"
                )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn failures of the cluster into errors that name it."""
        from distributed import CancelledError  # noqa: PLC0415  # an extra
        from distributed.scheduler import KilledWorker  # noqa: PLC0415  # as above

        try:
            yield
        except KilledWorker as error:
            raise SchedulerError(
                f"workers of {self.address} died over the same piece of work again and again; "
                "see their logs, and give them more memory"
            ) from error
        except (CancelledError, OSError, ModuleNotFoundError) as error:
            raise SchedulerError(
                f"work on {self.address} was lost: {type(error).__name__}: {error}"
            ) from error

    def _connected(self) -> Any:  # noqa: ANN401  # distributed's Client has no annotations
        with self._guard:
            if self._client is None or self._client.status != "running":
                until, why = self._away
                if monotonic() < until:
                    raise SchedulerError(why)
                try:
                    self._client = self._connect()
                except SchedulerError as error:
                    self._away = monotonic() + _AWAY_SECONDS, str(error)
                    raise
            return self._client

    def _connect(self) -> Any:  # noqa: ANN401  # as above
        try:
            from distributed import Client  # noqa: PLC0415  # an extra; and it takes long
        except ImportError as error:
            raise SchedulerError(
                "a scheduler needs the package distributed; install copernicube[cluster]"
            ) from error
        try:
            with warnings.catch_warnings():
                # What does not fit is told in full below.
                warnings.simplefilter("ignore")
                client: Any = Client(  # type: ignore[no-untyped-call]  # has no annotations
                    self.address, timeout=CONNECT_SECONDS, set_as_default=False
                )
        except (OSError, TimeoutError) as error:
            raise SchedulerError(
                f"the scheduler {self.address} does not answer within {CONNECT_SECONDS:g} s"
            ) from error
        try:
            self._look_at(client)
        except BaseException:
            client.close(timeout=CONNECT_SECONDS)
            raise
        return client

    def _look_at(self, client: Any) -> None:  # noqa: ANN401  # as above
        """Refuse a cluster whose workers would fail, or would compute something else."""
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise SchedulerError(
                f"the scheduler {self.address} has no worker; start one with: "
                f"dask worker {self.address}"
            ) from error
        found = client.get_versions(check=False)
        ours = found["client"]["packages"]
        theirs = {"the scheduler": found["scheduler"]}
        theirs |= {f"worker {name}": one for name, one in found["workers"].items()}
        told = [text for name, one in theirs.items() if (text := _differs(name, one, ours))]
        products: Mapping[str, object] = client.run(version, PRODUCT, on_error="return")
        mine = version(PRODUCT)
        for name, product in products.items():
            if isinstance(product, BaseException):
                told.append(f"worker {name} has no {PRODUCT}")
            elif product != mine:
                told.append(f"worker {name} has {PRODUCT} {product}, here is {mine}")
        if told:
            raise SchedulerError(
                f"the cluster {self.address} does not fit: {'; '.join(told)}. Install the same "
                "versions everywhere"
            )


def taking(cluster: Cluster | None, cost: Cost) -> Cluster | None:
    """Return the cluster where work is large enough to be worth sending."""
    worth = cluster is not None and cost.decoded_bytes >= cluster.worth_bytes
    return cluster if worth else None


class _Carried:
    """Pickled here, read where it is used: who has no copernicube can still pass it on."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._value: Any = None

    def __reduce__(self) -> tuple[object, ...]:
        return _Carried, (self.data,)

    @property
    def value(self) -> Any:  # noqa: ANN401  # whatever travels
        if self._value is None:
            self._value = pickle.loads(self.data)  # noqa: S301  # made by the client of this cluster
        return self._value


def _run(held: _Carried, one: _Carried) -> Any:  # noqa: ANN401  # whatever the work gives
    try:
        return held.value(one.value)
    except CubeError as error:
        # Some take arguments that an exception's own pickling leaves out.
        _forget_cause(error)
        raise


def _forget_cause(error: CubeError) -> None:
    """Drop causes, which may hold what does not travel."""
    error.__cause__ = error.__context__ = None


def _differs(name: str, found: Mapping[str, Any] | None, ours: Mapping[str, Any]) -> str:
    """Tell which packages of a member of the cluster are of another version."""
    if not found:
        return f"{name} does not tell its versions"
    theirs = found["packages"]
    unlike = [
        f"{package} {theirs.get(package) or 'missing'} (here {ours.get(package)})"
        for package in _ALIKE
        if _counts(package, theirs.get(package)) != _counts(package, ours.get(package))
        and not (name == "the scheduler" and package == "numpy")
    ]
    return f"{name} has {', '.join(unlike)}" if unlike else ""


def _counts(package: str, told: str | None) -> str | None:
    """Return what of a version counts: of Python, no more than its minor number."""
    return ".".join(told.split(".")[:2]) if told and package == "python" else told
