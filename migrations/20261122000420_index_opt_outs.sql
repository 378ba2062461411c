-- no-transaction
-- Finds the opt-outs in force of people who were erased, which every message asks for. The version before survives it. Undone
-- by dropping it.

create index concurrently opt_outs_of_erased on product.opt_outs (phone_hash) where phone_hash is not null and ended_at is null;
