//! Opens connections, or sees that they cannot be opened.

use std::io;
use std::rc::Rc;

use mqspec_conformance::plan::{ActorId, ConnectFault, Step};
use mqspec_conformance::verdict::Stop;

use super::{Script, never_struck};
use crate::actor::Actor;

impl Script {
    pub(super) async fn open(&self, step: &Step, actor: ActorId) -> Result<(), Stop> {
        let actor = self.actor(step, actor)?;
        self.let_planned_cut_strike(step, actor).await?;
        actor
            .open()
            .await
            .map_err(|error| self.ours(step, "a network connection to the broker", error.to_string()))
    }

    /// A planned fault has an attempt to connect fail.
    pub(super) async fn open_fails(
        &self,
        step: &Step,
        actor: ActorId,
        how: ConnectFault,
    ) -> Result<(), Stop> {
        let actor = self.actor(step, actor)?;
        self.let_planned_cut_strike(step, actor).await?;
        let (kind, wanted) = match how {
            ConnectFault::Refused => {
                (io::ErrorKind::ConnectionRefused, "an attempt to connect that is refused")
            }
            ConnectFault::TimedOut => (io::ErrorKind::TimedOut, "an attempt to connect that nobody answers"),
        };
        match actor.open().await {
            Err(error) if error.kind() == kind => Ok(()),
            Err(error) => Err(self.ours(step, wanted, error.to_string())),
            Ok(()) => Err(self.ours(step, wanted, String::from("the network connection was opened"))),
        }
    }

    /// A planned cut is meant for the connection that is open now. Reconnecting before it has struck would
    /// turn it against the next one, and blame the broker for what we did.
    async fn let_planned_cut_strike(&self, step: &Step, actor: &Rc<Actor>) -> Result<(), Stop> {
        let clock = &self.environment.clock;
        let deadline = clock.now() + self.environment.patience;
        while actor.is_open() && actor.layer.will_cut() {
            let news = actor.news.notified();
            tokio::select! {
                biased;
                () = news => {}
                () = clock.sleep_until(deadline) => {
                    return Err(self.ours(step, "the planned fault to strike first", never_struck(actor)));
                }
            }
        }
        Ok(())
    }
}
