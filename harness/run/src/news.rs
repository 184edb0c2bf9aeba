//! Tells everybody on one thread who waits that something has changed.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Rings for all who wait at that time, in the order in which they began to. What tokio's `Notify` would do, without
/// the locks that several threads need: actors wait for every packet.
#[derive(Debug, Default)]
pub struct News {
    /// How often it has rung.
    rung: Cell<u64>,
    next: Cell<u64>,
    waiting: RefCell<Vec<(u64, Waker)>>,
}

impl News {
    /// Ends when it rings after this call.
    pub fn notified(&self) -> Notified<'_> {
        Notified { news: self, heard: self.rung.get(), waits: None }
    }

    /// Rings.
    pub fn notify_waiters(&self) {
        self.rung.set(self.rung.get() + 1);
        let mut waiting = self.waiting.take();
        for (_, waker) in waiting.drain(..) {
            waker.wake();
        }
        // Its room is for those who wait next.
        let mut next = self.waiting.borrow_mut();
        if next.is_empty() {
            *next = waiting;
        }
    }
}

/// Waits for [`News`].
#[derive(Debug)]
pub struct Notified<'a> {
    news: &'a News,
    /// How often it had rung when the waiting began.
    heard: u64,
    /// Its number among those who wait, once it has been asked.
    waits: Option<u64>,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let news = self.news;
        if news.rung.get() != self.heard {
            self.waits = None;
            return Poll::Ready(());
        }
        let mut waiting = news.waiting.borrow_mut();
        let place = self.waits.and_then(|number| waiting.iter_mut().find(|(other, _)| *other == number));
        if let Some((_, waker)) = place {
            waker.clone_from(context.waker());
        } else {
            let number = news.next.get();
            news.next.set(number + 1);
            waiting.push((number, context.waker().clone()));
            self.waits = Some(number);
        }
        Poll::Pending
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.waits {
            self.news.waiting.borrow_mut().retain(|(other, _)| *other != number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::task::Wake;

    use super::*;

    /// Notes its name where it is woken.
    struct Named(&'static str, Arc<Mutex<Vec<&'static str>>>);

    impl Wake for Named {
        fn wake(self: Arc<Self>) {
            self.1.lock().expect("nobody panics").push(self.0);
        }
    }

    #[test]
    fn all_who_wait_hear_of_it_in_their_order_and_nobody_else() {
        let woken = Arc::default();
        let waker = |name| Waker::from(Arc::new(Named(name, Arc::clone(&woken))));
        let (first, second, gone) = (waker("first"), waker("second"), waker("gone"));
        let news = News::default();
        let (mut one, mut two) = (pin!(news.notified()), pin!(news.notified()));
        assert!(two.as_mut().poll(&mut Context::from_waker(&gone)).is_pending());
        assert!(one.as_mut().poll(&mut Context::from_waker(&second)).is_pending());
        assert!(two.as_mut().poll(&mut Context::from_waker(&first)).is_pending(), "it has another waker now");
        {
            let mut dropped = pin!(news.notified());
            assert!(dropped.as_mut().poll(&mut Context::from_waker(&gone)).is_pending());
        }
        let mut asked_late = pin!(news.notified());
        news.notify_waiters();
        assert_eq!(*woken.lock().expect("nobody panics"), ["first", "second"]);
        let mut context = Context::from_waker(Waker::noop());
        assert!(one.as_mut().poll(&mut context).is_ready() && two.as_mut().poll(&mut context).is_ready());
        assert!(asked_late.as_mut().poll(&mut context).is_ready(), "it was there when it rang");
        assert!(pin!(news.notified()).poll(&mut context).is_pending(), "this one came too late");
    }
}
