//! Branches that run at the same time, on one thread.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::LocalBoxFuture;
use futures_util::task::AtomicWaker;

/// One branch: its future until it has ended, and whether something has happened that it waits for.
struct Branch<'a, E> {
    future: Option<LocalBoxFuture<'a, Result<(), E>>>,
    bell: Arc<Bell>,
    waker: Waker,
}

/// Rung for a branch; passed on to whoever waits for all of them.
struct Bell {
    rung: AtomicBool,
    outer: Arc<AtomicWaker>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Relaxed);
        self.outer.wake();
    }
}

/// Ends when all branches have ended, or with the first error.
///
/// Branches go on in their order, which makes a run repeatable; but only those that something has happened for: to
/// ask each of many whenever anything happens costs more than all that they do.
pub(super) async fn all<E>(futures: Vec<LocalBoxFuture<'_, Result<(), E>>>) -> Result<(), E> {
    let outer = Arc::new(AtomicWaker::new());
    let mut branches: Vec<Branch<'_, E>> = futures
        .into_iter()
        .map(|future| {
            // Every branch has yet to begin.
            let bell = Arc::new(Bell { rung: AtomicBool::new(true), outer: Arc::clone(&outer) });
            Branch { future: Some(future), waker: Waker::from(Arc::clone(&bell)), bell }
        })
        .collect();
    poll_fn(move |context| {
        outer.register(context.waker());
        let mut open = false;
        for branch in &mut branches {
            let Some(future) = &mut branch.future else { continue };
            if !branch.bell.rung.swap(false, Ordering::Relaxed) {
                open = true;
                continue;
            }
            match future.as_mut().poll(&mut Context::from_waker(&branch.waker)) {
                Poll::Ready(Ok(())) => branch.future = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => open = true,
            }
        }
        if open { Poll::Pending } else { Poll::Ready(Ok(())) }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use futures_util::FutureExt as _;
    use tokio::sync::Notify;

    use super::*;

    #[test]
    fn only_branches_that_something_has_happened_for_go_on_and_all_must_end() {
        let (polled, order) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
        let bells = [Rc::new(Notify::new()), Rc::new(Notify::new())];
        let branch = |index: usize| {
            let (polled, order) = (Rc::clone(&polled), Rc::clone(&order));
            let bell = bells.get(index).map(Rc::clone).expect("there are two");
            async move {
                let mut waits = Box::pin(async move { bell.notified().await });
                poll_fn(|context| {
                    polled.set(polled.get() + 1);
                    waits.as_mut().poll(context)
                })
                .await;
                order.borrow_mut().push(index);
                Ok::<(), ()>(())
            }
            .boxed_local()
        };
        let mut both = Box::pin(all(vec![branch(0), branch(1)]));
        let mut context = Context::from_waker(Waker::noop());
        assert!(both.as_mut().poll(&mut context).is_pending());
        assert_eq!(polled.get(), 2, "each has begun");
        assert!(both.as_mut().poll(&mut context).is_pending());
        assert_eq!(polled.get(), 2, "nothing has happened");
        bells.iter().rev().for_each(|bell| bell.notify_one());
        assert_eq!(both.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        assert_eq!((polled.get(), order.take()), (4, vec![0, 1]), "in their order, whoever was woken first");
    }

    #[test]
    fn the_first_error_ends_all() {
        let never = std::future::pending::<Result<(), &str>>().boxed_local();
        let fails = std::future::ready(Err("no")).boxed_local();
        assert_eq!(all(vec![never, fails]).now_or_never(), Some(Err("no")));
    }
}
