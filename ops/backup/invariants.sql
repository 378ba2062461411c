-- What must hold of the database, whatever happened. One row for each rule: how many rows break it. Run as a superuser:
--   psql -X -d trunkline -f ops/backup/invariants.sql
set statement_timeout = '5min';

with chained (record, link, is_whole) as (
    select 'engine', s.link,
           s.link = row_number() over w and s.hash = sha256(
               lag(s.hash, 1, decode(repeat('00', 32), 'hex')) over w || sha256(convert_to(jsonb_build_array(
                   a.audit_id, (extract(epoch from a.at) * 1000000)::bigint, a.actor, a.action, a.job_id, a.subject,
                   a.reason, a.details)::text, 'UTF8')))
    from trunkline.audit_links as s left join trunkline.audit as a using (audit_id) window w as (order by s.link)
    union all
    select 'product', s.link,
           s.link = row_number() over w and s.hash = sha256(
               lag(s.hash, 1, decode(repeat('00', 32), 'hex')) over w || sha256(convert_to(jsonb_build_array(
                   a.audit_id, (extract(epoch from a.at) * 1000000)::bigint, a.action, a.tenant_id, a.actor,
                   a.phone_masked, encode(a.ip_hash::bytea, 'hex'), a.details)::text, 'UTF8')))
    from product.audit_links as s left join product.audit_log as a using (audit_id) window w as (order by s.link)
), live as (
    select job_id, retention, epoch from trunkline.ready union all
    select job_id, retention, epoch from trunkline.leases union all
    select job_id, retention, epoch from trunkline.waits
), broken (rule, rows) as (
    select 'a live job stands in one place only',
           (select count(*) from (select from live group by job_id having count(*) > 1) as twice)
    union all
    select 'a live job is a job',
           (select count(*) from live where not exists (select from trunkline.jobs as j where j.job_id = live.job_id and j.retention = live.retention))
    union all
    select 'a job lives or is over, not both',
           (select count(*) from live join trunkline.outcomes as o using (job_id, retention))
    union all
    select 'a job lives or is over, not neither',
           (select count(*) from trunkline.jobs as j
            where not exists (select from live where live.job_id = j.job_id)
              and not exists (select from trunkline.outcomes as o where o.job_id = j.job_id and o.retention = j.retention))
    union all
    select 'an end has a job',
           (select count(*) from trunkline.outcomes as o
            where not exists (select from trunkline.jobs as j where j.job_id = o.job_id and j.retention = o.retention))
    union all
    select 'a run that was undone has no deed that stands',
           (select count(*) from trunkline.outcomes as o join trunkline.effects as e using (job_id, retention)
            where o.undone and e.form <> 'child' and e.state in ('intent', 'unknown', 'done'))
    union all
    select 'a number is with one tenant only',
           (select count(*) from (select from product.phone_mappings where is_active group by phone having count(*) > 1) as twice)
    union all
    select 'who has a number has it in the pool, too',
           (select count(*) from product.phone_mappings as m join product.phone_pool as p using (phone)
            where m.is_active and p.status <> 'allocated')
    union all
    select 'a message of the provider is one of ours once',
           (select count(*) from (select from product.messages where provider_sid is not null group by provider_sid having count(*) > 1) as twice)
    union all
    select 'a mapping has a tenant',
           (select count(*) from product.phone_mappings as m where m.is_active
            and not exists (select from product.tenants as t where t.tenant_id = m.tenant_id))
    union all
    select 'a login has a tenant',
           (select count(*) from product.users as u where not exists (select from product.tenants as t where t.tenant_id = u.tenant_id))
    union all
    select 'the records of who did what are what they were when they were chained',
           (select count(*) from chained where is_whole is not true)
)
select rule, rows from broken order by rows desc, rule;
