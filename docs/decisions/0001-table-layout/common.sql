-- What both layouts share: time-ordered ids, a payload of about 200 bytes, day partitions.
create extension if not exists pgstattuple;

-- A UUIDv7: 48 bits of milliseconds, a counter, a random tail (the engine makes them in Rust).
create function uuid7(ms bigint, n int) returns uuid language sql volatile as $$
  select (lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8'
          || substr(md5(random()::text), 1, 15))::uuid $$;

create function now_ms() returns bigint language sql volatile as $$
  select floor(extract(epoch from clock_timestamp()) * 1000)::bigint $$;

-- `ordered` ids start `age` milliseconds in the past, so that depth can be laid under a fresh backlog.
create function make_ids(n int, ordered bool, age bigint default 0) returns uuid[] language sql volatile as $$
  select array_agg(case when ordered then uuid7(m - age, g) else gen_random_uuid() end)
  from now_ms() m, generate_series(1, n) g $$;

create function payload() returns jsonb language sql immutable as $$
  select jsonb_build_object('tenant', '018f6f2e-0000-7000-8000-000000000001', 'to', '+4366000000000',
                            'template', 'appointment_reminder', 'body', repeat('x', 60)) $$;

-- LIST (retention), then RANGE (job_id) by day: 3 classes, 9 days and a default each: 30 leaves.
-- The databases bf and bu show what leaves cost: bf has 12 of them, bu one.
create procedure split(parent text) language plpgsql as $$
declare day_ms constant bigint := 86400000; today bigint := now_ms() / 86400000; child text;
  last_day int := case current_database() when 'bf' then 1 else 7 end;
begin
  if current_database() = 'bu' then
    execute format('create table %I partition of %I default', parent || '_all', parent);
    return;
  end if;
  for class in 1..3 loop
    child := format('%s_r%s', parent, class);
    execute format('create table %I partition of %I for values in (%s) partition by range (job_id)', child, parent, class);
    execute format('create table %I partition of %I default', child || '_rest', child);
    for d in -1..last_day loop
      execute format('create table %I partition of %I for values from (%L) to (%L)', child || '_d' || d + 1, child,
        lpad(to_hex((today + d) * day_ms), 12, '0') || repeat('0', 20),
        lpad(to_hex((today + d + 1) * day_ms), 12, '0') || repeat('0', 20));
    end loop;
  end loop;
end $$;
