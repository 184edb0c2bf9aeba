//! A broker that mqspec starts and stops by the commands of a profile. Nothing that was started outlives the
//! [`Running`] value.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mqspec_conformance::plan::BrokerFault;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::external::{Endpoint, Target};
use super::profile::{Command, Commands, Profile};

/// How often we look whether a process has ended; nothing tells us across threads without a signal handler.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often we ask whether a broker is ready.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How long one attempt to connect may take while we look who listens.
const KNOCK: Duration = Duration::from_secs(1);
/// How many of the log's last lines an error quotes.
const QUOTED_LINES: usize = 8;

/// A broker that runs as long as this value lives.
#[derive(Debug)]
pub struct Running(Arc<Process>);

/// The broker's process, or the service that stands for one.
#[derive(Debug)]
pub struct Process {
    commands: Commands,
    target: Target,
    /// What the broker and the commands print.
    log: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Down,
    /// The process that `start` became.
    Child(Child),
    /// `start` told somebody else to start it and ended.
    Service,
    /// It has ended and will not be started any more.
    Over,
}

impl Running {
    /// The broker of a profile, not started yet; what it prints will go to the file `log`. `None`: the profile
    /// has no `start`.
    ///
    /// # Errors
    ///
    /// The log cannot be written.
    pub fn new(profile: &Profile, log: &Path) -> Result<Option<Self>, String> {
        let Some(commands) = profile.commands.clone() else { return Ok(None) };
        let began = log.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| File::create(log));
        began.map_err(|why| format!("cannot write the broker's log {}: {why}", log.display()))?;
        let process = Process {
            commands,
            target: profile.target.clone(),
            log: log.to_owned(),
            state: Mutex::new(State::Down),
        };
        Ok(Some(Self(Arc::new(process))))
    }

    /// Starts it for the first time and waits until it is ready. Blocks.
    ///
    /// # Errors
    ///
    /// Somebody listens there already, a command cannot be run or fails, the broker ends or is not ready in
    /// time. Says which, with the end of the log; nothing is left running.
    pub fn start(&self) -> Result<(), String> {
        block_on(self.0.first_start())?
    }

    /// The process, to be handed to those who may stop and start it.
    pub fn process(&self) -> &Arc<Process> {
        &self.0
    }
}

/// Ends the broker in good order, by force where that takes too long.
impl Drop for Running {
    fn drop(&mut self) {
        // A runtime must not be entered from within another: a thread of its own has none.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // What cannot be ended in good order is ended by force, and what could is ended already.
                let _ = block_on(self.0.shut_down());
                self.0.end_for_good();
            });
        });
    }
}

impl Process {
    /// Does something to the broker; ends when it has taken effect (a started broker is ready).
    ///
    /// # Errors
    ///
    /// It did not take effect in time, or a command failed.
    pub async fn act(&self, fault: BrokerFault) -> Result<(), String> {
        match fault {
            BrokerFault::Start => self.start().await,
            BrokerFault::Kill => self.end("kill", self.commands.kill.as_ref(), Signal::KILL).await,
            BrokerFault::PowerLoss | BrokerFault::StartInVain => {
                Err(String::from("only a simulated machine can lose its power and its disk"))
            }
            BrokerFault::Stop => self.end("stop", self.commands.stop.as_ref(), Signal::TERM).await,
        }
    }

    /// Sees to it that the broker is up, whatever a run did to it. Blocks.
    ///
    /// # Errors
    ///
    /// As [`Process::act`].
    pub fn restore(&self) -> Result<(), String> {
        block_on(async {
            if self.runs() {
                self.until_ready(Instant::now() + self.commands.start_within).await
            } else {
                self.start().await
            }
        })?
    }

    /// How long ending and starting it may take together.
    pub fn longest_restart(&self) -> Duration {
        self.commands.start_within + self.commands.stop_within
    }

    fn runs(&self) -> bool {
        match &mut *self.state() {
            State::Down | State::Over => false,
            State::Child(child) => matches!(child.try_wait(), Ok(None)),
            State::Service => true,
        }
    }

    /// How the broker ended without being asked to, where it has.
    pub fn ended_by_itself(&self) -> Option<ExitStatus> {
        match &mut *self.state() {
            State::Child(child) => child.try_wait().ok().flatten(),
            State::Down | State::Service | State::Over => None,
        }
    }

