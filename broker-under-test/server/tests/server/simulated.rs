//! The same shell inside turmoil: one seed, one run.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use super::support::{Log, Obedient};
use mqspec_broker_core::Protocol;
use mqspec_broker_server::{Accept, Accepted, Clock, Listener, Server, Sleep};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SEED: u64 = 0x5eed;

struct SimulatedListener(turmoil::net::TcpListener);

impl Listener for SimulatedListener {
    fn accept(&mut self) -> Accept<'_> {
        Box::pin(async {
            let (stream, peer) = self.0.accept().await?;
            Ok(Accepted { stream: Box::new(stream), peer: peer.to_string() })
        })
    }
}

/// turmoil's own virtual time.
struct SimulatedClock;

impl Clock for SimulatedClock {
    fn now(&self) -> Duration {
        turmoil::since_epoch().expect("inside a simulation")
    }

    fn sleep_until(&self, deadline: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(deadline.saturating_sub(self.now())))
    }
}

/// Three clients at once against one server; gives what the broker and the clients saw, in order.
fn run() -> (Vec<String>, Vec<String>) {
    let mut simulation = turmoil::Builder::new()
        .epoch(UNIX_EPOCH)
        .rng_seed(SEED)
        .tcp_capacity(1 << 16)
        .simulation_duration(Duration::from_secs(600))
        .build();
    let log = Log::default();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let host_log = log.clone();
    simulation.host("broker", move || {
        let log = host_log.clone();
        async move {
            let listener = turmoil::net::TcpListener::bind("0.0.0.0:1883").await?;
            Server::new(Obedient::new(log), Rc::new(SimulatedClock))
                .listen(Protocol::Mqtt, Box::new(SimulatedListener(listener)))
                .run(std::future::pending())
                .await?;
            Ok(())
        }
    });
    for name in ["alice", "bob", "carol"] {
        let heard = Rc::clone(&heard);
        simulation.client(name, async move {
            let mut stream = turmoil::net::TcpStream::connect("broker:1883").await?;
            for round in 0..20 {
                let order = format!("say {name}{round:02}\n");
                stream.write_all(order.as_bytes()).await?;
                let mut answer = vec![0; order.len() - 5];
                stream.read_exact(&mut answer).await?;
                heard.borrow_mut().push(String::from_utf8(answer)?);
            }
            stream.write_all(b"wake 30\n").await?;
            stream.write_all(b"say bye\nclose\n").await?;
            let mut rest = String::new();
            stream.read_to_string(&mut rest).await?;
            heard.borrow_mut().push(format!("{name} {rest}"));
            Ok(())
        });
    }
    simulation.run().expect("every client ends well");
    (log.inputs(), heard.take())
}

#[test]
fn one_seed_gives_one_run() {
    let (inputs, heard) = run();
    assert_eq!(heard.len(), 63, "twenty answers and a goodbye for each of three clients");
    assert!(heard.iter().any(|line| line == "carol bye"));
    assert_eq!(inputs.iter().filter(|input| input.starts_with("opened")).count(), 3);
    for repeat in 0..5 {
        assert_eq!(run(), (inputs.clone(), heard.clone()), "repeat {repeat}");
    }
}
