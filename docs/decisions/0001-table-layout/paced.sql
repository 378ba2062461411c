-- A steady load: every 200 ms a fifth of `rate` jobs arrive, are claimed and finished.
create procedure paced(rate int, seconds int) language plpgsql as $$
declare s float8; n int; c float8; f float8; began timestamptz := clock_timestamp(); ticks int := 0;
begin
  while clock_timestamp() < began + make_interval(secs => seconds) loop
    call enqueue(rate / 5, rate / 5, true, s);
    call drain(rate / 5, 'keep', false, rate / 5, n, c, f);
    ticks := ticks + 1;
    perform pg_sleep(extract(epoch from began + ticks * interval '200 ms' - clock_timestamp()));
    commit;
  end loop;
  raise notice 'paced: % ticks of %', ticks, seconds * 5;
end $$;
