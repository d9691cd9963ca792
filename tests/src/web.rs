//! A web server that keeps what it was sent.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use crate::wait::Watched;

/// A server on loopback.
#[derive(Debug)]
pub struct Web {
    /// Its port.
    pub port: u16,
    heads: Arc<Watched<Vec<String>>>,
}

/// What to answer, by the path that was asked for: a status, headers with their line ends, and a body.
type Answers = dyn Fn(&str) -> (u16, String, Vec<u8>) + Send + Sync;

impl Web {
    /// Starts a server that answers so.
    ///
    /// # Panics
    /// Where there is no port.
    #[must_use]
    pub fn start(answers: impl Fn(&str) -> (u16, String, Vec<u8>) + Send + Sync + 'static) -> Self {
        let answers: Arc<Answers> = Arc::new(answers);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Watched::new(Vec::new()));
        let kept = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, answers) = (Arc::clone(&kept), Arc::clone(&answers));
                // One that goes away in the middle is no matter of the server.
                thread::spawn(move || drop(serve(stream, &kept, &*answers)));
            }
        });
        Self { port, heads }
    }

    /// The server's address, with a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The heads of the requests so far: request line and headers, names in lower case.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }

    /// How often each path was asked for, in order.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let path = |head: &String| head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.heads().iter().map(path).collect()
    }
}

fn serve(mut stream: TcpStream, heads: &Watched<Vec<String>>, answers: &Answers) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if head.is_empty() {
            head.push_str(line.trim_end());
            continue;
        }
        let (name, value) = line.trim_end().split_once(':').unwrap_or((line.trim_end(), ""));
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "transfer-encoding" => chunked = true,
            _ => {}
        }
        head.push_str(&format!("\n{name}:{value}"));
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.change(|heads| heads.push(head));
    if chunked {
        while chunk(&mut reader)? > 0 {}
    } else {
        std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    }
    let (status, headers, body) = answers(&path);
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} Answer\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n")?;
    stream.write_all(&body)
}

/// Reads a chunk of a body, and gives its length.
fn chunk(reader: &mut BufReader<TcpStream>) -> std::io::Result<u64> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let length = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
    std::io::copy(&mut reader.take(length + 2), &mut std::io::sink())?;
    Ok(length)
}
