//! What is wrong with a pipeline, and where.

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where it is, from the pipeline on.
    pub at: Vec<At>,
    /// What it is: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Whether the pipeline cannot be used.
    pub fatal: bool,
}

/// A step of the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// Into what has this name.
    Name(String),
    /// Into this item of a list.
    Index(usize),
}

impl Flaw {
    /// The way to it in one line: `steps[0].arguments.sql`.
    #[must_use]
    pub fn place(&self) -> String {
        let mut place = String::new();
        for at in &self.at {
            match at {
                At::Name(name) if place.is_empty() => place.push_str(name),
                At::Name(name) => place.extend([".", name]),
                At::Index(index) => place.push_str(&format!("[{index}]")),
            }
        }
        place
    }
}

impl From<&str> for At {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<usize> for At {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}
