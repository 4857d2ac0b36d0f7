"""The tables, as numbered steps forward. A step that was released is never changed: the next one mends it."""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final = (
    """
    create table meta (
        only_row boolean primary key default true check (only_row),
        id uuid not null default gen_random_uuid(),
        version integer not null
    );
    insert into meta (version) values (1);

    create table book (
        id text primary key,
        commits bigint not null default 0,
        lines bigint not null default 0,
        epoch bigint not null default 0,
        holder text,
        purpose text,
        lease_until timestamptz
    );
    create table journal_line (
        book text not null,
        number bigint not null,
        line bytea not null,
        primary key (book, number)
    );

    create table account (
        only_row boolean primary key default true check (only_row),
        name text not null default '',
        cap integer,
        budget double precision,
        rate double precision,
        paused boolean not null default false,
        lease double precision not null default 15 check (lease >= 1),
        resume_at timestamptz,
        highest_time text not null default ''
    );
    insert into account default values;

    create sequence debit_change;
    create table debit (
        book text not null,
        key text not null,
        line text not null,
        gone boolean not null default false,
        in_flight boolean not null default false,
        change bigint not null,
        primary key (book, key)
    );
    create index debit_by_change on debit (change);
    create index debit_in_flight on debit (book) where in_flight;

    create table upload (
        sha256 text not null,
        kind text not null,
        model text not null,
        line text,
        uploader text,
        uploader_epoch bigint,
        primary key (sha256, kind, model)
    );

    create table price (
        key text primary key,
        credits double precision not null,
        seen_at text not null
    );
    """,
)
"""Step N makes version N of the tables; each is one transaction."""

VERSION: Final = len(MIGRATIONS)
