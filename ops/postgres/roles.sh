#!/bin/sh
# Makes the three roles and the database, as a superuser; does nothing to what is there. The owner migrates; the application's
# role owns nothing, and row-level security binds it; autoscalers ask as trunkline_metrics how much there is to do, and may do
# nothing else: without METRICS_PASSWORD nobody can be that one. Connects as libpq's environment says (PGHOST, PGUSER, PGPASSWORD …);
# the container of Postgres runs it when it makes its folder.
#   OWNER_PASSWORD=… APP_PASSWORD=… [METRICS_PASSWORD=…] ops/postgres/roles.sh [DATABASE]
set -eu
database=${1-trunkline}
: "${OWNER_PASSWORD:?is missing}" "${APP_PASSWORD:?is missing}"
# By the environment and not as arguments: those can be seen by everybody on the machine.
METRICS_PASSWORD=${METRICS_PASSWORD-}
export OWNER_PASSWORD APP_PASSWORD METRICS_PASSWORD
psql -X -q -v ON_ERROR_STOP=1 -v database="$database" -d "${PGDATABASE-postgres}" <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\getenv metrics_password METRICS_PASSWORD
-- So that no password comes into the server's log.
set log_min_error_statement = panic;
set log_statement = none;
select format('create role %I login nosuperuser nobypassrls nocreatedb nocreaterole noreplication', name)
from unnest(array['trunkline_owner', 'trunkline_app', 'trunkline_metrics']) as name
where not exists (select from pg_roles where rolname = name) \gexec
alter role trunkline_owner password :'owner_password';
alter role trunkline_app password :'app_password';
alter role trunkline_metrics connection limit 5;
select format('alter role trunkline_metrics password %L', :'metrics_password') where :'metrics_password' <> '' \gexec
-- So that the log can say who holds a transaction open.
grant pg_read_all_stats to trunkline_owner;
select format('create database %I template template0 owner trunkline_owner', :'database')
where not exists (select from pg_database where datname = :'database') \gexec
select format('revoke all on database %I from public', :'database') \gexec
select format('grant connect, temporary on database %I to trunkline_app', :'database') \gexec
select format('grant connect on database %I to trunkline_metrics', :'database') \gexec
-- In a database that was migrated before this role was there.
\connect :"database"
set log_min_error_statement = panic;
select line from unnest(array[
    'grant usage on schema trunkline to trunkline_metrics',
    'grant execute on function trunkline.estimated_work(integer) to trunkline_metrics']) as line
where to_regprocedure('trunkline.estimated_work(integer)') is not null \gexec
SQL
