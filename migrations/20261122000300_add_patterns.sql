-- What errors have in common (dead letters are grouped by it, and retried by the group), and an index for why jobs of an
-- operation could not be done. See docs/decisions/0035.
-- Processes of the version before go on: they use neither. Undone by dropping both.

create function trunkline.error_pattern(message text) returns text
    language sql immutable strict parallel safe
    return left(btrim(regexp_replace(regexp_replace(left(message, 500), '\S*[0-9]\S*', '#', 'g'), '\s+', ' ', 'g')), 160);
comment on function trunkline.error_pattern(text) is 'What an error says without what differs each time: a word with a digit in it is #.';
grant execute on function trunkline.error_pattern(text) to trunkline_app;

create index operation_items_not_done on trunkline.operation_items (operation_id, state, why)
    where state in ('refused', 'not_undone');
