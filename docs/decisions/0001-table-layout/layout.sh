#!/bin/sh
# Measures the table layouts (a) and (b) on a private Postgres 15. Usage: ./layout.sh up | tune | speed ROUNDS | variants | held SECONDS | churned | depth | summary | down
# Run as root (the server runs as user postgres) on an otherwise quiet machine; figures land in $OUT as tab-separated rows.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BIN=/usr/lib/postgresql/15/bin; DIR=/var/tmp/tl-layout; FINISH=fenced; OUT=${OUT:-/var/tmp/tl-layout-figures.tsv}
export PGHOST=127.0.0.1 PGPORT=54777 PGUSER=postgres
# The plan settings that the claim and finish statements run under, in both layouts.
PLAN="-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_bitmapscan=off"
sql() { db=$1; shift; psql -XqAt -F ' ' -v ON_ERROR_STOP=1 -d "$db" "$@"; }
work() { PGOPTIONS="$PLAN" sql "$@"; }

up() {
  install -d -o postgres -m 700 "$DIR"
  runuser -u postgres -- $BIN/initdb -D "$DIR/data" -A trust >/dev/null
  printf '%s\n' "port=54777" "listen_addresses='127.0.0.1'" "unix_socket_directories='$DIR'" "shared_buffers=1GB" "fsync=on" \
    "synchronous_commit=on" "max_wal_size=8GB" "autovacuum=on" "track_wal_io_timing=off" >>"$DIR/data/postgresql.conf"
  runuser -u postgres -- $BIN/pg_ctl -D "$DIR/data" -l "$DIR/log" -w start >/dev/null
  for db in a b a0 b0 ar br ad bd bf bu bl bx; do make "$db"; done
}
make() { # database name: layout letter, then 0 no history, r random keys, d depth; f u l x see variants
  layout=$(echo "$1" | cut -c1); sql postgres -c "create database $1"
  for f in common "$layout" paced; do sql "$1" -v ff="${FF:-50}" -f "$here/$f.sql"; done
}
down() { runuser -u postgres -- $BIN/pg_ctl -D "$DIR/data" -m fast -w stop >/dev/null; rm -rf "$DIR"; }

lsn() { sql postgres -c "select pg_current_wal_lsn() - '0/0'"; }
tidy() { case $1 in a*) sql "$1" -c "vacuum jobs_live" ;; b*) sql "$1" -c "vacuum ready" -c "vacuum leases" ;; esac; }
both() { # run one statement on N connections at once, results on stdout
  n=$1; db=$2; shift 2; pids=""
  for _ in $(seq "$n"); do work "$db" -c "$1" & pids="$pids $!"; done
  for p in $pids; do wait "$p"; done
}
# One measured run: phase, database, batch, connections, jobs, hint → one row.
run() {
  phase=$1; db=$2; batch=$3; conns=$4; total=$5; hint=${6:-false}
  case $db in *r) ordered=false ;; *) ordered=true ;; esac
  case $db in ?0) mode=delete ;; bl) mode=lookup ;; bx) mode=forget ;; *) mode=keep ;; esac
  case $db in b|bd) mode=${FINISH:-$mode} ;; esac # FINISH=keep shows the plain join that statistics can spoil
  each=$((total / conns))
  sql "$db" -c checkpoint
  w0=$(lsn); both "$conns" "$db" "call enqueue($each, $batch, $ordered, 0)" >"$DIR/enq"; w1=$(lsn)
  sql "$db" -c checkpoint
  w2=$(lsn); both "$conns" "$db" "call drain($batch, '$mode', $hint, 2000000000, 0, 0, 0)" >"$DIR/drain"; w3=$(lsn)
  enq=$(awk '{ if ($1 > m) m = $1 } END { print m }' "$DIR/enq")
  awk -v OFS='\t' -v p="$phase" -v d="$db" -v b="$batch" -v c="$conns" -v h="$hint" -v t="$total" -v e="$enq" \
    -v we=$((w1 - w0)) -v wd=$((w3 - w2)) '
    { n += $1; cl += $2; fi += $3; if ($2 + $3 > m) m = $2 + $3 }
    END { if (n != t) print "lost jobs: " n " of " t > "/dev/stderr"
          print p, d, b, c, h, t / e, n / m, cl / n * 1e6, fi / n * 1e6, we / t, wd / n }' "$DIR/drain" | tee -a "$OUT"
}

