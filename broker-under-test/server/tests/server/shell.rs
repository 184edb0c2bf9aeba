//! What the shell does around a broker, shown with a broker whose every effect is known.

use std::net::SocketAddr;
use std::time::Duration;

use super::support::{Bench, LOOPBACK};
use mqspec_broker_core::{ConnectionId, Protocol};
use mqspec_broker_server::{BACKLOG_LIMIT, BindError, LINGER, Listener, Notice, TcpListener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(start_paused = true)]
async fn bytes_become_inputs_and_effects_become_bytes() {
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let log = bench
        .run(async {
            client.write_all(b"say hello\n").await.expect("the server reads");
            let mut answer = [0; 5];
            client.read_exact(&mut answer).await.expect("the server answers");
            assert_eq!(&answer, b"hello");
            client.shutdown().await.expect("the stream is open");
            assert_eq!(client.read(&mut answer).await.expect("no error"), 0);
        })
        .await;
    assert_eq!(
        log.inputs(),
        ["opened 0 Mqtt", "received 0 say hello", "taken 0 5", "closed 0", "shut down"],
        "every byte and every end is told once"
    );
}

#[tokio::test(start_paused = true)]
async fn time_passes_when_the_broker_wants_it() {
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let log = bench
        .run(async {
            client.write_all(b"wake 90\n").await.expect("the server reads");
            let mut answer = [0; 5];
            client.read_exact(&mut answer).await.expect("the server answers");
            assert_eq!(&answer, b"awake");
        })
        .await;
    let (asked, awake) = (log.time_of("received"), log.time_of("time passed"));
    assert_eq!(awake.saturating_sub(asked).as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn the_last_packet_comes_before_the_end() {
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let log = bench
        .run(async {
            client.write_all(b"say bye\nclose\n").await.expect("the server reads");
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.expect("an end, not an error");
            assert_eq!(rest, b"bye");
        })
        .await;
    assert_eq!(log.notices().last(), Some(&Notice::Closed { connection: ConnectionId(0) }));
    assert!(!log.inputs().iter().any(|input| input.starts_with("closed")), "the broker closed it itself");
}

#[tokio::test]
async fn a_peer_that_still_sends_reads_the_last_packet_over_tcp() {
    let mut bench = Bench::new();
    let address = bench.listen_on_tcp().await;
    bench
        .run(async {
            let mut client = TcpStream::connect(address).await.expect("the server listens");
            client.write_all(b"say bye\nclose\n").await.expect("the server reads");
            // What follows is unread when the server closes; a reset would take `bye` with it.
            client.write_all(&vec![b'x'; 512 * 1024]).await.expect("the server still reads");
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.expect("an end, not a reset");
            assert_eq!(rest, b"bye");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_does_not_linger_for_ever() {
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    bench
        .run(async {
            // More than the pipe holds, and nobody reads it: the server can never write it all.
            client.write_all(b"fill 5000\nclose\n").await.expect("the server reads");
            let before = tokio::time::Instant::now();
            while client.write_all(b"still here\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await; // virtual
            }
            let waited = before.elapsed();
            assert!(waited >= LINGER && waited < LINGER * 2, "{waited:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_held_by_its_backlog() {
    const ANSWER: usize = 1024 * 1024;
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let log = bench
        .run(async {
            // One request at a time: together they would be one read.
            let requests = BACKLOG_LIMIT / ANSWER + 4;
            for _ in 0..requests {
                client.write_all(format!("fill {ANSWER}\n").as_bytes()).await.expect("the pipe has room");
                tokio::time::sleep(Duration::from_secs(1)).await; // virtual
            }
            let mut read = 0;
            let mut buffer = vec![0; 64 * 1024];
            while read < requests * ANSWER {
                read += client.read(&mut buffer).await.expect("the server answers");
            }
        })
        .await;
    let held = log.inputs().iter().position(|input| input == "taken 0 1024").expect("the pipe is full");
    let asked = |inputs: &[String]| inputs.iter().filter(|input| input.contains("fill")).count();
    let inputs = log.inputs();
    let (before, after) = inputs.split_at(
        inputs.iter().skip(held + 1).position(|input| input.starts_with("taken")).expect("it is read")
            + held
            + 1,
    );
    assert_eq!(asked(before), BACKLOG_LIMIT / ANSWER + 1, "reads stop once the backlog is over the limit");
    assert!(asked(after) > 0, "and go on when it is not");
}

#[tokio::test(start_paused = true)]
async fn the_last_words_of_a_peer_that_never_read_are_heard() {
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    let log = bench
        .run(async {
            client
                .write_all(format!("fill {}\n", BACKLOG_LIMIT + 1025).as_bytes())
                .await
                .expect("there is room");
            tokio::time::sleep(Duration::from_secs(1)).await; // virtual: the server now holds its reads
            client.write_all(b"say my last words\n").await.expect("the pipe has room");
            drop(client);
            tokio::time::sleep(LINGER * 2).await; // virtual
        })
        .await;
    let inputs = log.inputs();
    let [.., words, closed, shut_down] = inputs.as_slice() else { panic!("too few inputs: {inputs:?}") };
    assert_eq!([words, closed, shut_down], ["received 0 say my last words", "closed 0", "shut down"]);
    assert!(
        log.time_of("closed").saturating_sub(log.time_of("received 0 say")) < LINGER,
        "the end is told when it is read"
    );
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_client_gets_its_answer() {
    let mut bench = Bench::new();
    let mut client = bench.connect(1024);
    bench
        .run(async {
            client.write_all(b"say hello\n").await.expect("the server reads");
            client.shutdown().await.expect("the stream is open");
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.expect("an end");
            assert_eq!(rest, b"hello");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn shutting_down_says_goodbye_to_everybody() {
    let mut bench = Bench::new();
    let mut clients = [bench.connect(1024), bench.connect(1024)];
    let log = bench
        .run(async {
            for client in &mut clients {
                client.write_all(b"say hello\n").await.expect("the server reads");
                let mut answer = [0; 5];
                client.read_exact(&mut answer).await.expect("the server answers");
            }
        })
        .await;
    assert_eq!(log.inputs().last().map(String::as_str), Some("shut down"));
    for mut client in clients {
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.expect("an end");
        assert_eq!(rest, b"goodbye");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_survives_a_connection_that_it_could_not_accept() {
    let mut bench = Bench::new();
    bench.fail_next_accept("no file descriptor left");
    let mut client = bench.connect(1024);
    let log = bench
        .run(async {
            client.write_all(b"say hello\n").await.expect("the server reads");
            let mut answer = [0; 5];
            client.read_exact(&mut answer).await.expect("the server answers");
        })
        .await;
    assert_eq!(
        log.notices().first(),
        Some(&Notice::AcceptFailed { protocol: Protocol::Mqtt, error: "no file descriptor left".to_owned() })
    );
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let mut first = TcpListener::bind(LOOPBACK).await.expect("a free port");
    let address = first.address();
    assert_ne!(address.port(), 0);
    let refused = TcpListener::bind(address).await.expect_err("the port is taken");
    assert!(matches!(refused, BindError::Taken(taken) if taken == address), "{refused}");
    assert_eq!(
        refused.to_string(),
        format!("cannot listen on {address}: something else listens there already")
    );
    let elsewhere: SocketAddr = "192.0.2.1:0".parse().expect("an address");
    let refused = TcpListener::bind(elsewhere).await.expect_err("a documentation address is nobody's");
    assert!(matches!(refused, BindError::NoSuchAddress(_)), "{refused}");
    let (accepted, _client) = tokio::join!(first.accept(), TcpStream::connect(address));
    assert!(accepted.expect("a connection").peer.starts_with("127.0.0.1:"));
}
