-- Which run took a number for a tenant, so that another one that is undone leaves it alone: see
-- `numbers::give_back`. The version before survives it: it leaves this null, and null counts as taken by whoever asks, as
-- before. Undone by dropping the column.

alter table product.phone_mappings add column taken_by uuid;
comment on column product.phone_mappings.taken_by is 'The run that took the number. Null: not known, or nobody will take it back.';
