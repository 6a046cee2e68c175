//! One answer at a time is gathered, and when it is done the request that came last is next.
//!
//! Under a flood a queue would have everybody wait for longer than anyone is willing to; so at least
//! those who come now are answered now. Those who wait are connections, so there is a bound to them.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::oneshot;

#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Rc<RefCell<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    is_taken: bool,
    waiting: Vec<oneshot::Sender<Pass>>,
}

/// The right to have an answer gathered. Gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Pass(Gate);

impl Gate {
    /// Waits until nobody else has a pass.
    pub(crate) async fn pass(&self) -> Pass {
        let called = {
            let mut queue = self.0.borrow_mut();
            if !std::mem::replace(&mut queue.is_taken, true) {
                return Pass(self.clone());
            }
            let (call, called) = oneshot::channel();
            queue.waiting.retain(|waiting| !waiting.is_closed());
            queue.waiting.push(call);
            called
        };
        called.await.expect("whoever has the pass hands it on")
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut queue = self.0.0.borrow_mut();
        queue.is_taken = false;
        let next = loop {
            match queue.waiting.pop() {
                Some(next) if next.is_closed() => {}
                Some(next) => break next,
                None => return,
            }
        };
        queue.is_taken = true;
        drop(queue);
        // All this is one thread's: who was there a moment ago still is. Should the pass come back all
        // the same, it goes to the one after.
        let _ = next.send(Self(self.0.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn the_last_to_come_is_next_and_who_left_is_passed_over() {
        let gate = Gate::default();
        let first = poll(pin!(gate.pass())).expect("nobody is there");
        let mut second = pin!(gate.pass());
        let mut third = pin!(gate.pass());
        assert!(poll(second.as_mut()).is_none() && poll(third.as_mut()).is_none());
        {
            let mut leaves = pin!(gate.pass());
            assert!(poll(leaves.as_mut()).is_none());
        }
        drop(first);
        assert!(poll(second.as_mut()).is_none());
        drop(poll(third.as_mut()).expect("its turn"));
        drop(poll(second.as_mut()).expect("its turn"));
        assert!(poll(pin!(gate.pass())).is_some(), "the gate is free again");
    }
}
