use super::*;

fn control(time: Duration) -> Control {
    Control::new(Instant::now(), Instant::now() + time, Arc::default(), Life::default())
}

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn the_deadline_interrupts() {
    assert!(matches!(control(Duration::ZERO).tick(), UpdateDeadline::Interrupt));
}

/// Has the processor for so long.
fn work(time: Duration) {
    let begun = thread_time();
    while thread_time() - begun < time {}
}

#[test]
fn a_guest_that_has_been_somewhere_for_too_long_is_marked() {
    let control = control(LONG);
    // Whatever passed before the clock found it, passed on the wall.
    control.begin_slice();
    work(HERE);
    assert!(matches!(control.tick(), UpdateDeadline::Continue(1)));
    std::thread::sleep(HERE * 2);
    assert!(matches!(control.tick(), UpdateDeadline::Continue(1)));
    assert!(!control.take_interrupted());
    work(HERE);
    assert!(matches!(control.tick(), UpdateDeadline::YieldCustom(1, _)));
    assert!(control.take_interrupted() && !control.take_interrupted());
    control.end_slice();
    control.send_to(Threads::Brisk);
    for _ in 0..2 {
        control.begin_slice();
        assert!(matches!(control.tick(), UpdateDeadline::YieldCustom(1, _)));
        assert!(!control.take_interrupted());
        work(BRISK / 2);
        control.end_slice();
    }
    control.begin_slice();
    assert!(matches!(control.tick(), UpdateDeadline::YieldCustom(1, _)));
    assert!(control.take_interrupted());
    control.end_slice();
    control.send_to(Threads::Slow);
    control.begin_slice();
    assert!(matches!(control.tick(), UpdateDeadline::YieldCustom(1, _)));
    assert!(!control.take_interrupted());
}

#[tokio::test]
async fn who_gave_a_result_is_not_late_any_more() {
    let control = control(Duration::ZERO);
    assert_eq!(control.ended().await, Ended::Late);
    control.note_spent(Spent::default());
    tokio::select! {
        biased;
        ended = control.ended() => panic!("{ended:?}"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn cancelling_reaches_who_waits_and_who_comes_later() {
    let control = control(LONG);
    assert!(!control.is_cancelled());
    tokio::join!(control.cancelled(), async { control.cancel() });
    control.cancelled().await;
    assert!(control.is_cancelled());
}

#[tokio::test]
async fn a_question_to_the_client_holds_the_deadline() {
    let control = control(Duration::ZERO);
    let held = control.clock.hold();
    let late = control.late();
    tokio::pin!(late);
    tokio::select! {
        biased;
        () = &mut late => panic!("the clock stands"),
        () = tokio::task::yield_now() => {}
    }
    drop(held);
    late.await;
    assert!(matches!(control.tick(), UpdateDeadline::Interrupt));
}

#[tokio::test]
async fn the_end_has_a_reason() {
    assert_eq!(control(Duration::ZERO).ended().await, Ended::Late);
    let stopped = control(LONG);
    stopped.life.stopping.cancel();
    assert!(stopped.is_cancelled());
    stopped.life.stopped.cancel();
    assert_eq!(stopped.ended().await, Ended::Stopped);
}
