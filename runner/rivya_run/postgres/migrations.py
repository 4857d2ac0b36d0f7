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
    """
    create table content (
        sha256 text primary key,
        stored_at timestamptz not null default clock_timestamp()
    );
    create table content_part (
        sha256 text not null references content on delete cascade,
        number integer not null,
        bytes bytea not null,
        primary key (sha256, number)
    );
    alter table content_part alter column bytes set storage external;

    create table submission (
        job bigint primary key,
        storyboard text not null,
        path text not null,
        submitted_by text not null,
        submitted_at timestamptz not null default clock_timestamp(),
        worker text,
        tries integer not null default 0,
        ended_at timestamptz,
        exit_code integer,
        said text not null default ''
    );
    create index submission_open on submission (storyboard) where ended_at is null;
    create table submitted_file (
        job bigint not null references submission on delete cascade,
        path text not null,
        sha256 text not null references content,
        primary key (job, path)
    );
    create index submitted_file_content on submitted_file (sha256);
    """,
)
"""Step N makes version N of the tables; each is one transaction."""

VERSION: Final = len(MIGRATIONS)