    /// The file that holds what it printed.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Ends everything by force, for ever: what to do when mqspec itself is interrupted.
    pub fn end_for_good(&self) {
        let state = std::mem::replace(&mut *self.state(), State::Over);
        let over = matches!(state, State::Over);
        self.end_by_force(state);
        if !over {
            self.wait_for("cleanup", self.commands.cleanup.as_ref());
        }
    }

    fn end_by_force(&self, state: State) {
        match state {
            State::Child(child) => drop(Guard(child)),
            State::Service => self.wait_for("kill", self.commands.kill.as_ref()),
            State::Down | State::Over => {}
        }
    }

    /// Runs a last command. There is nothing left to do about one that fails; what it says is in the log.
    fn wait_for(&self, what: &str, command: Option<&Command>) {
        let Some(command) = command else { return };
        // A runtime must not be entered from within another: a thread of its own has none.
        std::thread::scope(|scope| {
            scope.spawn(|| drop(block_on(self.run(what, command, self.commands.stop_within))));
        });
    }

    async fn first_start(&self) -> Result<(), String> {
        for endpoint in self.endpoints() {
            if answers(endpoint).await {
                return Err(format!(
                    "something listens at {}:{} already, where the profile's `start` wants to",
                    endpoint.host, endpoint.port
                ));
            }
        }
        if let Some(prepare) = &self.commands.prepare {
            self.run("prepare", prepare, self.commands.stop_within).await?;
        }
        self.start().await
    }

    async fn start(&self) -> Result<(), String> {
        let deadline = Instant::now() + self.commands.start_within;
        self.begin()?;
        let ready = self.until_ready(deadline).await;
        if ready.is_err() {
            let failed = self.take_unless_over();
            self.end_by_force(failed);
        }
        ready.map_err(|why| format!("{why}{}", self.end_of_log()))
    }

    /// Runs `start`. The state stays locked meanwhile, so that nobody who ends everything can miss it.
    fn begin(&self) -> Result<(), String> {
        let mut state = self.state();
        let runs = match &mut *state {
            State::Over => return Err(String::from("the broker is not to be started any more")),
            State::Child(child) => matches!(child.try_wait(), Ok(None)),
            State::Service => true,
            State::Down => false,
        };
        if runs {
            return Err(String::from("the broker is running already"));
        }
        let start = &self.commands.start;
        let begun = self
            .spawn(start)
            .map_err(|why| format!("cannot run `start` ({}): {why}", start.program.display()))?;
        *state = State::Child(begun);
        Ok(())
    }

    async fn until_ready(&self, deadline: Instant) -> Result<(), String> {
        let late = || format!("the broker is not ready within {:?} of its start", self.commands.start_within);
        if let Some(ready) = &self.commands.ready {
            loop {
                let mut asking =
                    Guard(self.spawn(ready).map_err(|why| format!("cannot run `ready`: {why}"))?);
                let answer = loop {
                    self.check_alive()?;
                    if let Some(status) = asking.0.try_wait().map_err(|why| why.to_string())? {
                        break status;
                    }
                    if Instant::now() >= deadline {
                        return Err(late());
                    }
                    sleep(LOOK_EVERY).await;
                };
                if answer.success() {
                    break;
                }
                sleep(ASK_EVERY).await;
            }
        }
        for endpoint in self.endpoints() {
            while !answers(endpoint).await {
                self.check_alive()?;
                if Instant::now() >= deadline {
                    return Err(format!(
                        "{}; nothing listens at {}:{}",
                        late(),
                        endpoint.host,
                        endpoint.port
                    ));
                }
                sleep(ASK_EVERY).await;
            }
        }
        // What answered may be another broker that took the port a moment before ours gave up.
        self.check_alive()
    }

