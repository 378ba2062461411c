//! What is never stored in the clear: the code, and in the engine's tables the phone, the e-mail and the password.

use sqlx::{AssertSqlSafe, Connection};

use crate::stage::Stage;

/// Every column that can hold words, of every table and partition of these schemas.
const COLUMNS: &str = "
    select format('%I.%I', c.table_schema, c.table_name), format('%I', c.column_name)
    from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
    where c.table_schema = any ($1) and t.table_type = 'BASE TABLE'
      and c.data_type in ('text', 'jsonb', 'ARRAY', 'bytea', 'USER-DEFINED', 'character varying')";

/// The columns of these schemas in which one of these words stands.
pub(crate) async fn found_in(stage: &Stage, schemas: &[&str], words: &[&str]) -> Vec<String> {
    let mut connection = stage.db.superuser().await;
    let schemas: Vec<_> = schemas.iter().map(ToString::to_string).collect();
    let columns: Vec<(String, String)> =
        sqlx::query_as(COLUMNS).bind(schemas).fetch_all(&mut connection).await.unwrap();
    assert!(columns.len() > 20, "there is something to look through");
    let mut found = Vec::new();
    for (table, column) in columns {
        // bytea shows as hex in text, so its bytes are read as Latin-1.
        let look = format!(
            "select count(*) from {table} t, unnest($1::text[]) as word
             where position(word in t.{column}::text) > 0
                or position(encode(convert_to(word, 'UTF8'), 'hex') in t.{column}::text) > 0"
        );
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(look))
            .bind(words.iter().map(ToString::to_string).collect::<Vec<_>>())
            .fetch_one(&mut connection)
            .await
            .unwrap();
        if count > 0 {
            found.push(format!("{table}.{column}"));
        }
    }
    connection.close().await.ok();
    found
}

#[tokio::test]
async fn no_table_holds_a_code_and_no_table_of_the_engine_a_person() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    let code = stage.code(&signup).await;
    assert_eq!(found_in(&stage, &["trunkline"], &[signup.phone.as_str()]).await, [""; 0]);
    let token = stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    stage.comes_to_rest().await;
    let (_, access) = stage.get(&format!("/api/demo/{}/access", signup.tenant), &token).await;
    let password = access["access"]["temporaryPassword"].as_str().unwrap().to_owned();
    let person =
        [signup.phone.as_str(), &signup.phone[1..], &signup.email, "Huber", &password, &token];
    assert_eq!(found_in(&stage, &["trunkline"], &person).await, [""; 0]);
    // As a word of its own: six digits also stand inside ids and hashes.
    let words = [format!(": {code}"), format!("\"{code}\""), format!(" {code}\n"), password, token];
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    assert_eq!(found_in(&stage, &["trunkline", "product"], &words).await, [""; 0]);
}

#[tokio::test]
async fn what_people_write_is_in_the_product_s_records_alone_and_goes_with_the_tenant() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    let number = "select phone::text from product.phone_pool where status = 'allocated'";
    let number = stage.db.text(number).await;
    let (person, said) = ("+436607654321", "my left knee hurts");
    assert_eq!(stage.write(person, &number, said).await, 200);
    stage.comes_to_rest().await;
    assert_eq!(stage.phone.messages_to(person).len(), 1, "it was answered");
    assert_eq!(found_in(&stage, &["trunkline"], &[said, person, "You said"]).await, [""; 0]);
    let kept = found_in(&stage, &["product"], &[said]).await;
    assert_eq!(kept, ["product.message_bodies.body"]);
    let mut superuser = stage.db.superuser().await;
    let goes =
        "update product.phone_pool set status = 'available', tenant_id = null, allocated_at = null;
                delete from product.tenants";
    sqlx::raw_sql(goes).execute(&mut superuser).await.unwrap();
    assert_eq!(found_in(&stage, &["product"], &[said, "You said"]).await, [""; 0]);
    assert_eq!(stage.db.number("select from product.messages").await, 3, "the facts stay");
}

#[tokio::test]
async fn a_code_that_the_search_would_miss_does_not_exist() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "active").await;
    stage.comes_to_rest().await;
    // The product's own records do hold the phone, so the search finds what is there.
    let found = found_in(&stage, &["product"], &[signup.phone.as_str()]).await;
    assert!(found.iter().any(|place| place.contains("demo_signups")), "{found:?}");
}
