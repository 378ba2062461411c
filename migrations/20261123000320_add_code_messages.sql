-- Which message brings a code, so that news of a message says nothing of a code that has taken its place: see
-- `codes::newer_until`. No foreign key: the message is written when it is sent, and of a code that is spoken there is none. The
-- version before survives it: it leaves this null, and null is not known to be newer. Undone by dropping the column.

alter table product.demo_verification_codes add column message_id uuid;
comment on column product.demo_verification_codes.message_id is 'The message that brings the code. Null: not known.';
