"""What operators rely on: health, readiness, metrics, the rate limit, base URLs under a path."""

from __future__ import annotations

from pathlib import Path

from tests.center import Center, ReadPage


def test_health_and_readiness_name_the_data_center(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_DATA_CENTER="de") as center:
        assert center.http.get("/healthz").json() == {"status": "ok", "data_center": "de"}
        assert center.http.get("/readyz").json() == {"status": "ready", "data_center": "de"}


def test_metrics_are_off_unless_asked_for(center: Center) -> None:
    assert center.http.get("/metrics").status_code == 404


def test_metrics_count_requests_on_every_path(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_METRICS="on", SLOTLINK_DATA_CENTER="sg") as center:
        link = center.create_link(center.person("maya"))
        link.status()
        center.http.get("/nowhere")
        text = center.http.get("/metrics").text
    assert 'slotlink_info{data_center="sg"} 1.0' in text
    assert 'slotlink_http_requests_total{handler="create",method="POST",status="200"} 1.0' in text
    assert 'slotlink_http_requests_total{handler="status",method="GET",status="200"} 1.0' in text
    assert 'slotlink_outbox_items{state="waiting"} 0.0' in text
    assert link.token not in text and center.client_secret not in text


def test_an_application_beyond_its_rate_waits(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_RATE_LIMIT="3/s,100/m") as center:
        maya = center.person("maya")
        center.clock.now += 1
        link = center.create_link(maya)
        path = f"/v1/real_time_scheduling/{link.link_id}"
        codes = [center.http.get(path, headers=center.key).status_code for _ in range(4)]
        assert codes == [200, 200, 429, 429]
        refused = center.http.get(path, headers=center.key)
        assert refused.headers["retry-after"] == "1"
        assert refused.content == b""
        assert center.http.get("/v1/calendars", headers=maya.key).status_code == 429, "one limit for all its keys"
        center.clock.now += 1
        assert center.http.get(path, headers=center.key).status_code == 200


def test_one_applications_rate_is_not_anothers(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_RATE_LIMIT="1/m") as center:
        _, other_secret = center.new_application("Initech")
        asked = {"/v1/real_time_scheduling/sch_1": [center.client_secret, center.client_secret, other_secret]}
        for path, keys in asked.items():
            codes = [center.http.get(path, headers={"Authorization": f"Bearer {key}"}).status_code for key in keys]
        assert codes == [404, 429, 404]


def test_a_page_under_a_path_links_to_itself(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_APP_URL="https://example.test/meet") as center:
        link = center.create_link(center.person("maya"))
        assert link.url == f"https://example.test/meet/rts/{link.token}"
        page = ReadPage(center.http.get(f"/rts/{link.token}"))
    assert 'href="/meet/static/page.css' in page.text
    assert f'action="/meet/rts/{link.token}"' in page.text
