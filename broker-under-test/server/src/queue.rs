//! A queue between the halves of connections and the broker's side, all of which live in one future: nothing is locked.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop;

/// A queue, empty, however much is put into it.
pub(crate) fn queue<T>() -> (Sender<T>, Receiver<T>) {
    let queue =
        Rc::new(RefCell::new(Queue { items: VecDeque::new(), senders: 1, received: true, waker: None }));
    (Sender(Rc::clone(&queue)), Receiver(queue))
}

#[derive(Debug)]
struct Queue<T> {
    items: VecDeque<T>,
    senders: usize,
    /// Whether anybody takes anything out.
    received: bool,
    /// Who waits for an item, or for the last sender to go.
    waker: Option<Waker>,
}

/// Puts things into a queue.
#[derive(Debug)]
pub(crate) struct Sender<T>(Rc<RefCell<Queue<T>>>);

impl<T> Sender<T> {
    /// Appends an item. Whether there is anybody to take it.
    pub(crate) fn send(&self, item: T) -> bool {
        let mut queue = self.0.borrow_mut();
        if !queue.received {
            return false;
        }
        queue.items.push_back(item);
        let waker = queue.waker.take();
        drop(queue);
        waker.into_iter().for_each(Waker::wake);
        true
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.borrow_mut().senders += 1;
        Self(Rc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut queue = self.0.borrow_mut();
        queue.senders -= 1;
        let waker = if queue.senders == 0 { queue.waker.take() } else { None };
        drop(queue);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// Takes things out of a queue.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Rc<RefCell<Queue<T>>>);

impl<T> Receiver<T> {
    /// The next item; `None` once there is none left and nobody to send one.
    pub(crate) async fn recv(&mut self) -> Option<T> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut queue = self.0.borrow_mut();
        // First, as most often there is nothing: then it does not matter whose turn it is.
        if queue.items.is_empty() && queue.senders > 0 {
            match &mut queue.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        // Whoever has taken much lets others have their turn, as with tokio's queues.
        ready!(coop::poll_proceed(context)).made_progress();
        Poll::Ready(queue.items.pop_front())
    }

    /// The next item, if there is one now.
    pub(crate) fn try_recv(&mut self) -> Option<T> {
        self.0.borrow_mut().items.pop_front()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut queue = self.0.borrow_mut();
        queue.received = false;
        let rest = std::mem::take(&mut queue.items);
        drop(queue);
        // What is in it may hold a sender of this very queue.
        drop(rest);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn what_was_sent_comes_out_in_order_and_then_the_end() {
        let (sender, mut receiver) = queue();
        assert!(receiver.recv().now_or_never().is_none(), "nothing yet, and somebody may send");
        let other = sender.clone();
        assert!(sender.send(1) && other.send(2));
        drop(sender);
        assert_eq!(receiver.recv().now_or_never(), Some(Some(1)));
        assert_eq!(receiver.try_recv(), Some(2));
        assert!(receiver.recv().now_or_never().is_none(), "one sender is left");
        drop(other);
        assert_eq!(receiver.recv().now_or_never(), Some(None));
    }

    #[test]
    fn nothing_is_kept_for_a_receiver_that_has_gone() {
        let (sender, receiver) = queue();
        let item = Rc::new(());
        assert!(sender.send(Rc::clone(&item)));
        drop(receiver);
        assert_eq!(Rc::strong_count(&item), 1);
        assert!(!sender.send(item));
    }
}
