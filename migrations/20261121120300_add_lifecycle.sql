-- What operators switch, and what becomes of numbers and demos over time.
--
-- Serves: maintenance mode and other switches that every process obeys at its next transaction; numbers that are bought,
-- taken out, given back and compared with Twilio; demos that are archived, removed and brought back.
-- Old code: survives, nothing of what it knows is changed; phone_pool is rewritten once for its ids (thousands of rows).
-- Undone by: dropping the three tables and the added columns.

-- ---------------------------------------------------------------- switches

-- No cache stands before it: whoever acts on a switch reads its row in the transaction in which it acts. A handful of rows,
-- changed a few times a year.
create table product.switches (
    switch text constraint switches_key primary key
        constraint switch_is_known check (switch in ('demo_disabled', 'sms_bypass', 'voice_codes')),
    is_on boolean not null,
    reason text constraint reason_fits check (length(reason) between 1 and 500),
    set_by text not null constraint set_by_fits check (length(set_by) between 1 and 200),
    set_at timestamptz not null default trunkline.now(),
    until timestamptz,
    constraint only_what_is_on_ends check (is_on or until is null),
    constraint what_is_on_has_a_reason check (not is_on or reason is not null)
);
comment on column product.switches.until is 'Then it is off by itself. Null: until somebody turns it off.';

grant select, insert, update on product.switches to trunkline_app;

-- ---------------------------------------------------------------- numbers

alter table product.phone_pool
    add column number_id uuid not null default gen_random_uuid() constraint a_number_has_one_id unique,
    add column twilio_sid text constraint twilio_has_a_number_once unique
        constraint twilio_sid_has_its_shape check (twilio_sid ~ '^PN[0-9a-fA-F]{32}$'),
    add column bought_by uuid,
    add column note text constraint note_fits check (length(note) between 1 and 500),
    add constraint a_placeholder_is_not_twilios check (not is_placeholder or twilio_sid is null),
    add constraint what_was_bought_is_at_twilio check (bought_by is null or twilio_sid is not null);
comment on column product.phone_pool.number_id is 'Names the number where the number itself may not stand: in jobs, paths and logs.';
comment on column product.phone_pool.bought_by is 'The run that bought it. Only what we bought ourselves is ever given back by itself.';
comment on column product.phone_pool.note is 'Why it is in maintenance, in an operator''s words or ours.';

-- What was allocated to whom before all numbers were taken back at once. No references: it outlives what it names.
create table product.phone_mappings_backup (
    mapping_id uuid not null,
    tenant_id uuid not null,
    phone product.phone not null,
    allocated_at timestamptz not null,
    job_id uuid not null,
    saved_at timestamptz not null default trunkline.now(),
    constraint phone_mappings_backup_key primary key (job_id, mapping_id)
);
create index phone_mappings_backup_age on product.phone_mappings_backup (saved_at);

-- ---------------------------------------------------------------- demos

-- What is kept of a demo that was removed. No references: it outlives the tenant. The person stays in demo_signups, until
-- that is forgotten.
create table product.demo_archive (
    archive_id bigint generated always as identity constraint demo_archive_key primary key,
    tenant_id uuid not null,
    job_id uuid not null constraint a_run_archives_once unique,
    company_name text not null constraint company_name_fits check (length(company_name) between 1 and 200),
    bots jsonb not null,
    numbers jsonb not null,
    usage jsonb not null,
    history jsonb not null,
    created_at timestamptz not null,
    expired_at timestamptz,
    archived_at timestamptz not null default trunkline.now(),
    removed_at timestamptz,
    restored_at timestamptz,
    constraint only_what_was_removed_is_restored check (restored_at is null or removed_at is not null)
);
comment on column product.demo_archive.usage is 'Whole numbers: messages_in, messages_out, calls, talk_secs.';
create unique index one_open_archive_per_tenant on product.demo_archive (tenant_id) where restored_at is null;
create index demo_archive_age on product.demo_archive (archived_at);

-- ---------------------------------------------------------------- how the product stands

-- One row, written by one job a minute and read by every process that shows gauges.
create table product.vitals (
    subject text constraint vitals_key primary key constraint subject_is_known check (subject = 'product'),
    gauges jsonb not null,
    taken_at timestamptz not null
);
grant select, insert, update on product.vitals to trunkline_app;

do $$
declare
    name text;
begin
    foreach name in array array['phone_mappings_backup', 'demo_archive'] loop
        execute format('alter table product.%I enable row level security', name);
        execute format('alter table product.%I force row level security', name);
        execute format(
            'create policy only_ones_own on product.%I using (product.may_see(tenant_id)) with check (product.may_see(tenant_id))',
            name
        );
    end loop;
end
$$;
grant select, insert, delete on product.phone_mappings_backup to trunkline_app;
grant select, insert, update, delete on product.demo_archive to trunkline_app;
grant delete on product.phone_pool to trunkline_app;
