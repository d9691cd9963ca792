//! One client on standard input and output.

use std::{fs::File, io, os::fd::AsFd as _, sync::Arc};

use gateway_core::wire::{
    lines::{Line, Lines, MAX_LINE, write_all},
    message::{Malformed, Outgoing, PARSE_ERROR},
};
use rustix::fs::{FileType, fstat};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{UnixStream, unix::pipe},
    sync::mpsc,
};
use tracing::{debug, warn};

use super::{exchange::Way, serve, session::Session};

/// Serves the client until it closes its side, or until its side is broken. What still runs then is the caller's to
/// drain: the session's tasks, and `outgoing` after them.
///
/// # Errors
/// Where standard input cannot be read.
pub async fn read(session: &Arc<Session>, way: &Arc<dyn Way>) -> io::Result<()> {
    let mut lines = Lines::new(input()?, MAX_LINE);
    while let Some(line) = lines.next().await? {
        match line {
            Line::Whole(frame) => serve::handle(session, &frame, way),
            Line::Torn(rest) => {
                // The last line may lack its end; half a message is told apart by not being JSON.
                debug!(bytes = rest.len(), "the last line has no end");
                serve::handle(session, &rest, way);
            }
            Line::TooLong => {
                warn!("the client sent a line of over {MAX_LINE} bytes");
                let message = format!("the message is longer than {MAX_LINE} bytes");
                session.send(Malformed { id: None, code: PARSE_ERROR, message }.answer());
            }
        }
    }
    Ok(())
}

/// Writes what is sent to the client, until the session is gone or standard output is closed.
///
/// # Errors
/// Where standard output cannot be written.
pub async fn write(mut outgoing: mpsc::UnboundedReceiver<Outgoing>) -> io::Result<()> {
    write_all(output()?, &mut outgoing).await
}

/// Standard input without a thread that blocks on it, where that is possible: most clients give a pipe, Node gives a
/// UNIX socket, a shell gives anything.
fn input() -> io::Result<Box<dyn AsyncRead + Unpin + Send>> {
    let stdin = io::stdin();
    let kind = FileType::from_raw_mode(fstat(&stdin)?.st_mode);
    if kind == FileType::Fifo
        // Opened anew, so that making it non-blocking concerns nobody who shares it.
        && let Ok(file) = File::open("/proc/self/fd/0")
        && let Ok(pipe) = pipe::Receiver::from_file(file)
    {
        return Ok(Box::new(pipe));
    }
    if kind == FileType::Socket
        && let Ok(socket) = socket(stdin.as_fd())
    {
        return Ok(Box::new(socket));
    }
    Ok(Box::new(tokio::io::stdin()))
}

/// Standard output, likewise.
fn output() -> io::Result<Box<dyn AsyncWrite + Unpin + Send>> {
    let stdout = io::stdout();
    let kind = FileType::from_raw_mode(fstat(&stdout)?.st_mode);
    if kind == FileType::Fifo
        && let Ok(file) = File::options().write(true).open("/proc/self/fd/1")
        && let Ok(pipe) = pipe::Sender::from_file(file)
    {
        return Ok(Box::new(pipe));
    }
    if kind == FileType::Socket
        && let Ok(socket) = socket(stdout.as_fd())
    {
        return Ok(Box::new(socket));
    }
    Ok(Box::new(tokio::io::stdout()))
}

fn socket(fd: std::os::fd::BorrowedFd<'_>) -> io::Result<UnixStream> {
    let socket = std::os::unix::net::UnixStream::from(fd.try_clone_to_owned()?);
    // Fails for a socket of another kind.
    socket.local_addr()?;
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}
