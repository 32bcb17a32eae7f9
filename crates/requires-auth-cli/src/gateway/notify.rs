//! Tells systemd how the service is doing: `sd_notify(3)`, one datagram to the socket in `NOTIFY_SOCKET`.

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It listens, or a reload is over.
    Ready,
    /// It reads its configuration again.
    Reloading,
    /// It lets requests that are under way end.
    Stopping,
}

/// Tells the service manager, if one wants to know. A service that cannot tell works all the same.
pub(crate) fn notify(state: State) {
    #[cfg(unix)]
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty())
        && let Err(error) = unix::send(&socket, &message(state))
    {
        tracing::warn!(%error, "the service manager cannot be told");
    }
    #[cfg(not(unix))]
    let _ = state;
}

#[cfg(unix)]
fn message(state: State) -> String {
    match state {
        State::Ready => "READY=1".to_owned(),
        // A manager that knows `Type=notify-reload` wants to know when it began, on the clock that it uses itself.
        State::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={}", unix::monotonic_micros()),
        State::Stopping => "STOPPING=1".to_owned(),
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::io;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::UnixDatagram;

    pub(super) fn send(socket: &OsStr, message: &str) -> io::Result<()> {
        let sender = UnixDatagram::unbound()?;
        // The manager may be slow to read; requests are not to wait for it.
        sender.set_nonblocking(true)?;
        match socket.as_bytes().strip_prefix(b"@") {
            #[cfg(target_os = "linux")]
            Some(name) => {
                use std::os::linux::net::SocketAddrExt as _;
                let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
                sender.send_to_addr(message.as_bytes(), &address)?;
            }
            #[cfg(not(target_os = "linux"))]
            Some(_) => return Err(io::ErrorKind::Unsupported.into()),
            None => {
                sender.send_to(message.as_bytes(), socket)?;
            }
        }
        Ok(())
    }

    pub(super) fn monotonic_micros() -> i64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn each_state_is_one_datagram() {
        let folder = std::env::temp_dir().join(format!("requires-auth-notify-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("socket");
        let manager = UnixDatagram::bind(&path).expect("a socket");
        let mut buffer = [0; 256];
        for (state, expected) in [
            (State::Ready, "READY=1"),
            (State::Reloading, "RELOADING=1\nMONOTONIC_USEC="),
            (State::Stopping, "STOPPING=1"),
        ] {
            unix::send(path.as_os_str(), &message(state)).expect("it is told");
            let length = manager.recv(&mut buffer).expect("a datagram");
            let text = std::str::from_utf8(&buffer[..length]).expect("text");
            assert!(text.starts_with(expected), "{text}");
        }
        assert!(unix::monotonic_micros() > 0);
        std::fs::remove_dir_all(folder).expect("it is there");
    }
}
