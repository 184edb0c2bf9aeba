//! A queue between tasks of one thread: what tokio's would do, without the locks that several threads need. All that
//! actors write goes through one.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop;

/// A queue, empty, however much is put into it.
pub fn queue<T>() -> (Sender<T>, Receiver<T>) {
    let state = State { items: VecDeque::new(), senders: 1, is_received: true, waiting: None };
    let state = Rc::new(RefCell::new(state));
    (Sender(Rc::clone(&state)), Receiver(state))
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    senders: usize,
    /// Somebody may still take things out.
    is_received: bool,
    /// Who waits for an item, or for the last sender to go.
    waiting: Option<Waker>,
}

/// Puts things into a queue.
#[derive(Debug)]
pub struct Sender<T>(Rc<RefCell<State<T>>>);

impl<T> Sender<T> {
    /// Appends an item; it is dropped where nobody takes anything out any more.
    pub fn send(&self, item: T) {
        let mut state = self.0.borrow_mut();
        if !state.is_received {
            return;
        }
        state.items.push_back(item);
        let waiting = state.waiting.take();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
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
        let mut state = self.0.borrow_mut();
        state.senders -= 1;
        let waiting = if state.senders == 0 { state.waiting.take() } else { None };
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Takes things out of a queue.
#[derive(Debug)]
pub struct Receiver<T>(Rc<RefCell<State<T>>>);

impl<T> Receiver<T> {
    /// The next item; `None` once there is none left and nobody to send one.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.0.borrow_mut();
        // First, as most often there is nothing: then it does not matter whose turn it is.
        if state.items.is_empty() && state.senders > 0 {
            state.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        // Whoever has taken much lets others have their turn, as with tokio's queues.
        ready!(coop::poll_proceed(context)).made_progress();
        Poll::Ready(state.items.pop_front())
    }

    /// The next item, if there is one now.
    pub fn try_recv(&mut self) -> Option<T> {
        self.0.borrow_mut().items.pop_front()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.borrow_mut();
        state.is_received = false;
        let rest = std::mem::take(&mut state.items);
        drop(state);
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
        sender.send(1);
        other.send(2);
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
        sender.send(Rc::clone(&item));
        drop(receiver);
        sender.send(Rc::clone(&item));
        assert_eq!(Rc::strong_count(&item), 1);
    }
}
