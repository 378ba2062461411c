//! The one line in a workflow's test.

/// Tries every fault at the boundaries of a workflow: one test for each fault, in a module of this name. The expression
/// gives a [`Play`](crate::Play), a new one for each test; it may await.
#[macro_export]
macro_rules! crash_matrix {
    ($name:ident, $play:expr) => {
        $crate::crash_matrix!($name, $play, sample 3);
    };
    ($name:ident, $play:expr, sample $sample:expr) => {
        mod $name {

            use super::*;

            async fn at_every_boundary(fault: $crate::Fault) {
                let play = $play;
                ::std::boxed::Box::pin($crate::at_every_boundary(&play, fault, $sample)).await.settle();
            }

            #[tokio::test]
            async fn its_worker_may_die_before_any_commit() {
                at_every_boundary($crate::Fault::CrashBefore).await;
            }

            #[tokio::test]
            async fn its_worker_may_die_after_any_commit() {
                at_every_boundary($crate::Fault::CrashAfter).await;
            }

            #[tokio::test]
            async fn everything_may_be_said_to_it_twice() {
                at_every_boundary($crate::Fault::Duplicate).await;
            }

            #[tokio::test]
            async fn any_reply_may_be_lost() {
                at_every_boundary($crate::Fault::LostReply).await;
            }

            #[tokio::test]
            async fn any_commit_may_be_refused() {
                at_every_boundary($crate::Fault::Refused).await;
            }

            #[tokio::test]
            async fn its_worker_may_freeze_at_any_commit_and_thaw_too_late() {
                at_every_boundary($crate::Fault::Zombie).await;
            }

            #[tokio::test]
            async fn it_may_be_cancelled_at_any_commit() {
                at_every_boundary($crate::Fault::Cancel).await;
            }

            #[tokio::test]
            async fn postgres_may_crash_at_any_commit() {
                let _server = $crate::OwnServer::start();
                at_every_boundary($crate::Fault::Restart).await;
            }

            #[tokio::test]
            async fn any_commit_may_outlast_the_lease() {
                at_every_boundary($crate::Fault::Timeout).await;
            }
        }
    };
}
