//! The live world: real TCP to a broker that somebody else runs.

mod litter;

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use mqspec_conformance::plan::{Bindings, BrokerFault, Origin, Plan};
use mqspec_conformance::verdict::{Cause, Stop};
use mqspec_wire::{Spec, Value};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use self::litter::Litter;
use super::chance::Chance;
use super::{BrokerControl, Carriage, Clock, Connected, Environment, Network, NotDone, Reporter};
use crate::script::{self, RunResult};
use crate::sut::external::{Endpoint, Target};
use crate::sut::process::Process;

/// How to run against a live broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the fault layer's chance comes from.
    pub seed: u64,
    /// What tells this use of a broker from all others, before it and beside it. Of any length: names are
    /// made from a digest of it (`name_of_run`).
    pub token: String,
    /// How long an expectation waits that says nothing else, and a connection attempt too.
    pub patience: Duration,
    /// The longest that a whole run may take, but for taking away what it has left.
    pub limit: Duration,
}

/// The longest that it may take to take one thing away that a run has left.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(5);

/// Runs a plan against a broker over TCP that nobody can stop. Blocks; one thread.
pub fn run(plan: &Plan, target: &Target, settings: &Settings) -> RunResult {
    run_with(plan, target, None, settings)
}

/// Runs a plan against a broker over TCP that the plan may stop and start. Blocks; one thread.
///
/// Sessions, retained messages, queues and exchanges that the plan has left are taken away afterwards, as far as
/// the broker lets us; how that goes is no part of the result.
pub fn run_with(
    plan: &Plan,
    target: &Target,
    process: Option<&Arc<Process>>,
    settings: &Settings,
) -> RunResult {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return broken(plan, format!("no tokio runtime: {error}")),
    };
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let environment = environment(plan, target, process, settings);
        let result = script::run_within(plan, environment, Some(settings.limit)).await;
        clean_up(&result, plan, target, settings).await;
        result
    })
}

/// Takes away what a run has left, thing by thing, until one cannot be reached.
async fn clean_up(result: &RunResult, plan: &Plan, target: &Target, settings: &Settings) {
    let run = name_of_run(&settings.token, &plan.address);
    for plan in Litter::of(&result.trace, &run).plans() {
        let environment = environment(&plan, target, None, settings);
        let cleaned = script::run_within(&plan, environment, Some(CLEAN_UP_LIMIT)).await;
        if cleaned.stop.is_some_and(|stop| stop.cause == Cause::Environment) {
            return;
        }
    }
}

fn environment(
    plan: &Plan,
    target: &Target,
    process: Option<&Arc<Process>>,
    settings: &Settings,
) -> Environment {
    let login = |endpoint: &Option<Endpoint>| endpoint.as_ref().and_then(|endpoint| endpoint.login.clone());
    let (user, password) =
        login(&target.amqp).unwrap_or_else(|| (String::from("guest"), String::from("guest")));
    let vhost = target.amqp.as_ref().map_or("/", |endpoint| &endpoint.vhost);
    let run = name_of_run(&settings.token, &plan.address);
    let bindings: Bindings =
        [("run", run.as_str()), ("user", &user), ("password", &password), ("vhost", vhost)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::text(value)))
            .collect();
    Environment {
        network: Rc::new(LiveNetwork { mqtt: target.mqtt.clone(), amqp: target.amqp.clone() }),
        clock: Rc::new(RealClock { start: Instant::now() }),
        control: match process {
            Some(process) => Rc::new(ProcessControl(Arc::clone(process))),
            None => Rc::new(NoControl),
        },
        reporter: Rc::new(Reporter::default()),
        chance: Chance::new(settings.seed),
        bindings,
        mqtt_login: login(&target.mqtt),
        patience: settings.patience,
        settle: Duration::from_millis(20),
        carriage: Carriage::Layered,
    }
}

