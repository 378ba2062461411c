#!/bin/sh
# Makes the two roles and the database, as a superuser; does nothing to what is there. The owner migrates; the application's
# role owns nothing, and row-level security binds it. Connects as libpq's environment says (PGHOST, PGUSER, PGPASSWORD …);
# the container of Postgres runs it when it makes its folder.
#   OWNER_PASSWORD=… APP_PASSWORD=… ops/postgres/roles.sh [DATABASE]
set -eu
database=${1-trunkline}
: "${OWNER_PASSWORD:?is missing}" "${APP_PASSWORD:?is missing}"
# By the environment and not as arguments: those can be seen by everybody on the machine.
export OWNER_PASSWORD APP_PASSWORD
psql -X -q -v ON_ERROR_STOP=1 -v database="$database" -d "${PGDATABASE-postgres}" <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
-- So that no password comes into the server's log.
set log_min_error_statement = panic;
set log_statement = none;
select format('create role %I login nosuperuser nobypassrls nocreatedb nocreaterole noreplication', name)
from unnest(array['trunkline_owner', 'trunkline_app']) as name
where not exists (select from pg_roles where rolname = name) \gexec
alter role trunkline_owner password :'owner_password';
alter role trunkline_app password :'app_password';
-- So that the log can say who holds a transaction open.
grant pg_read_all_stats to trunkline_owner;
select format('create database %I template template0 owner trunkline_owner', :'database')
where not exists (select from pg_database where datname = :'database') \gexec
select format('revoke all on database %I from public', :'database') \gexec
select format('grant connect, temporary on database %I to trunkline_app', :'database') \gexec
SQL
