-- Live calls: which job speaks in which call, and how it ended.
--
-- Serves: the route of a call's audio (from the session to its job, and from there to the worker that has it), and the one
-- decision how a session ended. What was said is not here: it is sealed in the run's checkpoints.
-- Old code: does not know the table. Undone by dropping the table.

create table product.voice_sessions (
    session_id uuid constraint voice_sessions_key primary key,
    tenant_id uuid not null references product.tenants on delete cascade,
    call_id uuid not null,
    call_sid text not null constraint a_call_is_spoken_in_one_session unique
        constraint call_sid_has_its_shape check (call_sid ~ '^CA[0-9a-f]{32}$'),
    job_id uuid not null,
    outcome text constraint outcome_is_known check (outcome in (
        'completed', 'hung_up', 'transferred', 'time_up', 'silent', 'ai_failed', 'overflow', 'abandoned')),
    transfer_to product.phone,
    created_at timestamptz not null default trunkline.now(),
    closed_at timestamptz,
    constraint closed_iff_it_has_an_outcome check ((outcome is null) = (closed_at is null)),
    constraint only_a_transfer_has_its_number check ((transfer_to is not null) = (outcome is not distinct from 'transferred'))
);
comment on column product.voice_sessions.job_id is 'The run of voice_session that speaks. No reference: the history of jobs is dropped in pieces.';
comment on column product.voice_sessions.outcome is 'Null while it lives. The first one stands.';
create index voice_sessions_by_tenant on product.voice_sessions (tenant_id, created_at);

alter table product.voice_sessions enable row level security;
alter table product.voice_sessions force row level security;
create policy only_ones_own on product.voice_sessions
    using (product.may_see(tenant_id)) with check (product.may_see(tenant_id));

grant select, insert, update on product.voice_sessions to trunkline_app;
