"""What stands between an application's request and its tokens: redirect URIs, sign-ins under way, codes, link tokens,
and the tokens that a code gives, with the scope that was granted. Secrets are stored as digests and found by them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import ACCESS_TOKEN_LIFE_S, REFRESH_TOKEN_LIFE_S
from slotlink.store import ids
from slotlink.store.tables import authorization_codes, link_tokens, redirect_uris, sign_ins, tokens
from slotlink.vault import Vault, digest, row_name

SIGN_IN_LIFE_S = 900  # a person may have to look for a second factor
CODE_LIFE_S = 600  # RFC 6749 section 4.1.2 allows no more
LINK_TOKEN_LIFE_S = 300


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody who was sent to a provider. `request` is the caller's own text, as it was kept."""

    application_id: str
    sign_in_id: str
    request: str


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for. `code_challenge` is S256 (RFC 7636); None where none was sent."""

    sub: str
    profile_id: str
    redirect_uri: str
    scope: str
    code_challenge: str | None
    expires_at: int
    used_at: int | None


async def add_redirect_uri(connection: AsyncConnection, application_id: str, redirect_uri: str, now: int) -> bool:
    """Whether it is new."""
    if await has_redirect_uri(connection, application_id, redirect_uri):
        return False
    await connection.execute(
        insert(redirect_uris).values(application_id=application_id, redirect_uri=redirect_uri, created_at=now)
    )
    return True


async def remove_redirect_uri(connection: AsyncConnection, application_id: str, redirect_uri: str) -> bool:
    """Whether it was there."""
    removed = await connection.execute(delete(redirect_uris).where(*_redirect(application_id, redirect_uri)))
    return removed.rowcount == 1


async def has_redirect_uri(connection: AsyncConnection, application_id: str, redirect_uri: str) -> bool:
    """Compared whole, byte by byte (RFC 9700 section 2.1)."""
    statement = select(redirect_uris.c.created_at).where(*_redirect(application_id, redirect_uri))
    return (await connection.execute(statement)).one_or_none() is not None


async def list_redirect_uris(connection: AsyncConnection, application_id: str) -> list[str]:
    rows = await connection.execute(
        select(redirect_uris.c.redirect_uri)
        .where(redirect_uris.c.application_id == application_id)
        .order_by(redirect_uris.c.created_at, redirect_uris.c.redirect_uri)
    )
    return list(rows.scalars())


async def keep_sign_in(
    connection: AsyncConnection, vault: Vault, application_id: str, state: str, request: str, now: int
) -> str:
    """Remember whom `state` will bring back, and what for. The id of the sign-in."""
    sign_in_id = ids.new_id("sig")
    await connection.execute(
        insert(sign_ins).values(
            application_id=application_id,
            sign_in_id=sign_in_id,
            state_sha256=digest(state),
            sealed_request=vault.seal(request, _sealed_to(application_id, sign_in_id)),
            expires_at=now + SIGN_IN_LIFE_S,
        )
    )
    return sign_in_id


async def find_sign_in(connection: AsyncConnection, vault: Vault, state: str, now: int) -> SignIn | None:
    """The living sign-in of this state, whichever application it is for: the provider names none."""
    row = (
        await connection.execute(
            select(sign_ins.c.application_id, sign_ins.c.sign_in_id, sign_ins.c.sealed_request).where(
                sign_ins.c.state_sha256 == digest(state), sign_ins.c.expires_at > now
            )
        )
    ).one_or_none()
    if row is None:
        return None
    request = vault.open(row.sealed_request, _sealed_to(row.application_id, row.sign_in_id))
    return SignIn(row.application_id, row.sign_in_id, request)


async def end_sign_in(connection: AsyncConnection, application_id: str, sign_in_id: str) -> bool:
    """Whether it was still under way: of two that come back with one state, one goes on."""
    ended = await connection.execute(
        delete(sign_ins).where(sign_ins.c.application_id == application_id, sign_ins.c.sign_in_id == sign_in_id)
    )
    return ended.rowcount == 1


async def issue_code(
    connection: AsyncConnection,
    application_id: str,
    sub: str,
    profile_id: str,
    *,
    redirect_uri: str,
    scope: str,
    code_challenge: str | None,
    now: int,
) -> str:
    code = ids.new_bearer_token()
    await connection.execute(
        insert(authorization_codes).values(
            application_id=application_id,
            code_sha256=digest(code),
            sub=sub,
            profile_id=profile_id,
            redirect_uri=redirect_uri,
            scope=scope,
            code_challenge=code_challenge,
            expires_at=now + CODE_LIFE_S,
        )
    )
    return code


async def find_code(connection: AsyncConnection, application_id: str, code: str) -> Code | None:
    """Used and expired ones too. Held until the transaction ends: of two uses at once one is the second."""
    statement = select(authorization_codes).where(*_code(application_id, code)).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    return Code(row.sub, row.profile_id, row.redirect_uri, row.scope, row.code_challenge, row.expires_at, row.used_at)


async def note_code_used(connection: AsyncConnection, application_id: str, code: str, now: int) -> None:
    await connection.execute(update(authorization_codes).where(*_code(application_id, code)).values(used_at=now))


async def issue_link_token(connection: AsyncConnection, application_id: str, sub: str, now: int) -> str:
    token = ids.new_bearer_token()
    await connection.execute(
        insert(link_tokens).values(
            application_id=application_id, token_sha256=digest(token), sub=sub, expires_at=now + LINK_TOKEN_LIFE_S
        )
    )
    return token


async def find_link_token(connection: AsyncConnection, application_id: str, token: str, now: int) -> str | None:
    """The `sub` that a living, unused link token links to."""
    statement = select(link_tokens.c.sub).where(*_link_token(application_id, token, now))
    return (await connection.execute(statement)).scalar_one_or_none()


async def use_link_token(connection: AsyncConnection, application_id: str, token: str, now: int) -> str | None:
    """As `find_link_token`, and nobody can use it again."""
    used = await connection.execute(
        update(link_tokens)
        .where(*_link_token(application_id, token, now))
        .values(used_at=now)
        .returning(link_tokens.c.sub)
    )
    return used.scalar_one_or_none()


async def issue_tokens(
    connection: AsyncConnection, application_id: str, sub: str, scope: str, now: int
) -> tuple[str, str]:
    """A new access token and a new refresh token that hold `scope`."""
    access_token = await issue_access(connection, application_id, sub, scope, now)
    refresh_token = ids.new_bearer_token()
    await _insert_token(
        connection, application_id, sub, "refresh", refresh_token, scope, now, now + REFRESH_TOKEN_LIFE_S
    )
    return access_token, refresh_token


async def issue_access(connection: AsyncConnection, application_id: str, sub: str, scope: str, now: int) -> str:
    token = ids.new_bearer_token()
    await _insert_token(connection, application_id, sub, "access", token, scope, now, now + ACCESS_TOKEN_LIFE_S)
    return token


async def find_access(connection: AsyncConnection, token: str, now: int) -> Row[str, str, str] | None:
    """(application_id, sub, scope) of a living access token."""
    statement = select(tokens.c.application_id, tokens.c.sub, tokens.c.scope).where(
        tokens.c.token_sha256 == digest(token), tokens.c.kind == "access", _lives(now)
    )
    return (await connection.execute(statement)).one_or_none()


async def find_refresh(connection: AsyncConnection, application_id: str, token: str, now: int) -> Row[str, str] | None:
    """(sub, scope) of a living refresh token."""
    statement = select(tokens.c.sub, tokens.c.scope).where(
        tokens.c.application_id == application_id,
        tokens.c.token_sha256 == digest(token),
        tokens.c.kind == "refresh",
        _lives(now),
    )
    return (await connection.execute(statement)).one_or_none()


async def end_tokens_of_code(connection: AsyncConnection, application_id: str, code: Code) -> int:
    """End what the first use of a code was given: the refresh token of that second, and every access token since, as
    tokens do not say which refresh token they come from. How many there were."""
    ended = await connection.execute(
        delete(tokens).where(
            tokens.c.application_id == application_id,
            tokens.c.sub == code.sub,
            or_(
                and_(tokens.c.kind == "refresh", tokens.c.created_at == code.used_at),
                and_(tokens.c.kind == "access", tokens.c.created_at >= code.used_at),
            ),
        )
    )
    return ended.rowcount


async def forget_expired(connection: AsyncConnection, now: int) -> int:
    """Drop what nobody can use any more, over all applications. How many rows there were."""
    forgotten = 0
    for table in (sign_ins, authorization_codes, link_tokens):
        forgotten += (await connection.execute(delete(table).where(table.c.expires_at <= now))).rowcount
    return forgotten


async def _insert_token(
    connection: AsyncConnection,
    application_id: str,
    sub: str,
    kind: str,
    token: str,
    scope: str,
    now: int,
    expires_at: int,
) -> None:
    await connection.execute(
        insert(tokens).values(
            application_id=application_id,
            token_sha256=digest(token),
            kind=kind,
            sub=sub,
            scope=scope,
            created_at=now,
            expires_at=expires_at,
        )
    )


def _lives(now: int) -> ColumnElement[bool]:
    return or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)


def _redirect(application_id: str, redirect_uri: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return redirect_uris.c.application_id == application_id, redirect_uris.c.redirect_uri == redirect_uri


def _code(application_id: str, code: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return authorization_codes.c.application_id == application_id, authorization_codes.c.code_sha256 == digest(code)


def _link_token(application_id: str, token: str, now: int) -> tuple[ColumnElement[bool], ...]:
    return (
        link_tokens.c.application_id == application_id,
        link_tokens.c.token_sha256 == digest(token),
        link_tokens.c.expires_at > now,
        link_tokens.c.used_at.is_(None),
    )


def _sealed_to(application_id: str, sign_in_id: str) -> str:
    return row_name(sign_ins.name, application_id, sign_in_id)
