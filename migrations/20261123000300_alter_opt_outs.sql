-- Lets an opt-out that was said to a tenant at one of its numbers be ended for the one and go on for the other: somebody who
-- writes START to whoever has the number now says nothing to the tenant that had it (docs/decisions/0015). What goes on of it
-- may be the tenant's half alone, and if that tenant is deleted, nobody's: such a row keeps nobody from writing, and must not
-- keep the tenant from going. The version before survives it: it writes no such row. Undone by deleting the rows of nobody and
-- adding the constraint again.

alter table product.opt_outs drop constraint somebody_was_told;
comment on column product.opt_outs.tenant_id is 'Whom it was said to; also by another number. Null: it holds for the number alone, or the tenant is gone.';
comment on column product.opt_outs.sender is 'At which number it was said; also of another tenant. Null: it holds for the tenant alone.';
