use super::*;
use crate::sources::upstream::tests::settings;

#[tokio::test]
async fn failing_again_and_again_is_answered_without_trying() {
    let common = Arc::new(Common::new(settings("a", "no-such-command")));
    let lifecycle = Lifecycle::new(common, Whose::everybodys());
    let tries = |lifecycle: Arc<Lifecycle>| async move {
        match lifecycle.lease().await {
            Err(NoLease::Failed(failure)) => failure.message,
            _ => panic!("it was started"),
        }
    };
    assert!(tries(lifecycle.clone()).await.ends_with("command \"no-such-command\" was not found"));
    let failure = Failure::new(FailureKind::Unavailable, "it broke");
    (0..5).for_each(|_| lifecycle.lock().backoff.failed(failure.clone(), Instant::now()));
    let message = tries(lifecycle.clone()).await;
    assert!(message.starts_with("it broke; it is tried again in "), "{message}");
    lifecycle.stop(Duration::ZERO).await;
    assert!(tries(lifecycle.clone()).await.ends_with("was not found"), "stopping forgets");
}
