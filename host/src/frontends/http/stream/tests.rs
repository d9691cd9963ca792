use gateway_core::payload::Json;

use super::*;

fn note(method: &str, size: usize) -> Outgoing {
    let params = Some(Json::from_value(&"x".repeat(size)));
    Outgoing::Notification { method: method.into(), params }
}

fn answer() -> Outgoing {
    Outgoing::Result { id: Json::from_value(&1), result: Json::empty_object() }
}

fn read(stream: &Stream, reader: u64) -> Vec<String> {
    let context = Context::from_waker(Waker::noop());
    let mut read = Vec::new();
    while let Poll::Ready(Some(text)) = stream.poll_event(reader, &context) {
        read.push(String::from_utf8(text.to_vec()).unwrap());
    }
    read
}

fn ids(read: &[String]) -> Vec<&str> {
    read.iter().filter_map(|text| text.lines().find_map(|line| line.strip_prefix("id: "))).collect()
}

fn first(stream: &Stream) -> Poll<First> {
    stream.poll_first(&Context::from_waker(Waker::noop()))
}

#[test]
fn an_answer_alone_is_no_event() {
    let stream = Stream::of_request(Some(7));
    assert!(first(&stream).is_pending());
    stream.send(answer());
    assert!(matches!(first(&stream), Poll::Ready(First::Answer(Answer { error: None, .. }))));
    assert!(!stream.is_open());
}

#[test]
fn what_comes_before_the_answer_makes_it_an_event() {
    let stream = Stream::of_request(Some(7));
    stream.send(note("notifications/progress", 1));
    stream.send(answer());
    assert!(matches!(first(&stream), Poll::Ready(First::Event)));
    assert!(stream.begin(true).is_none());
    let reader = stream.attach(None);
    let all = read(&stream, reader);
    assert_eq!(ids(&all), ["7-0", "7-1", "7-2"]);
    assert!(all[0].contains("data: \n") && all[2].contains("\"result\":{}"), "{all:?}");
    assert!(stream.is_done());
    // Whoever comes back goes on where it was, as often as it likes.
    for _ in 0..2 {
        assert_eq!(ids(&read(&stream, stream.attach(Some(0)))), ["7-1", "7-2"]);
    }
    assert_eq!(read(&stream, reader), Vec::<String>::new());
}

#[test]
fn progress_is_shed_first() {
    let stream = Stream::of_request(Some(1));
    stream.begin(false);
    stream.send(note("notifications/message", 10));
    for _ in 0..20 {
        stream.send(note("notifications/progress", 1 << 20));
    }
    stream.send(answer());
    assert!(stream.size() <= WAITING + (2 << 20));
    let all = read(&stream, stream.attach(None));
    assert_eq!(ids(&all).first(), Some(&"1-1"));
    assert_eq!(ids(&all).last(), Some(&"1-22"));
    assert!(all.len() < 22, "{}", all.len());
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let stream = Stream::lasting(None);
    let reader = stream.attach(None);
    for _ in 0..3 {
        stream.send(note("notifications/message", 1 << 20));
    }
    assert!(!stream.is_open() && !stream.is_read() && stream.size() <= WAITING_LASTING + 100);
    assert_eq!(read(&stream, reader), Vec::<String>::new());
    // With ids it may come back, for what is left.
    let stream = Stream::of_request(Some(1));
    for _ in 0..20 {
        stream.send(note("notifications/message", 1 << 20));
    }
    stream.send(answer());
    assert_eq!(ids(&read(&stream, stream.attach(None))).last(), Some(&"1-21"));
}

#[test]
fn a_huge_answer_comes_through() {
    let stream = Stream::of_request(Some(1));
    stream.begin(true);
    let result = Json::from_value(&"x".repeat(2 * WAITING));
    stream.send(Outgoing::Result { id: Json::from_value(&1), result });
    let all = read(&stream, stream.attach(None));
    assert!(all.last().unwrap().len() > 2 * WAITING);
}

#[test]
fn what_was_read_is_kept_for_a_while() {
    let stream = Stream::of_request(Some(1));
    let reader = stream.attach(None);
    for _ in 0..1000 {
        stream.send(note("notifications/message", 8 << 10));
        read(&stream, reader);
    }
    assert!(stream.size() <= KEPT.0 + (16 << 10));
    assert!(stream.lock().events.len() <= KEPT.1);
}
