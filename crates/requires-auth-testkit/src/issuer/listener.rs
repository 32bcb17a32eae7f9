//! The listening socket, which can be shut and opened again on the same address.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::wire::{Line, Lines, Wire};

/// How many connections the system queues before they are accepted.
const BACKLOG: u32 = 1024;

/// How long accepting rests after an error, which mostly means that file descriptors ran out.
const REST: Duration = Duration::from_millis(50);

/// A listener that is opened and shut by a [`ListenerSwitch`].
pub(super) struct SwitchedListener {
    socket: Socket,
    address: SocketAddr,
    lines: Lines,
    commands: mpsc::UnboundedReceiver<Command>,
}

enum Socket {
    Open(TcpListener),
    /// Bound but not listening, so that connections are refused and no other process takes the port; absent
    /// where the system would not bind it again.
    Shut(Option<TcpSocket>),
}

enum Command {
    Open(oneshot::Sender<io::Result<()>>),
    Shut(oneshot::Sender<()>),
}

/// Opens and shuts a [`SwitchedListener`] while a server owns it.
pub(super) struct ListenerSwitch {
    commands: mpsc::UnboundedSender<Command>,
    lines: Lines,
}

impl SwitchedListener {
    /// Listens on the address; when it is taken, on the next ports, `further` of them at most.
    pub(super) fn open(mut address: SocketAddr, mut further: u16) -> io::Result<(Self, ListenerSwitch)> {
        let listener = loop {
            match bind(address).and_then(|socket| socket.listen(BACKLOG)) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && further > 0 => {
                    let Some(next) = address.port().checked_add(1) else { return Err(error) };
                    address.set_port(next);
                    further -= 1;
                }
                outcome => break outcome?,
            }
        };
        let address = listener.local_addr()?;
        let (sender, commands) = mpsc::unbounded_channel();
        let lines = Lines::default();
        let switch = ListenerSwitch { commands: sender, lines: lines.clone() };
        Ok((Self { socket: Socket::Open(listener), address, lines, commands }, switch))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        if let Poll::Ready(Some(command)) = self.commands.poll_recv(context) {
            return Poll::Ready(Event::Command(command));
        }
        match &self.socket {
            Socket::Open(listener) => listener.poll_accept(context).map(Event::Connection),
            Socket::Shut(_) => Poll::Pending,
        }
    }

    /// If the caller no longer waits, the answer is dropped.
    fn execute(&mut self, command: Command) {
        match command {
            Command::Open(done) => {
                done.send(self.listen()).ok();
            }
            Command::Shut(done) => {
                self.refuse();
                done.send(()).ok();
            }
        }
    }

    fn listen(&mut self) -> io::Result<()> {
        if let Socket::Shut(reserved) = &mut self.socket {
            let socket = reserved.take().map_or_else(|| bind(self.address), Ok)?;
            share_address(&socket, true)?;
            self.socket = Socket::Open(socket.listen(BACKLOG)?);
        }
        Ok(())
    }

    fn refuse(&mut self) {
        if matches!(self.socket, Socket::Open(_)) {
            // The listener has to be gone before the address can be bound again.
            self.socket = Socket::Shut(None);
            self.socket = Socket::Shut(self.reserve().ok());
        }
        self.lines.cut();
    }

    /// Binds the address without listening, and so that no other socket can bind it.
    fn reserve(&self) -> io::Result<TcpSocket> {
        let socket = bind(self.address)?;
        share_address(&socket, false)?;
        Ok(socket)
    }
}

enum Event {
    Command(Command),
    Connection(io::Result<(TcpStream, SocketAddr)>),
}

impl Listener for SwitchedListener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            match poll_fn(|context| self.poll_event(context)).await {
                Event::Command(command) => self.execute(command),
                Event::Connection(Ok((stream, peer))) => {
                    // Without it answers are only slower.
                    stream.set_nodelay(true).ok();
                    return (Wire::new(stream, self.lines.open()), peer);
                }
                Event::Connection(Err(_)) => tokio::time::sleep(REST).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, SwitchedListener>> for Line {
    fn connect_info(stream: IncomingStream<'_, SwitchedListener>) -> Self {
        stream.io().line()
    }
}

impl ListenerSwitch {
    /// Refuses new connections and cuts the open ones.
    pub(super) async fn shut(&self) {
        let (done, answer) = oneshot::channel();
        if self.commands.send(Command::Shut(done)).is_ok() {
            // An error means that the server is gone, and so is its listener.
            answer.await.ok();
        }
    }

    /// Listens again on the same address.
    pub(super) async fn open(&self) -> io::Result<()> {
        let (done, answer) = oneshot::channel();
        let gone = || io::Error::other("the runtime of the issuer has ended");
        self.commands.send(Command::Open(done)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Cuts the open connections.
    pub(super) fn cut(&self) {
        self.lines.cut();
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    share_address(&socket, true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Lets an address be bound while its old connections linger, or not.
fn share_address(socket: &TcpSocket, share: bool) -> io::Result<()> {
    // On Windows this would let two servers listen on one address.
    if cfg!(windows) { Ok(()) } else { socket.set_reuseaddr(share) }
}
