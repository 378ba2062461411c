-- Holds the hours that were there to the rules that the first of these migrations has made for new ones; nobody waits for it.
-- The version before survives it: it knows none of the columns. Undone by dropping the constraints.

alter table product.usage_events
    validate constraint being_told_since,
    validate constraint left_for_a_meter,
    validate constraint doubtful_is_being_told;
