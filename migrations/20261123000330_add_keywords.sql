-- The word that a text consists of that came in, as we or the provider have read it: whoever says INFO after a question still
-- waits for its answer, see `conversations::is_answered_later`. The version before survives it: it leaves this null, as for any
-- other text. Undone by dropping the column. The next migration holds the rows that are there to the rule.

alter table product.messages add column keyword text;
alter table product.messages
    add constraint keyword_is_known check (keyword in ('stop', 'start', 'yes', 'help')) not valid;
comment on column product.messages.keyword is 'Of a text that came in and is one of these words alone. Null: it is no such word.';
