"""Ending a leak, and ending an application: nothing of it is left, nothing of others is touched."""

from __future__ import annotations

import pytest

from slotlink.domain.booking import EventWrite
from slotlink.errors import NotFound
from slotlink.store import applications, links, outbox, tokens
from slotlink.store.tables import metadata
from tests.contract.store import HOUR, NOW, Store

OF_AN_APPLICATION = {table.name for table in metadata.sorted_tables if "application_id" in table.c}


async def test_after_a_leak_one_new_secret_works_and_no_other(store: Store) -> None:
    async with store.transaction() as connection:
        second = await applications.rotate_secret(connection, store.vault, store.application_id, NOW)
        new = await applications.replace_secrets(connection, store.vault, store.application_id, NOW)
        assert await applications.active_secrets(connection, store.vault, store.application_id) == [new]
        for secret in (store.client_secret, second):
            assert await applications.find_by_secret(connection, secret) is None
        assert await applications.find_by_secret(connection, new) is not None
        assert len(await applications.active_secrets(connection, store.vault, store.foreign_id)) == 1
        with pytest.raises(NotFound):
            await applications.replace_secrets(connection, store.vault, "nobody", NOW)


async def test_a_deleted_application_leaves_nothing_and_takes_nothing_of_others(store: Store) -> None:
    async with store.transaction() as connection:
        for application_id in (store.application_id, store.foreign_id):
            maya = await store.person(connection, application_id=application_id)
            write = EventWrite(maya.sub, maya.calendar_id, {})
            link = await store.book(
                connection, maya.sub, NOW, NOW + HOUR, writes=(write,), application_id=application_id
            )
            await links.add_history(connection, application_id, link.link_id, NOW, "problem", {})
            await tokens.issue_refresh(connection, application_id, maya.sub, NOW)
            url = "https://application.test/"
            await outbox.add(connection, store.vault, application_id, link.link_id, url, "x:443", b"{}", NOW)
        theirs = await store.rows(connection, store.foreign_id)
        counts = await applications.delete_everything(connection, store.application_id)
        assert set(counts) == OF_AN_APPLICATION
        assert counts["bookings"] == counts["outbox"] == counts["applications"] == 1
        assert not any((await store.rows(connection)).values())
        assert await store.rows(connection, store.foreign_id) == theirs
        with pytest.raises(NotFound):
            await applications.delete_everything(connection, store.application_id)
