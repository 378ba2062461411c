-- The records of who did what are chained: each row gets, after its commit, a link with the hash of the link before, so that
-- whoever changes, removes, adds or reorders rows of the past cannot hide it. See docs/decisions/0031.
-- Processes of the version before go on: they neither read nor write links, and what they write is chained by the others.
-- Also drops an index that nobody has read since messages are found by their status; the columns it was made of stay for
-- that version, which reads them. Undone by dropping what is created here, and by
--   create index messages_of_unknown_fate on product.messages (attempted_at) where status = 'pending' and attempts > 0;

-- Whatever somebody's role allows: what stands in a record is neither changed nor deleted. Who is superuser can do it
-- nevertheless, and that shows.
create function trunkline.refuse_change() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    raise exception 'this record only grows' using errcode = 'insufficient_privilege';
end $$;

create table trunkline.audit_links (
    link bigint constraint audit_links_key primary key constraint links_are_numbered check (link > 0),
    audit_id bigint not null constraint a_row_is_chained_once unique,
    hash bytea not null constraint hash_is_sha256 check (octet_length(hash) = 32),
    chained_at timestamptz not null default trunkline.now()
);
create index audit_links_by_time on trunkline.audit_links (chained_at, link);
comment on table trunkline.audit_links is 'SHA-256 of the hash of the link before (of 32 zero bytes for the first) and of the SHA-256 of the row as one JSON array.';
comment on column trunkline.audit_links.link is 'From 1, without a gap, and given once: the chain cannot fork.';

create table product.audit_links (
    link bigint constraint audit_links_key primary key constraint links_are_numbered check (link > 0),
    audit_id bigint not null constraint a_row_is_chained_once unique,
    hash bytea not null constraint hash_is_sha256 check (octet_length(hash) = 32),
    chained_at timestamptz not null default trunkline.now()
);
create index audit_links_by_time on product.audit_links (chained_at, link);
comment on table product.audit_links is 'SHA-256 of the hash of the link before (of 32 zero bytes for the first) and of the SHA-256 of the row as one JSON array.';
comment on column product.audit_links.link is 'From 1, without a gap, and given once: the chain cannot fork.';

-- No tenant has them: a transaction that works for one tenant sees none.
alter table product.audit_links enable row level security;
alter table product.audit_links force row level security; -- the owner is bound by it too
create policy operators_only on product.audit_links
    using (product.may_see(null::uuid)) with check (product.may_see(null::uuid));

-- For statements, not for rows: writing costs nothing more.
create trigger only_grows before update or delete or truncate on trunkline.audit
    for each statement execute function trunkline.refuse_change();
create trigger only_grows before update or delete or truncate on trunkline.audit_links
    for each statement execute function trunkline.refuse_change();
create trigger only_grows before update or delete or truncate on product.audit_log
    for each statement execute function trunkline.refuse_change();
create trigger only_grows before update or delete or truncate on product.audit_links
    for each statement execute function trunkline.refuse_change();

-- No update, no delete: the application cannot do it either.
grant select, insert on trunkline.audit_links, product.audit_links to trunkline_app;

drop index product.messages_of_unknown_fate;
