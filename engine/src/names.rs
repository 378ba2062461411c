//! Kinds and queues by name and by number, as this process knows them.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use crate::{
    error::Error,
    store::{self, db::Db},
};

/// Both directions of the two small tables of names. Names are never removed or renamed, so what is cached stays true.
#[derive(Debug, Default)]
pub(crate) struct Names {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    kinds: HashMap<String, i16>,
    queues: HashMap<String, i16>,
    kind_names: HashMap<i16, Arc<str>>,
    queue_names: HashMap<i16, Arc<str>>,
}

impl Names {
    /// Gives ids to names that have none yet, and reads all there are.
    pub(crate) async fn register(
        &self,
        db: &Db,
        kinds: &[String],
        queues: &[String],
    ) -> Result<(), Error> {
        let (kinds, queues) = db
            .run(async |conn| {
                store::names::kinds_ensure(conn, kinds).await?;
                store::names::queues_ensure(conn, queues).await?;
                Ok((store::names::kinds(conn).await?, store::names::queues(conn).await?))
            })
            .await?;
        let mut inner = self.inner.write();
        for (id, name) in kinds {
            inner.kind_names.insert(id, name.as_str().into());
            inner.kinds.insert(name, id);
        }
        for (id, name) in queues {
            inner.queue_names.insert(id, name.as_str().into());
            inner.queues.insert(name, id);
        }
        Ok(())
    }

    pub(crate) fn kind(&self, name: &str) -> Result<i16, Error> {
        self.inner
            .read()
            .kinds
            .get(name)
            .copied()
            .ok_or_else(|| Error::UnknownName { name: name.to_owned() })
    }

    pub(crate) fn queue(&self, name: &str) -> Result<i16, Error> {
        self.inner
            .read()
            .queues
            .get(name)
            .copied()
            .ok_or_else(|| Error::UnknownName { name: name.to_owned() })
    }

    /// The name of a kind that another process registered later is its number, until this process reads again.
    pub(crate) fn kind_name(&self, id: i16) -> Arc<str> {
        self.inner
            .read()
            .kind_names
            .get(&id)
            .cloned()
            .unwrap_or_else(|| format!("kind {id}").into())
    }

    pub(crate) fn queue_name(&self, id: i16) -> Arc<str> {
        self.inner
            .read()
            .queue_names
            .get(&id)
            .cloned()
            .unwrap_or_else(|| format!("queue {id}").into())
    }
}
