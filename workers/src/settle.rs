//! The outermost layer of a worker: takes what came of an attempt from the handler's result, also when a layer in between
//! made an error of it (a panic, a time limit), and has the engine write it.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use apalis_core::{error::BoxDynError, task::Task};
use engine::{App, Ending, LeasedJob, Pool};
use futures::{FutureExt, future::BoxFuture};
use tower::{Layer, Service};

/// Makes [`SettleService`]s.
pub(crate) struct SettleLayer<A: App> {
    pool: Arc<Pool<A>>,
}

impl<A: App> SettleLayer<A> {
    pub(crate) fn new(pool: Arc<Pool<A>>) -> SettleLayer<A> {
        SettleLayer { pool }
    }
}

impl<A: App, S> Layer<S> for SettleLayer<A> {
    type Service = SettleService<A, S>;

    fn layer(&self, inner: S) -> SettleService<A, S> {
        SettleService { pool: Arc::clone(&self.pool), inner }
    }
}

/// Runs the inner service, then settles.
pub(crate) struct SettleService<A: App, S> {
    pool: Arc<Pool<A>>,
    inner: S,
}

impl<A, S> Service<Task<LeasedJob>> for SettleService<A, S>
where
    A: App,
    S: Service<Task<LeasedJob>, Response = Ending>,
    S::Future: Send + 'static,
    S::Error: Into<BoxDynError>,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<LeasedJob>) -> Self::Future {
        let pool = Arc::clone(&self.pool);
        let job = task.args.clone();
        let attempt = self.inner.call(task);
        async move {
            let ending = match attempt.await {
                Ok(ending) => ending,
                Err(error) => Ending::broken(error.into()),
            };
            pool.settle(&job, ending).await;
            Ok(())
        }
        .boxed()
    }
}
