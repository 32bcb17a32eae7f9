//! An application that says what reached it: it speaks HTTP/1.1 from scratch, so that nothing is tidied up on the way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

/// A request as it came over the wire.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Request line and headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Received {
    /// The target, byte for byte.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// Every value of a header, by its exact name in any case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }
}

/// The application. What it answers depends on the path.
pub struct Application {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    /// Lets an answer to `/orders/stream` go on.
    pub go_on: mpsc::Sender<()>,
    /// Each piece of a body as it comes.
    pub pieces: mpsc::Receiver<Vec<u8>>,
}

#[derive(Clone)]
struct Shared {
    name: &'static str,
    received: Arc<Mutex<Vec<Received>>>,
    go_on: Arc<Mutex<mpsc::Receiver<()>>>,
    pieces: mpsc::Sender<Vec<u8>>,
}

impl Application {
    pub fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (go_on, going_on) = mpsc::channel();
        let (sender, pieces) = mpsc::channel();
        let received = Arc::default();
        let shared = Shared {
            name,
            received: Arc::clone(&received),
            go_on: Arc::new(Mutex::new(going_on)),
            pieces: sender,
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { url, received, go_on, pieces }
    }

    /// What has reached it since the last time.
    pub fn received(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock().expect("no panic"))
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut writer = stream.try_clone().ok()?;
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                (reader.read_line(&mut head).ok()? > 0).then_some(())?;
            }
            let mut request = Received { head, body: Vec::new() };
            self.body(&mut reader, &mut request)?;
            self.received.lock().expect("no panic").push(request.clone());
            let path = request.target().split('?').next().unwrap_or_default().to_owned();
            match path.as_str() {
                "/orders/late" => thread::park(),
                "/orders/gone" => return None,
                "/orders/garbage" => writer.write_all(b"no HTTP\r\n\r\n").ok()?,
                "/orders/switch" => writer.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").ok()?,
                "/orders/chunks" => {
                    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Auth-Subject\r\n\r\n\
                                  3\r\nabc\r\n0\r\nX-Auth-Subject: mallory\r\n\r\n";
                    writer.write_all(answer.as_bytes()).ok()?;
                }
                "/orders/stream" => {
                    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
                    writer.write_all(answer.as_bytes()).ok()?;
                    self.go_on.lock().expect("no panic").recv().ok()?;
                    writer.write_all(b"4\r\nlast\r\n0\r\n\r\n").ok()?;
                }
                "/socket" if !request.all("upgrade").is_empty() => {
                    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                                  Sec-WebSocket-Accept: x\r\n\r\n";
                    writer.write_all(answer.as_bytes()).ok()?;
                    let mut bytes = [0; 64];
                    loop {
                        let read = reader.read(&mut bytes).ok().filter(|read| *read > 0)?;
                        writer.write_all(&bytes[..read]).ok()?;
                    }
                }
                _ => {
                    let length = if request.head.starts_with("HEAD ") { 0 } else { self.name.len() };
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: X-Private\r\nX-Private: yes\r\n\
                         Keep-Alive: timeout=5\r\nX-Auth-Subject: mallory\r\nX-Public: yes\r\n\r\n{}",
                        self.name.len(),
                        &self.name[..length]
                    );
                    writer.write_all(answer.as_bytes()).ok()?;
                }
            }
        }
    }

    /// Reads a body, whichever way its end is told.
    fn body(&self, reader: &mut BufReader<TcpStream>, request: &mut Received) -> Option<()> {
        if let Some(length) = request.all("content-length").first().and_then(|text| text.parse().ok()) {
            request.body = vec![0; length];
            return reader.read_exact(&mut request.body).ok();
        }
        if request.all("transfer-encoding").is_empty() {
            return Some(());
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let size = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut piece = vec![0; size + 2];
            if size == 0 {
                return reader.read_exact(&mut piece).ok();
            }
            reader.read_exact(&mut piece).ok()?;
            piece.truncate(size);
            request.body.extend_from_slice(&piece);
            self.pieces.send(piece).ok()?;
        }
    }
}
