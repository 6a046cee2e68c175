//! What one shard is told from outside: closures to run on its broker, and when to stop.
//!
//! Looking whether there is anything costs the shard one load a turn. Whoever queues an order says so
//! in `waiting` before it rings the shard's event counter, so a shard that was woken sees it.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::bell;

/// Orders that may wait for one shard. It takes them in its next turns, so only a burst fills this; who has
/// one more then waits for one of those.
pub(crate) const ORDERS_MAX: usize = 256;

/// Something for a shard to do.
pub(crate) type Order = shard_core::Order<Task, OwnedFd>;

/// What only concerns a shard's sockets.
pub(crate) enum Task {
    StopAccepting,
}

/// The orders that wait for one shard.
pub(crate) struct Orders {
    waiting: AtomicBool,
    queue: Mutex<Queue>,
    has_room: Condvar,
    /// The shard's event counter: wakes it.
    counter: Arc<OwnedFd>,
}

#[derive(Default)]
struct Queue {
    orders: VecDeque<Order>,
    /// The shard was told to stop or has ended: it takes no more orders, but for what its logs asked for.
    closed: bool,
    /// It has ended.
    ended: bool,
}

impl Queue {
    /// Logs come to a clean stop after the shard was told to, and wait for what they ask for on the way: that is bounded by
    /// what a log may ask for.
    fn takes(&self, order: &Order) -> bool {
        !self.closed || (!self.ended && matches!(order, Order::Stored(..)))
    }
}

impl Orders {
    pub(crate) fn new(counter: Arc<OwnedFd>) -> Self {
        Self { waiting: AtomicBool::new(false), queue: Mutex::default(), has_room: Condvar::new(), counter }
    }

    pub(crate) fn counter(&self) -> &Arc<OwnedFd> {
        &self.counter
    }

    /// Queues an order and wakes the shard; waits while the queue is full. A shard that stops or has
    /// ended drops it.
    pub(crate) fn give(&self, order: Order) {
        let has_no_room = |queue: &mut Queue| !queue.closed && queue.orders.len() >= ORDERS_MAX;
        let mut queue = self.has_room.wait_while(self.queue(), has_no_room).expect(NO_PANIC);
        if queue.takes(&order) {
            queue.orders.push_back(order);
            self.wake(queue);
        }
    }

    /// Queues the last order: further ones are dropped, but for what logs asked for. Told again, it wakes the shard again: one that
    /// ends says so this way, since the bells it rang last may go with its ring.
    pub(crate) fn stop(&self) {
        let mut queue = self.queue();
        if !queue.closed {
            queue.closed = true;
            queue.orders.push_back(Order::Stop);
            self.has_room.notify_all();
        }
        self.wake(queue);
    }

    /// Drops all orders, those to come as well: the shard has ended.
    pub(crate) fn end(&self) {
        let mut queue = self.queue();
        (queue.closed, queue.ended) = (true, true);
        let dropped = std::mem::take(&mut queue.orders);
        drop(queue);
        drop(dropped);
        self.has_room.notify_all();
    }

    /// Whether there is something to take.
    pub(crate) fn are_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// Takes the one that waits longest.
    pub(crate) fn take_next(&self) -> Option<Order> {
        let mut queue = self.queue();
        let next = queue.orders.pop_front();
        self.waiting.store(!queue.orders.is_empty(), Ordering::Relaxed);
        self.has_room.notify_all();
        next
    }

    fn wake(&self, queue: MutexGuard<'_, Queue>) {
        self.waiting.store(true, Ordering::Release);
        drop(queue);
        bell::ring(&self.counter);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect(NO_PANIC)
    }
}

const NO_PANIC: &str = "orders are run and dropped outside of the lock";

impl fmt::Debug for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orders").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use rustix::event::{EventfdFlags, eventfd};
    use stream_log::Answer;

    use super::*;

    fn orders() -> Orders {
        Orders::new(Arc::new(eventfd(0, EventfdFlags::NONBLOCK).unwrap()))
    }

    fn take_all(orders: &Orders) -> Vec<Order> {
        std::iter::from_fn(|| orders.take_next()).collect()
    }

    /// An order that tells when it was dropped.
    fn order() -> (Order, mpsc::Receiver<()>) {
        let (held, dropped) = mpsc::channel();
        (Order::Run(Box::new(move |_, _| drop(held))), dropped)
    }

    #[test]
    fn an_order_is_seen_once_and_wakes_the_shard() {
        let orders = orders();
        assert!(!orders.are_waiting());
        orders.give(Order::Own(Task::StopAccepting));
        assert!(orders.are_waiting());
        let mut count = [0; 8];
        assert_eq!(rustix::io::read(orders.counter(), &mut count), Ok(8));
        assert!(orders.take_next().is_some());
        assert!(!orders.are_waiting() && orders.take_next().is_none());
    }

    /// A shard that said its last word and ended at once took the wake-up along, and the other one slept
    /// until its patience was over.
    #[test]
    fn a_second_stop_wakes_again() {
        let orders = orders();
        for _ in 0..2 {
            orders.stop();
            assert_eq!(rustix::io::read(orders.counter(), &mut [0; 8]), Ok(8));
        }
        assert_eq!(take_all(&orders).len(), 1);
    }

    #[test]
    fn some_can_be_left_for_later() {
        let orders = orders();
        orders.give(Order::Own(Task::StopAccepting));
        orders.stop();
        assert!(matches!(orders.take_next(), Some(Order::Own(Task::StopAccepting))) && orders.are_waiting());
        assert!(matches!(orders.take_next(), Some(Order::Stop)) && !orders.are_waiting());
    }

    #[test]
    fn what_comes_after_the_stop_is_dropped() {
        let orders = orders();
        orders.give(Order::Own(Task::StopAccepting));
        orders.stop();
        orders.stop();
        let (order, dropped) = order();
        orders.give(order);
        assert_eq!(dropped.recv(), Err(mpsc::RecvError));
        let taken = take_all(&orders);
        assert!(matches!(taken[..], [Order::Own(Task::StopAccepting), Order::Stop]));
    }

    /// A log that waited for ever kept its shard from stopping, until its patience was over.
    #[test]
    fn what_logs_asked_for_comes_after_the_stop() {
        let orders = orders();
        let stored = || Order::Stored(2, Answer::Written(Ok(())));
        orders.stop();
        orders.give(stored());
        assert!(matches!(take_all(&orders)[..], [Order::Stop, Order::Stored(2, Answer::Written(Ok(())))]));
        orders.end();
        orders.give(stored());
        assert!(take_all(&orders).is_empty());
    }

    #[test]
    fn the_end_drops_what_waits() {
        let orders = orders();
        let (order, dropped) = order();
        orders.give(order);
        orders.end();
        assert_eq!(dropped.recv(), Err(mpsc::RecvError));
        assert!(orders.take_next().is_none());
    }

    /// Fills the queue, has someone wait for room, and makes room or an end.
    fn give_to_the_full(free: impl FnOnce(&Orders)) {
        let orders = orders();
        for _ in 0..ORDERS_MAX {
            orders.give(Order::Own(Task::StopAccepting));
        }
        thread::scope(|scope| {
            let waiter = scope.spawn(|| orders.give(Order::Own(Task::StopAccepting)));
            free(&orders);
            waiter.join().unwrap();
        });
    }

    #[test]
    fn who_waits_for_room_goes_on_with_the_next_turn_the_stop_or_the_end() {
        give_to_the_full(|orders| assert!(orders.take_next().is_some()));
        give_to_the_full(Orders::stop);
        give_to_the_full(Orders::end);
    }
}
