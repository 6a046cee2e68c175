//! A client of the server that requests of one identity share.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use http_api::{Credentials, Failure, Outgoing, Session, Told};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::{Notify, oneshot};
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, timeout};

use crate::dial::{Backend, Duplex};
use crate::mailbox::{Mailbox, Outcome};
use crate::unique::unique;

/// How long the server may take to know who asks.
pub(crate) const OPEN_TIME_MAX: Duration = Duration::from_secs(5);

/// Bytes that wait to be sent. Who has more to say waits.
const OUTPUT_BYTES_MAX: usize = 4 << 20;

/// Bytes read at once.
pub(crate) const READ_BYTES: usize = 32 << 10;

/// A client of the server.
pub(crate) struct Client {
    inner: RefCell<Inner>,
    /// There is something to be sent.
    output: Notify,
    /// There is room for more.
    room: Notify,
    last_used: Cell<Instant>,
    task: RefCell<Option<AbortHandle>>,
}

struct Inner {
    session: Session,
    waiting: HashMap<u64, Rc<Mailbox>>,
    opened: Option<oneshot::Sender<Result<(), Failure>>>,
    is_over: bool,
}

/// A question under way. Dropping it takes it back.
pub(crate) struct Pending {
    client: Rc<Client>,
    ticket: u64,
    pub(crate) replies: Rc<Mailbox>,
}

impl Pending {
    /// All has come that ever will.
    pub(crate) fn finish(&self) {
        self.client.inner.borrow_mut().session.finish(self.ticket);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut inner = self.client.inner.borrow_mut();
        inner.session.forget(self.ticket);
        inner.waiting.remove(&self.ticket);
        self.client.output.notify_one();
    }
}

impl Client {
    /// Connects as whoever that is.
    pub(crate) async fn open(
        backend: &Backend,
        credentials: &Credentials,
        name: &str,
    ) -> Result<Rc<Self>, Failure> {
        let stream = backend.dial().await?;
        let (opened, opening) = oneshot::channel();
        let inner = Inner {
            session: Session::new(credentials, name, &unique()),
            waiting: HashMap::new(),
            opened: Some(opened),
            is_over: false,
        };
        let client = Rc::new(Self {
            inner: RefCell::new(inner),
            output: Notify::new(),
            room: Notify::new(),
            last_used: Cell::new(Instant::now()),
            task: RefCell::new(None),
        });
        let task = spawn_local(run(Rc::clone(&client), stream)).abort_handle();
        *client.task.borrow_mut() = Some(task);
        match timeout(OPEN_TIME_MAX, opening).await {
            Ok(Ok(outcome)) => outcome.map(|()| client),
            _ => {
                client.close();
                Err(Failure::Unavailable("the server says nothing".to_owned()))
            }
        }
    }

    /// Whether it is of no use any more.
    pub(crate) fn is_over(&self) -> bool {
        self.inner.borrow().is_over
    }

    /// How long nobody has used it; `None` if somebody does.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        (!self.inner.borrow().session.is_busy()).then(|| self.last_used.get())
    }

    /// Ends it.
    pub(crate) fn close(&self) {
        if let Some(task) = self.task.borrow_mut().take() {
            task.abort();
        }
        self.on_end();
    }

    /// Waits until there is room for what is to be said.
    pub(crate) async fn has_room(&self) {
        while self.inner.borrow().session.output_bytes() > OUTPUT_BYTES_MAX {
            self.room.notified().await;
        }
    }

    /// Publishes a message, if there is one, and asks whether the server has seen it: one reply that is `None`.
    pub(crate) fn fenced(self: &Rc<Self>, message: Option<&Outgoing>) -> Result<Pending, Failure> {
        self.begin(|session| session.publish_fenced(message))
    }

    /// Publishes a message whose replies are told.
    pub(crate) fn ask(self: &Rc<Self>, message: &Outgoing) -> Result<Pending, Failure> {
        self.begin(|session| session.ask(message))
    }

    /// The same for messages of a consumer.
    pub(crate) fn pull(self: &Rc<Self>, message: &Outgoing) -> Result<Pending, Failure> {
        self.begin(|session| session.pull(message))
    }

    fn begin(
        self: &Rc<Self>,
        say: impl FnOnce(&mut Session) -> Result<u64, Failure>,
    ) -> Result<Pending, Failure> {
        self.last_used.set(Instant::now());
        let mut inner = self.inner.borrow_mut();
        let ticket = say(&mut inner.session)?;
        let replies = Rc::<Mailbox>::default();
        inner.waiting.insert(ticket, Rc::clone(&replies));
        self.output.notify_one();
        Ok(Pending { client: Rc::clone(self), ticket, replies })
    }

    fn on_bytes(&self, bytes: &[u8]) {
        let mut inner = self.inner.borrow_mut();
        let told = inner.session.on_bytes(bytes);
        inner.tell(told);
        if inner.session.output_bytes() > 0 {
            self.output.notify_one();
        }
    }

    fn on_end(&self) {
        let mut inner = self.inner.borrow_mut();
        let told = inner.session.on_end();
        inner.tell(told);
        self.room.notify_waiters();
    }
}

impl Inner {
    fn tell(&mut self, told: Vec<Told>) {
        for told in told {
            match told {
                Told::Open => self.on_opened(Ok(())),
                Told::Reply(ticket, reply) => self.pass(ticket, Ok(Some(reply))),
                Told::Fenced(ticket) => self.pass(ticket, Ok(None)),
                Told::Failed(ticket, failure) => self.pass(ticket, Err(failure)),
                Told::Message(_) | Told::Refused(_) => {}
                Told::Ended(failure) => {
                    self.is_over = true;
                    self.on_opened(Err(failure));
                }
            }
        }
    }

    fn pass(&self, ticket: u64, outcome: Outcome) {
        if let Some(waiting) = self.waiting.get(&ticket) {
            waiting.put(outcome);
        }
    }

    fn on_opened(&mut self, outcome: Result<(), Failure>) {
        if let Some(opened) = self.opened.take() {
            let _ = opened.send(outcome);
        }
    }
}

/// Carries bytes both ways until either side has enough.
async fn run(client: Rc<Client>, stream: Box<dyn Duplex>) {
    let (reads, writes) = split(stream);
    tokio::select! {
        () = read(&client, reads) => {}
        () = write(&client, writes) => {}
    }
    client.on_end();
}

async fn read(client: &Client, mut stream: ReadHalf<Box<dyn Duplex>>) {
    let mut bytes = vec![0; READ_BYTES];
    while let Ok(1..) = stream.read(&mut bytes).await.inspect(|read| client.on_bytes(&bytes[..*read])) {}
}

async fn write(client: &Client, mut stream: WriteHalf<Box<dyn Duplex>>) {
    loop {
        let output = client.inner.borrow_mut().session.take_output();
        client.room.notify_waiters();
        if output.is_empty() {
            client.output.notified().await;
        } else if stream.write_all(&output).await.is_err() {
            return;
        }
    }
}
