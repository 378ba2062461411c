-- What operators switch, and what becomes of numbers and demos over time.
--
-- Serves: maintenance mode and other switches that every process obeys at its next transaction.
-- Old code: survives, nothing of what it knows is changed.
-- Undone by: drop table product.switches.

-- ---------------------------------------------------------------- switches

-- No cache stands before it: whoever acts on a switch reads its row in the transaction in which it acts. A handful of rows,
-- changed a few times a year.
create table product.switches (
    switch text constraint switches_key primary key
        constraint switch_is_known check (switch in ('demo_disabled', 'sms_bypass')),
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
