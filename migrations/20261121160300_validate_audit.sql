-- Looks at the record's old rows, whose subjects the wider rule of 20261121160200 allows, too. In a transaction of its own: it
-- reads all of the record while others write. The version before does not notice. Nothing to undo.
alter table trunkline.audit validate constraint audit_subject_check;
