//! Direct reply-to and sender-selected keys.

use crate::client::{Args, Bench, args, publish_octets};
use mqspec_broker_core::ConnectionId;

const PSEUDO: &str = "amq.rabbitmq.reply-to";

fn requester(bench: &mut Bench) -> ConnectionId {
    let client = bench.client();
    bench.consume(client, PSEUDO, "replies", 2, &args());
    assert_eq!(bench.seen(client), ["1 basic.consume-ok replies"]);
    client
}

/// Sends a request to `q` and reads the address that the responder sees.
fn address(bench: &mut Bench, client: ConnectionId, responder: ConnectionId) -> String {
    bench.send(client, &publish_octets(1, ("", "q"), 0, &args().u16(0x0200).short(PSEUDO), "ask"));
    bench.call(responder, 1, (60, 70), &args().u16(0).short("q").u8(1));
    let frames = bench.frames(responder);
    let header = frames.iter().find(|frame| frame.kind == 2).expect("a content header");
    let octets = header.payload.get(15..).expect("flags and a short string");
    String::from_utf8(octets.to_vec()).expect("text")
}

#[test]
fn reply_reaches_its_requester_without_a_queue() {
    let mut bench = Bench::new();
    let (client, responder) = (requester(&mut bench), bench.client());
    bench.queue(responder, "q", &args());
    let address = address(&mut bench, client, responder);
    assert!(address.starts_with("amq.rabbitmq.reply-to."), "{address}");
    bench.declare(responder, &address, 1, &args());
    assert_eq!(bench.seen(responder), [format!("1 queue.declare-ok {address} 0 1")]);
    bench.send(responder, &publish_octets(1, ("", &address), 1, &args().u16(0), "answer"));
    assert_eq!(bench.seen(responder), Vec::<String>::new(), "it counts as routed");
    assert_eq!(bench.seen(client), [format!("1 basic.deliver replies #1 [] {address} = answer")]);
}

#[test]
fn address_is_gone_with_its_consumer() {
    let mut bench = Bench::new();
    let (client, responder) = (requester(&mut bench), bench.client());
    bench.queue(responder, "q", &args());
    let address = address(&mut bench, client, responder);
    bench.call(client, 1, (60, 30), &args().short("replies").u8(0));
    bench.consume(client, PSEUDO, "replies", 2, &args());
    assert_eq!(bench.seen(client), ["1 basic.cancel-ok replies", "1 basic.consume-ok replies"]);
    bench.publish(responder, "", &address, "too late");
    assert_eq!(bench.seen(client), Vec::<String>::new());
    bench.declare(responder, &address, 1, &args());
    bench.channel_closed(responder, 404, (50, 10));
}

#[test]
fn reply_consumer_is_one_without_acks_on_the_requests_channel() {
    let mut bench = Bench::new();
    let client = bench.client();
    bench.consume(client, PSEUDO, "a", 0, &args());
    bench.channel_closed(client, 406, (60, 20));
    bench.send(client, &publish_octets(1, ("", "q"), 0, &args().u16(0x0200).short(PSEUDO), "ask"));
    bench.channel_closed(client, 406, (60, 40));
    bench.consume(client, PSEUDO, "a", 2, &args());
    bench.consume(client, PSEUDO, "b", 2, &args());
    assert_eq!(bench.seen(client), ["1 basic.consume-ok a", "1 channel.close 406 60.20"]);
    bench.call(client, 1, (20, 41), &args());
    bench.channel(client, 1);
    bench.bind(client, PSEUDO, "amq.direct", "k", &args());
    bench.channel_closed(client, 403, (50, 20));
}

fn with_headers(headers: &Args) -> Args {
    args().u16(0x2000).table(headers)
}

#[test]
fn cc_and_bcc_add_keys_and_bcc_is_not_delivered() {
    let mut bench = Bench::new();
    let client = bench.client();
    for queue in ["to", "cc", "bcc"] {
        bench.queue(client, queue, &args());
    }
    let kept = args().int("a", 1).texts("CC", &["cc", "to"]);
    let headers = args().int("a", 1).texts("CC", &["cc", "to"]).texts("BCC", &["bcc"]);
    bench.send(client, &publish_octets(1, ("", "to"), 0, &with_headers(&headers), "x"));
    for queue in ["to", "cc", "bcc"] {
        bench.call(client, 1, (60, 70), &args().u16(0).short(queue).u8(1));
        let frames = bench.frames(client);
        let sent = frames.iter().find(|frame| frame.kind == 2).and_then(|frame| frame.payload.get(12..));
        assert_eq!(sent, Some(with_headers(&kept).0.as_slice()), "{queue}");
        assert_eq!(bench.get(client, queue, true), "1 basic.get-empty", "one copy");
    }
}

#[test]
fn cc_that_is_no_array_of_strings_is_406() {
    for headers in [args().text("CC", "k"), args().int("BCC", 1)] {
        let mut bench = Bench::new();
        let client = bench.client();
        bench.send(client, &publish_octets(1, ("", "k"), 0, &with_headers(&headers), "x"));
        bench.channel_closed(client, 406, (60, 40));
    }
}
