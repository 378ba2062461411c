-- What operators need to work over HTTP and from the command line: workers that can be told to rest, and answers that are
-- given again to whoever asks again under the same key. See docs/decisions/0024.
-- Processes of the version before go on: a worker of theirs does not read that it is to rest. Undone by dropping what is
-- created here.

-- ---------------------------------------------------------------- workers

alter table trunkline.workers
    add column rest_asked_at timestamptz,
    add column rest_reason text constraint rest_reason_fits check (length(rest_reason) between 1 and 500),
    add constraint a_rest_has_a_reason check ((rest_asked_at is null) = (rest_reason is null));
comment on column trunkline.workers.rest_asked_at is 'An operator wants it to take no new jobs. It reads that with its next heartbeat, and keeps what it has.';

-- ---------------------------------------------------------------- the record

alter table trunkline.audit drop constraint audit_subject_check;
alter table trunkline.audit
    add constraint audit_subject_check check (subject ~ '^(queue|schedule|worker):.{1,63}$') not valid;
comment on column trunkline.audit.subject is 'What it was done to, where that is no job: queue:NAME, schedule:NAME or worker:NUMBER.';

-- ---------------------------------------------------------------- answers that are given again

-- Written in the transaction of what was done, so that there is an answer exactly where there is a deed. A second request
-- with the same key waits at the primary key until the first one has committed, and then finds its answer.
create table product.kept_answers (
    key_hash product.digest not null constraint kept_answers_key primary key,
    request_hash product.digest not null,
    status smallint not null constraint an_answer_is_a_success check (status between 200 and 299),
    body jsonb not null constraint an_answer_is_short check (pg_column_size(body) <= 65536),
    at timestamptz not null default trunkline.now()
);
create index kept_answers_by_age on product.kept_answers (at);
comment on column product.kept_answers.key_hash is 'Who asked, and under which Idempotency-Key.';
comment on column product.kept_answers.request_hash is 'What was asked: method, address and body. Another request under the same key is refused.';

grant select, insert, update, delete on product.kept_answers to trunkline_app;
