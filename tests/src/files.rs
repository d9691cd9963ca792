//! A server of HTTP that answers as a test says, and knows what it was asked.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// With its query.
    pub path: String,
    /// By their names in small letters.
    pub headers: HashMap<String, String>,
    /// Its body.
    pub body: String,
}

/// An answer: its status, headers and body.
pub type Told = (u16, Vec<(String, String)>, Vec<u8>);

/// A server that ends with the test.
#[derive(Debug, Clone)]
pub struct Files {
    /// Where it listens.
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Files {
    /// A server that answers so.
    ///
    /// # Panics
    /// Where it cannot listen.
    #[must_use]
    pub fn serve(answer: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let files = Self { address: listener.local_addr().unwrap().to_string(), asked: Arc::default() };
        let (asked, answer) = (files.asked.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, answer) = (asked.clone(), answer.clone());
                thread::spawn(move || handle(&stream, &asked, &*answer));
            }
        });
        files
    }

    /// A server of these files.
    #[must_use]
    pub fn of(files: &[(&str, Vec<u8>)]) -> Self {
        let files: HashMap<String, Vec<u8>> =
            files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())).collect();
        Self::serve(move |asked| match files.get(&asked.path) {
            Some(bytes) => (200, Vec::new(), bytes.clone()),
            None => (404, Vec::new(), Vec::new()),
        })
    }

    /// The address of a file.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked so far.
    ///
    /// # Panics
    /// Where an answer broke.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn handle(mut stream: &TcpStream, log: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Told) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let asked = Asked { path, headers, body: String::from_utf8_lossy(&body).into_owned() };
    log.lock().unwrap().push(asked.clone());
    let (status, headers, body) = answer(&asked);
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    // A client that has heard enough hangs up.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}
