//! Many jobs at once by COPY, which writes whole pages where INSERT writes rows, with less log. For jobs without gates
//! that may run at once; all others are inserted.

use sqlx::PgConnection;

use super::jobs::JobRow;

const JOBS: &str = "copy trunkline.jobs (job_id, retention, kind_id, queue_id, priority, args, tenant_id, traceparent) \
                    from stdin (format binary)";

const READY: &str = "copy trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course) \
                     from stdin (format binary)";

/// Bytes sent at a time.
const CHUNK: usize = 256 * 1024;

/// Inserts jobs with their tokens, if they are of those that can be copied; false: nothing was done.
pub(crate) async fn jobs_copy(
    conn: &mut PgConnection,
    rows: &[JobRow],
) -> Result<bool, sqlx::Error> {
    if !rows.iter().all(JobRow::is_plain) || any_is_fair(conn, rows).await? {
        return Ok(false);
    }
    copy(conn, JOBS, rows, |row, to| {
        to.columns(8);
        to.field(row.job_id.as_bytes());
        to.short(row.retention);
        to.short(row.kind_id);
        to.short(row.queue_id);
        to.short(row.priority);
        to.json(&row.args);
        to.optional(row.tenant_id.as_ref().map(|id| id.as_bytes().as_slice()));
        to.optional(row.traceparent.as_ref().map(String::as_bytes));
    })
    .await?;
    copy(conn, READY, rows, |row, to| {
        to.columns(9);
        to.field(row.job_id.as_bytes());
        to.field(&0_i32.to_be_bytes());
        to.short(row.queue_id);
        to.short(row.kind_id);
        to.short(row.priority);
        to.short(0);
        to.short(0);
        to.short(row.retention);
        to.short(0);
    })
    .await?;
    Ok(true)
}

/// In a fair queue tenants take turns: its jobs begin in their lanes.
async fn any_is_fair(conn: &mut PgConnection, rows: &[JobRow]) -> Result<bool, sqlx::Error> {
    let mut queues: Vec<_> = rows.iter().map(|row| row.queue_id).collect();
    queues.sort_unstable();
    queues.dedup();
    sqlx::query_scalar!(
        r#"select exists (select from trunkline.queues where fair and queue_id = any ($1)) as "fair!""#,
        &queues,
    )
    .fetch_one(conn)
    .await
}

async fn copy(
    conn: &mut PgConnection,
    statement: &str,
    rows: &[JobRow],
    write: impl Fn(&JobRow, &mut Binary),
) -> Result<(), sqlx::Error> {
    let mut copy = conn.copy_in_raw(statement).await?;
    let mut bytes = Binary::begin();
    for row in rows {
        write(row, &mut bytes);
        if bytes.0.len() >= CHUNK {
            copy.send(std::mem::take(&mut bytes.0)).await?;
        }
    }
    bytes.end();
    copy.send(bytes.0).await?;
    copy.finish().await?;
    Ok(())
}

/// Rows in the binary format of COPY (the manual of Postgres, "COPY", File Formats): all numbers with the high byte first.
struct Binary(Vec<u8>);

impl Binary {
    fn begin() -> Binary {
        let mut bytes = Vec::with_capacity(CHUNK);
        bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0"); // the signature
        bytes.extend_from_slice(&[0; 8]); // no flags, no further header
        Binary(bytes)
    }

    fn columns(&mut self, count: i16) {
        self.0.extend_from_slice(&count.to_be_bytes());
    }

    fn field(&mut self, value: &[u8]) {
        // What is stored is at most a few hundred KiB (`json::check`).
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
    }

    fn short(&mut self, value: i16) {
        self.field(&value.to_be_bytes());
    }

    fn optional(&mut self, value: Option<&[u8]>) {
        match value {
            Some(value) => self.field(value),
            None => self.0.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }

    /// A version, then the text. Written in place, its length afterwards.
    fn json(&mut self, value: &serde_json::Value) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0, 0, 0, 0, 1]);
        // To a vector, writing cannot fail.
        let _ = serde_json::to_writer(&mut self.0, value);
        let length = i32::try_from(self.0.len() - start - 4).unwrap_or(i32::MAX);
        self.0[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    fn end(&mut self) {
        self.columns(-1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_carry_their_length_and_null_is_minus_one() {
        let mut bytes = Binary(Vec::new());
        bytes.columns(3);
        bytes.short(-2);
        bytes.optional(None);
        bytes.json(&serde_json::json!({ "a": 1 }));
        let expected: &[u8] = b"\0\x03\0\0\0\x02\xff\xfe\xff\xff\xff\xff\0\0\0\x08\x01{\"a\":1}";
        assert_eq!(bytes.0, expected);
    }
}
