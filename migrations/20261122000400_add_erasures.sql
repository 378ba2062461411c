-- Erasing a person, or a whole tenant: who was erased, by whom, when, and how much it was; and what the application may delete
-- for it. See docs/decisions/0039.
-- Processes of the version before go on. They read a number that is not there any more only where they look after a message
-- or an opt-out of somebody who was erased: such a job fails and is tried again until they are gone. An opt-out of which only
-- the digest is kept is unknown to them, so nobody is erased before all workers are of this version. Undone by dropping what
-- is created here, and what was erased is gone for good.

create table product.erasures (
    erasure_id uuid constraint erasures_key primary key,
    tenant_id uuid,
    person product.digest,
    asked_by text not null constraint asked_by_fits check (length(asked_by) between 1 and 200),
    reason text not null constraint reason_fits check (length(reason) between 1 and 500),
    asked_at timestamptz not null default trunkline.now(),
    finished_at timestamptz,
    counts jsonb not null default '{}' constraint counts_are_an_object check (jsonb_typeof(counts) = 'object'),
    constraint somebody_is_erased check (num_nonnulls(tenant_id, person) > 0)
);
create index erasures_of_person on product.erasures (person) where person is not null;
comment on table product.erasures is 'One order to erase. Its id is that of the job that carries it out.';
comment on column product.erasures.tenant_id is 'Null: at every tenant. No reference: the record outlives the tenant.';
comment on column product.erasures.person is 'The keyed hash of the phone. Null: all of the tenant.';

-- No tenant has them: a transaction that works for one tenant sees none.
alter table product.erasures enable row level security;
alter table product.erasures force row level security; -- the owner is bound by it too
create policy operators_only on product.erasures
    using (product.may_see(null::uuid)) with check (product.may_see(null::uuid));
-- No delete: that somebody was erased is part of the record.
grant select, insert, update on product.erasures to trunkline_app;

-- Facts stay, and are counted, without the person.
alter table product.messages alter column to_phone drop not null;
comment on column product.messages.to_phone is 'Null: the person was erased.';
alter table product.calls add column erased_at timestamptz;
comment on column product.calls.erased_at is 'When the people at its ends were erased; what is told of it later does not bring them back.';

-- That somebody wants no texts outlives them, as a digest.
alter table product.opt_outs alter column phone drop not null;
alter table product.opt_outs add column phone_hash product.digest;
alter table product.opt_outs
    add constraint a_phone_or_its_hash check (num_nonnulls(phone, phone_hash) = 1) not valid;
comment on column product.opt_outs.phone_hash is 'The keyed hash of the phone of somebody who was erased.';

grant delete on product.conversations, product.message_bodies, product.call_answers, product.voice_sessions to trunkline_app;
