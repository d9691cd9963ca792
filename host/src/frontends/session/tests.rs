use gateway_core::role::RoleSet;
use tokio::sync::mpsc;

use super::*;

fn session() -> (Arc<Session>, mpsc::UnboundedReceiver<Outgoing>) {
    let roles = Arc::new(RoleSet::new(vec![], None));
    let access = Access { role: roles.resolve(None).unwrap(), scope: None };
    let (way, sent) = mpsc::unbounded_channel();
    let identity = Identity { name: "test".to_owned(), version: "0" };
    let session = Session::new(
        Arc::new(Gateway::new(crate::gateway::World::new(roles, vec![]))),
        access,
        identity,
        Arc::new(way),
    );
    (session.unwrap(), sent)
}

fn exchange(session: &Arc<Session>) -> Arc<Exchange> {
    Arc::new(Exchange::new(session.clone(), session.view(), session.way.clone()))
}

/// Work that gives an answer when it is let go.
fn work(id: &Json) -> (oneshot::Sender<()>, impl Future<Output = Outgoing> + Send + use<>) {
    let (go, wait) = oneshot::channel();
    let id = id.clone();
    (go, async move {
        let _ = wait.await;
        Outgoing::Result { id, result: Json::empty_object() }
    })
}

#[tokio::test]
async fn anything_but_the_handshake_can_be_cancelled() {
    let (session, mut sent) = session();
    let [handshake, call, other] = ["1", "2", "\"1\""].map(|id| Json::parse(id.to_owned()).unwrap());
    let (greet, greeting) = work(&handshake);
    let (_never, cancelled) = work(&call);
    let (finish, finishing) = work(&other);
    session.start_for_sure(exchange(&session), handshake.clone(), Outlet::Direct, greeting);
    session.start(exchange(&session), call.clone(), Outlet::Direct, cancelled);
    session.start(exchange(&session), other.clone(), Outlet::Direct, finishing);
    session.cancel(&handshake, None);
    session.cancel(&call, Some("enough"));
    session.cancel(&Json::parse("3").unwrap(), None);
    // A request works while the handshake goes on.
    finish.send(()).unwrap();
    assert!(matches!(sent.recv().await, Some(Outgoing::Result { id, .. }) if id == other));
    greet.send(()).unwrap();
    assert!(matches!(sent.recv().await, Some(Outgoing::Result { id, .. }) if id == handshake));
    session.tasks().drain(std::time::Duration::ZERO).await;
    assert!(sent.try_recv().is_err(), "who cancelled gets no answer");
}

#[tokio::test]
async fn an_id_names_one_request_at_a_time() {
    let (session, mut sent) = session();
    let id = Json::parse("7").unwrap();
    let ((go, first), (_, second)) = (work(&id), work(&id));
    session.start(exchange(&session), id.clone(), Outlet::Direct, first);
    session.start(exchange(&session), id.clone(), Outlet::Direct, second);
    assert!(matches!(sent.recv().await, Some(Outgoing::Error { .. })));
    go.send(()).unwrap();
    assert!(matches!(sent.recv().await, Some(Outgoing::Result { .. })));
}
