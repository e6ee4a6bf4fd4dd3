"""A client that asks too often is told when to come again; others do not notice."""

from pathlib import Path

import pytest
import tritonclient.grpc as by_grpc

from mlops_cli.core.config_serving import Limits
from mlops_cli.serving.guard.rates import Rates
from mlops_cli.serving.refusal import Refused
from tests.serving.conftest import ROW
from tests.serving.guard.test_connection import WHOLE, Raw
from tests.serving.served import served


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused(rates: Rates, address: str = "10.0.0.1", **headers: str) -> Refused | None:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    try:
        rates.check("/predict", named, address)
    except Refused as error:
        return error
    return None


def made(rate: float, clock: Clock, *, by_token: bool = False, **more: object) -> Rates:
    limits = Limits(requests_per_second=rate, **more)  # type: ignore[arg-type]
    return Rates(limits, by_token=by_token, clock=clock)


def test_a_burst_passes_and_then_one_for_each_interval() -> None:
    clock = Clock()
    rates = made(4, clock)
    assert [refused(rates) is None for _ in range(6)] == [True] * 4 + [False] * 2
    clock.now += 0.25
    assert [refused(rates) is None for _ in range(2)] == [True, False]
    clock.now += 100
    assert [refused(rates) is None for _ in range(5)] == [True] * 4 + [False]


def test_who_is_refused_is_told_when_it_will_pass() -> None:
    clock = Clock()
    rates = made(0.1, clock)
    assert refused(rates) is None
    told = refused(rates)
    assert told is not None
    assert (told.status, list(told.headers)) == (429, [(b"retry-after", b"10")])
    clock.now += 9.9
    assert refused(rates) is not None  # being refused costs nothing more
    clock.now += 0.1
    assert refused(rates) is None


@pytest.mark.parametrize(
    ("one", "other", "more"),
    [
        ({"address": "10.0.0.1"}, {"address": "10.0.0.2"}, {}),
        ({"address": "2001:db8:0:1::5"}, {"address": "2001:db8:0:2::5"}, {}),
        ({"x_user": "ann"}, {"x_user": "bob"}, {"by": "header:X-User"}),
        ({"authorization": "Bearer a"}, {"authorization": "Bearer b"}, {"by_token": True}),
    ],
    ids=["address", "network", "header", "token"],
)
def test_each_client_has_its_own_rate(one, other, more) -> None:
    rates = made(1, Clock(), **more)
    assert refused(rates, **one) is None
    assert refused(rates, **one) is not None
    assert refused(rates, **other) is None


def test_what_a_client_can_make_up_does_not_make_it_another() -> None:
    rates = made(1, Clock())
    assert refused(rates, authorization="Bearer a") is None
    assert refused(rates, authorization="Bearer b") is not None
    rates = made(1, Clock())
    assert refused(rates, address="2001:db8::1") is None
    assert refused(rates, address="2001:db8::2") is not None


def test_more_clients_than_there_is_room_for_never_fail() -> None:
    rates = made(1, Clock())
    assert all(
        refused(rates, address=f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}") is None
        for i in range(40_000)
    )


def test_every_way_of_asking_counts_but_probes_do_not(tmp_path: Path) -> None:
    limits = "{limits: {requests_per_second: 0.001, burst: 3}}"
    with served(tmp_path / "here", limits) as one:
        assert one.predict().status_code == 200
        by_query = one.client.post("/predict?a=b", json={"rows": [ROW]})
        assert by_query.status_code == 200  # the ordinary way
        assert one.client.get("/v2").status_code == 200
        late = one.predict()
        assert late.status_code == 429
        assert 900 < int(late.headers["retry-after"]) <= 1000
        assert late.json()["error"].startswith("this client may send 0.001 requests a second")
        straight = Raw(one).send(WHOLE.replace(b"host: x", b"host: x\r\nconnection: close")).all()
        assert straight.startswith(b"HTTP/1.1 429 Too Many Requests")
        place = one.ready.url.removeprefix("http://")
        with by_grpc.InferenceServerClient(place) as client:
            assert client.is_server_live()
            with pytest.raises(Exception, match="requests a second: try again") as told:
                client.get_server_metadata()
        assert "RESOURCE_EXHAUSTED" in str(told.value)
        for path in ("/health", "/ready", "/metrics"):
            assert one.client.get(path).status_code == 200
        assert (
            'mlo_requests_total{path="/predict",status="429"} 2' in one.client.get("/metrics").text
        )
