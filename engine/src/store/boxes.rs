//! Sealed values wherever they are kept, page by page. What is insert-only for everybody else is rewritten here alone: the
//! same content under another key, and only if it still is what was read.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A place in the order of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) id: Uuid,
    pub(crate) key: String,
}

/// A row of a page; its content only if a box under another key than the primary is in it.
#[derive(Debug)]
pub(crate) struct BoxRow {
    pub(crate) id: Uuid,
    pub(crate) key: String,
    pub(crate) content: Option<Value>,
}

/// One column in which boxes may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Args,
    Checkpoints,
    EffectInputs,
    EffectOutputs,
    Outcomes,
    Signals,
    Inbox,
}

impl Place {
    pub(crate) const ALL: [Place; 7] = [
        Place::Args,
        Place::Checkpoints,
        Place::EffectInputs,
        Place::EffectOutputs,
        Place::Outcomes,
        Place::Signals,
        Place::Inbox,
    ];
}

/// The next rows after a place. A page is read whole, boxes or not, so that each statement is short.
pub(crate) async fn boxes_page(
    conn: &mut PgConnection,
    place: Place,
    after: &Cursor,
    primary: &str,
    rows_max: i64,
) -> Result<Vec<BoxRow>, sqlx::Error> {
    macro_rules! page {
        ($sql:literal) => {
            sqlx::query_as!(BoxRow, $sql, after.id, after.key, primary, rows_max)
                .fetch_all(conn)
                .await
        };
    }
    match place {
        Place::Args => page!(
            r#"select job_id as id, '' as "key!",
                      case when jsonb_path_exists(args, '$.**.sealed.key ? (@ != $p)', jsonb_build_object('p', $3::text))
                           then args end as content
               from (select job_id, args from trunkline.jobs
                     where job_id > $1 and $2::text is not null order by job_id limit $4) p
               order by job_id"#
        ),
        Place::Checkpoints => page!(
            r#"select job_id as id, key as "key!",
                      case when jsonb_path_exists(output, '$.**.sealed.key ? (@ != $p)', jsonb_build_object('p', $3::text))
                           then output end as content
               from (select job_id, key, output from trunkline.checkpoints
                     where (job_id, key) > ($1, $2) order by job_id, key limit $4) p
               order by job_id, key"#
        ),
        Place::EffectInputs => page!(
            r#"select job_id as id, key as "key!",
                      case when jsonb_path_exists(input, '$.**.sealed.key ? (@ != $p)', jsonb_build_object('p', $3::text))
                           then input end as content
               from (select job_id, key, input from trunkline.effects
                     where (job_id, key) > ($1, $2) order by job_id, key limit $4) p
               order by job_id, key"#
        ),
        Place::EffectOutputs => page!(
            r#"select job_id as id, key as "key!",
                      case when jsonb_path_exists(output, '$.**.sealed.key ? (@ != $p)', jsonb_build_object('p', $3::text))
                           then output end as content
               from (select job_id, key, output from trunkline.effects
                     where (job_id, key) > ($1, $2) order by job_id, key limit $4) p
               order by job_id, key"#
        ),
        Place::Outcomes => page!(
            r#"select job_id as id, '' as "key!",
                      case when jsonb_path_exists(output, '$.**.sealed.key ? (@ != $p)', jsonb_build_object('p', $3::text))
                           then output end as content
               from (select job_id, output from trunkline.outcomes
                     where job_id > $1 and $2::text is not null order by job_id limit $4) p
               order by job_id"#
        ),
        Place::Signals => page!(
            r#"select signal_id as id, '' as "key!",
                      case when jsonb_path_exists(payload, '$.**.sealed.key ? (@ != $p)', jsonb_build_object('p', $3::text))
                           then payload end as content
               from (select signal_id, payload from trunkline.signals
                     where signal_id > $1 and $2::text is not null order by signal_id limit $4) p
               order by signal_id"#
        ),
        // (Its rows have no uuid: the key is the provider, which has no blank in it, and the natural key.)
        Place::Inbox => page!(
            r#"select $1::uuid as "id!", provider || ' ' || dedupe_key as "key!",
                      case when jsonb_path_exists(payload, '$.**.sealed.key ? (@ != $p)', jsonb_build_object('p', $3::text))
                           then payload end as content
               from (select provider, dedupe_key, payload from trunkline.inbox
                     where (provider, dedupe_key) > (split_part($2, ' ', 1), substr($2, strpos($2, ' ') + 1))
                     order by provider, dedupe_key limit $4) p
               order by provider, dedupe_key"#
        ),
    }
}

/// Puts the rewrapped content where the old one was. False: it is another by now, or gone.
pub(crate) async fn box_replace(
    conn: &mut PgConnection,
    place: Place,
    at: &Cursor,
    old: &Value,
    new: &Value,
) -> Result<bool, sqlx::Error> {
    macro_rules! replace {
        ($sql:literal) => {
            sqlx::query!($sql, at.id, at.key, old, new).execute(conn).await
        };
    }
    let done = match place {
        Place::Args => replace!(
            "update trunkline.jobs set args = $4 where job_id = $1 and $2::text is not null and args = $3"
        ),
        Place::Checkpoints => replace!(
            "update trunkline.checkpoints set output = $4 where job_id = $1 and key = $2 and output = $3"
        ),
        Place::EffectInputs => replace!(
            "update trunkline.effects set input = $4 where job_id = $1 and key = $2 and input = $3"
        ),
        Place::EffectOutputs => replace!(
            "update trunkline.effects set output = $4 where job_id = $1 and key = $2 and output = $3"
        ),
        Place::Outcomes => replace!(
            "update trunkline.outcomes set output = $4 where job_id = $1 and $2::text is not null and output = $3"
        ),
        Place::Signals => replace!(
            "update trunkline.signals set payload = $4 where signal_id = $1 and $2::text is not null and payload = $3"
        ),
        Place::Inbox => replace!(
            "update trunkline.inbox set payload = $4
             where $1::uuid is not null and provider = split_part($2, ' ', 1)
               and dedupe_key = substr($2, strpos($2, ' ') + 1) and payload = $3"
        ),
    }?;
    Ok(done.rows_affected() > 0)
}