    /// That the started process still runs, or that a service stands for it.
    fn check_alive(&self) -> Result<(), String> {
        let mut state = self.state();
        let State::Child(child) = &mut *state else { return Ok(()) };
        match child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("the broker ended when it should have started ({status})")),
            Err(why) => Err(format!("the broker's process cannot be watched: {why}")),
        }
    }

    /// Whether the commands alone can end it, so that `start` need not become the broker.
    fn is_service(&self) -> bool {
        self.commands.stop.is_some() && self.commands.kill.is_some()
    }

    /// Ends the broker by a command, or else by a signal.
    async fn end(&self, what: &str, command: Option<&Command>, signal: Signal) -> Result<(), String> {
        let within = self.commands.stop_within;
        let deadline = Instant::now() + within;
        if matches!(*self.state(), State::Down | State::Over) {
            return Err(String::from("the broker is not running"));
        }
        match command {
            Some(command) => self.run(what, command, within).await?,
            None => self.signal(signal),
        }
        loop {
            let ended = match &mut *self.state() {
                State::Child(child) => child.try_wait().map_err(|why| why.to_string())?.is_some(),
                State::Down | State::Over => true,
                State::Service => false,
            };
            if ended || self.nobody_answers().await {
                drop(self.take_unless_over());
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(format!(
                    "`{what}` did not end the broker within {within:?}{}",
                    self.end_of_log()
                ));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// For a service: whether all of its listeners are gone. A process is watched instead.
    async fn nobody_answers(&self) -> bool {
        if !matches!(*self.state(), State::Service) {
            return false;
        }
        for endpoint in self.endpoints() {
            if answers(endpoint).await {
                return false;
            }
        }
        true
    }

    fn signal(&self, signal: Signal) {
        if let State::Child(child) = &mut *self.state()
            && matches!(child.try_wait(), Ok(None))
        {
            // It can only fail for a process that has ended, which is what we want.
            let _ = if signal == Signal::KILL {
                kill_process_group(Pid::from_child(child), signal)
            } else {
                kill_process(Pid::from_child(child), signal)
            };
        }
    }

    async fn shut_down(&self) -> Result<(), String> {
        if self.runs() { self.act(BrokerFault::Stop).await } else { Ok(()) }
    }

    /// Runs a command to its end.
    async fn run(&self, what: &str, command: &Command, within: Duration) -> Result<(), String> {
        let program = command.program.display();
        let mut child =
            Guard(self.spawn(command).map_err(|why| format!("cannot run `{what}` ({program}): {why}"))?);
        let deadline = Instant::now() + within;
        loop {
            match child.0.try_wait().map_err(|why| why.to_string())? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => {
                    return Err(format!("`{what}` ({program}) failed ({status}){}", self.end_of_log()));
                }
                None if Instant::now() >= deadline => {
                    return Err(format!("`{what}` ({program}) did not end within {within:?}"));
                }
                None => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Starts a program in a process group of its own, so that its children can be ended with it.
    fn spawn(&self, command: &Command) -> io::Result<Child> {
        let log = OpenOptions::new().append(true).create(true).open(&self.log)?;
        std::process::Command::new(&command.program)
            .args(&command.arguments)
            .current_dir(&self.commands.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
    }

    fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.target.mqtt.iter().chain(&self.target.amqp)
    }

    fn end_of_log(&self) -> String {
        let Ok(bytes) = fs::read(&self.log) else { return String::new() };
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines.get(lines.len().saturating_sub(QUOTED_LINES)..).unwrap_or_default();
        let quoted: String = last.iter().flat_map(|line| ["\n  ", line]).collect();
        if quoted.is_empty() { quoted } else { format!("; {} ends with{quoted}", self.log.display()) }
    }

    /// What was, now down; what is over stays so.
    fn take_unless_over(&self) -> State {
        let mut state = self.state();
        if matches!(*state, State::Over) { State::Over } else { std::mem::replace(&mut *state, State::Down) }
    }

    /// What is known of the broker by now. A `start` that has ended well stands for a service, whenever that
    /// was: it may answer before the command that told it to start has ended.
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not keep us from ending the broker.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Child(child) = &mut *state
            && self.is_service()
            && matches!(child.try_wait(), Ok(Some(status)) if status.success())
        {
            *state = State::Service;
        }
        state
    }
}

/// A child that is killed, with its children, where nobody waits for it any more.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        // Both can only fail for a process that has ended.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

async fn answers(endpoint: &Endpoint) -> bool {
    let connect = TcpStream::connect((endpoint.host.as_str(), endpoint.port));
    matches!(timeout(KNOCK, connect).await, Ok(Ok(_)))
}

fn block_on<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map(|runtime| runtime.block_on(future)).map_err(|why| format!("no tokio runtime: {why}"))
}