tune() { # the fillfactor of (a), in databases of its own
  for ff in 50 70 100; do FF=$ff make "a_fill$ff"; done
  for _ in 1 2 3; do for ff in 50 70 100; do run tune "a_fill$ff" 500 1 50000; tidy "a_fill$ff"; done; done
  for ff in 50 70 100; do sql postgres -c "drop database a_fill$ff"; done
}
speed() {
  for _ in $(seq "${1:-3}"); do
    for conns in 1 2; do
      for db in a b ar br a0 b0; do run speed $db 500 $conns 50000; tidy $db; done
      for db in a b a0 b0; do run speed $db 100 $conns 20000; tidy $db; done
      for db in a b; do run speed $db 1 $conns 3000; tidy $db; done
    done
  done
}
variants() { # (b) with 12 leaves, one leaf, the jobs read separately, and no history by dropping partitions
  for _ in 1 2 3; do
    for db in a b bf bu bl a0 b0 bx; do run variants $db 500 1 50000; tidy $db; run variants $db 1 1 2000; tidy $db; done
  done
}
sizes() { # what is dead, and how large it is
  for t in a:jobs_live b:ready b:leases; do
    sql "${t%%:*}" -c "select '$1', '${t#*:}', 'dead', dead_tuple_count, 'heap', pg_size_pretty(table_len),
      'with indexes', pg_size_pretty(pg_total_relation_size('${t#*:}')) from pgstattuple('${t#*:}')" | tee -a "$OUT.sizes"
  done
}
three() { for _ in 1 2 3; do for db in a b; do run "$1" $db 500 1 20000 "$2"; done; done; }
held() {
  tidy a; tidy b; three before false; three before_hint true; sizes before
  for db in a b; do
    sql $db -c "begin isolation level repeatable read" -c "select count(*) from pg_class" -c "select pg_sleep(7200)" >/dev/null 2>&1 &
    work $db -c "call paced(300, ${1:-600})" 2>>"$OUT.paced" &
    paced="${paced:-} $!"
  done
  for p in $paced; do wait "$p"; done
  sizes held; FINISH=keep; three held_plain false; FINISH=fenced; three held false; three held_hint true; sizes held_end
  sql postgres -c "select pg_cancel_backend(pid) from pg_stat_activity where query like 'select pg_sleep(7200)'" >/dev/null
  three closed false; tidy a; tidy b; three vacuumed false; sizes vacuumed
}
churned() { # the dead rows of ten paced minutes, made in seconds: 180,000 jobs with a transaction held open
  tidy a; tidy b; three before false
  for db in a b; do
    sql $db -c "begin isolation level repeatable read" -c "select count(*) from pg_class" -c "select pg_sleep(7201)" >/dev/null 2>&1 &
  done
  sleep 1
  for db in a b; do run churn $db 500 1 180000 true; done
  sizes churned; FINISH=keep; three churned_plain false; FINISH=fenced; three churned false; three churned_hint true
  sql postgres -c "select pg_cancel_backend(pid) from pg_stat_activity where query like 'select pg_sleep(7201)'" >/dev/null
  tidy a; tidy b; three churned_vacuumed false
}
depth() {
  for _ in 1 2 3; do for db in a ad b bd; do run depth $db 500 1 20000; tidy $db; run depth $db 1 1 2000; done; done
}
summary() {
  sql postgres <<S
create temp table f (phase text, db text, batch int, conns int, hint bool, enq float8, jobs float8, claim float8, finish float8, wal_enq float8, wal_run float8);
\copy f from '$OUT'
\pset format aligned
\pset tuples_only off
select phase, db, batch, conns, hint as h, count(*) as n, round(percentile_disc(0.5) within group (order by enq)) as enq_s,
  round(min(enq)) || '–' || round(max(enq)) as "min–max", round(percentile_disc(0.5) within group (order by jobs)) as jobs_s,
  round(min(jobs)) || '–' || round(max(jobs)) as "min–max",
  round(percentile_disc(0.5) within group (order by claim)) as claim_us, round(percentile_disc(0.5) within group (order by finish)) as finish_us,
  round(percentile_disc(0.5) within group (order by wal_enq)) as wal_enq, round(percentile_disc(0.5) within group (order by wal_run)) as wal_run
from f group by 1, 2, 3, 4, 5 order by min(case phase when 'tune' then 0 when 'speed' then 1 when 'before' then 2 else 3 end), phase, hint, batch desc, conns, substr(db, 2), db;
S
}
"$@"