/// `$run` of a plan on a broker that others use too: `mq` and ten letters and digits, so that two plans never
/// share a name. An actor's name of up to eleven more still makes a client identifier that every server must
/// take (MQTT 3.1.1, section 3.1.3.1: 23 letters and digits).
fn name_of_run(token: &str, address: &str) -> String {
    const DIGITS: [char; 36] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j',
        'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
    ];
    // FNV-1a; 51 of its 64 bits are kept.
    let bytes = token.bytes().chain([0]).chain(address.bytes());
    let mut rest = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut name = String::from("mq");
    for _ in 0..10 {
        name.extend(usize::try_from(rest % 36).ok().and_then(|digit| DIGITS.get(digit)));
        rest /= 36;
    }
    name
}

fn broken(plan: &Plan, why: String) -> RunResult {
    let stop = Stop {
        origin: Origin::default(),
        proves: None,
        cause: Cause::Environment,
        expected: format!("a run of {} to its end", plan.address),
        actual: why,
        event: None,
    };
    RunResult { stop: Some(stop), ..RunResult::default() }
}

struct LiveNetwork {
    mqtt: Option<Endpoint>,
    amqp: Option<Endpoint>,
}

impl Network for LiveNetwork {
    fn connect(&self, spec: Spec) -> LocalBoxFuture<'static, io::Result<Connected>> {
        let endpoint = if spec.is_mqtt() { self.mqtt.clone() } else { self.amqp.clone() };
        Box::pin(async move {
            let endpoint = endpoint.ok_or_else(|| {
                io::Error::new(io::ErrorKind::AddrNotAvailable, format!("no address for {spec} is known"))
            })?;
            let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
            connected(stream)
        })
    }
}

/// Both halves of a socket.
///
/// # Errors
///
/// What the system says about the socket.
pub(crate) fn connected(stream: TcpStream) -> io::Result<Connected> {
    stream.set_nodelay(true)?;
    let stream = Rc::new(stream);
    let aborted = Rc::clone(&stream);
    Ok(Connected {
        reader: Box::new(Half(Rc::clone(&stream))),
        writer: Box::new(Half(stream)),
        // A failure leaves an orderly close instead, which every plan that resets can bear.
        abort: Box::new(move || drop(aborted.set_zero_linger())),
    })
}

/// Half of a socket. Unlike tokio's own halves it sends nothing when it is dropped, so that an abortive
/// close is one.
struct Half(Rc<TcpStream>);

impl AsyncRead for Half {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            std::task::ready!(self.0.poll_read_ready(context))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Half {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            std::task::ready!(self.0.poll_write_ready(context))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(socket2::SockRef::from(&*self.0).shutdown(Shutdown::Write))
    }
}

/// Time since it was made.
pub(crate) struct RealClock {
    pub(crate) start: Instant,
}

impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep_until(&self, deadline: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep_until(self.start + deadline))
    }
}

struct NoControl;

impl BrokerControl for NoControl {
    fn act(self: Rc<Self>, _: BrokerFault) -> LocalBoxFuture<'static, Result<(), NotDone>> {
        let why = String::from("mqspec cannot start or stop this broker");
        Box::pin(std::future::ready(Err(NotDone::Impossible(why))))
    }
}

struct ProcessControl(Arc<Process>);

impl BrokerControl for ProcessControl {
    fn act(self: Rc<Self>, fault: BrokerFault) -> LocalBoxFuture<'static, Result<(), NotDone>> {
        Box::pin(async move { Ok(self.0.act(fault).await?) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::name_of_run;

    #[test]
    fn every_plan_of_every_run_has_a_short_name_of_its_own() {
        let names: BTreeSet<String> = (0..100)
            .flat_map(|token| {
                (0..100).map(move |plan| name_of_run(&token.to_string(), &format!("mqtt/{plan}@mqtt-5.0")))
            })
            .collect();
        assert_eq!(names.len(), 10_000);
        assert!(names.iter().all(|name| name.len() == 12));
        assert!(names.iter().all(|name| name.chars().all(|letter| letter.is_ascii_alphanumeric())));
    }
}
